//! The AWS clients: one HTTP client for all, and an explicit limit on every wait.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::AwsConfig;

/// The longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);

/// The longest wait for the answer to one attempt.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);

/// The longest time for one operation with all its attempts: two of them, and some work, fit into a function's ten
/// seconds, so that the answer is ours and not the gateway's.
pub const OPERATION_TIMEOUT: Duration = Duration::from_millis(4_000);

/// How often an operation is attempted.
pub const ATTEMPTS: u32 = 3;

/// The certificate authorities that sign the certificates of AWS endpoints. Loading the system's some 140 would be
/// most of a cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("../certs/amazon-roots.pem");

/// What every client is made of.
#[derive(Debug, Clone)]
pub struct Aws {
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) http: SharedHttpClient,
}

macro_rules! client {
    ($(#[$meta:meta])* $name:ident, $sdk:ident, |$builder:ident| $more:expr) => {
        $(#[$meta])*
        pub fn $name(&self) -> $sdk::Client {
            let mut $builder = $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new(self.region.clone()))
                .credentials_provider(self.credentials.clone())
                .http_client(self.http.clone())
                .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
                .timeout_config(timeouts())
                .retry_config(retries());
            if let Some(endpoint) = &self.endpoint {
                $builder = $builder.endpoint_url(endpoint);
            }
            $sdk::Client::from_conf($more.build())
        }
    };
}

impl Aws {
    /// Clients that reach AWS over TLS, or whatever stands in for it.
    pub fn new(config: &AwsConfig) -> Self {
        let roots = if config.system_roots {
            TrustStore::default()
        } else {
            TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
        };
        let tls = TlsContext::builder()
            .with_trust_store(roots)
            .build()
            .expect("the embedded certificates are valid");
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .tls_context(tls)
            .build_https();
        Self::with_http(config, http)
    }

    /// Clients over another HTTP client, such as one that calls a stand-in in the same process.
    pub fn with_http(config: &AwsConfig, http: SharedHttpClient) -> Self {
        let credentials = Credentials::new(
            &config.access_key_id,
            &config.secret_access_key,
            config.session_token.clone(),
            None,
            "environment",
        );
        Self {
            region: config.region.clone(),
            endpoint: config.endpoint.clone(),
            credentials,
            http,
        }
    }

    client!(
        /// A client for DynamoDB.
        dynamodb, aws_sdk_dynamodb, |builder| builder
    );
    client!(
        /// A client for S3. Path style, because a stand-in has no names for its buckets.
        s3, aws_sdk_s3, |builder| builder.force_path_style(true)
    );
    client!(
        /// A client for SES. SES has no idempotency token: an attempt whose answer is lost must not be repeated here.
        ses, aws_sdk_sesv2, |builder| builder.retry_config(RetryConfig::disabled())
    );
    client!(
        /// A client for KMS, for whoever runs a deployment. Functions only decrypt, by other means.
        kms, aws_sdk_kms, |builder| builder
    );
}

/// The limits on waiting that every client has.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(1_000))
}
