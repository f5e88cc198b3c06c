//! KMS, of which a function needs one operation: to decrypt a key, once per container.
//!
//! It is asked through the orchestrator that the SDK's clients are made of, with the same connections, limits and
//! retries, but without the SDK's client for KMS: to start that one more client, with its rules for endpoints, was a
//! fifth of what a cold start costs beyond its first read.

use std::time::SystemTime;

use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::aws::{Aws, retries, timeouts};

/// A key as KMS decrypted it. It shows nothing of itself.
pub(crate) struct Plaintext(pub(crate) Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plaintext")
    }
}

impl Aws {
    /// Decrypts `ciphertext`, in base64, under the encryption context `trackwell:purpose`.
    ///
    /// # Errors
    /// When KMS does not answer or refuses; with the error code that it gave.
    pub(crate) async fn decrypt(
        &self,
        ciphertext: &str,
        purpose: &str,
        at: SystemTime,
    ) -> Result<Plaintext, SdkError<ErrorMetadata, HttpResponse>> {
        let endpoint = self
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("https://kms.{}.amazonaws.com", self.region));
        let context = json!({ "trackwell:purpose": purpose });
        let body = json!({ "CiphertextBlob": ciphertext, "EncryptionContext": context }).to_string();
        let (signer, url) = (self.clone(), endpoint.clone());
        // The answer is a key: the orchestrator must not write it to any log, however much is logged.
        let mut quiet = Layer::new("Decrypt");
        quiet.store_put(SensitiveOutput);
        Operation::builder()
            .service_name("kms")
            .operation_name("Decrypt")
            .http_client(self.http.clone())
            .endpoint_url(&endpoint)
            .no_auth()
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts())
            .standard_retry(&retries())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .runtime_plugin(StaticRuntimePlugin::new().with_config(quiet.freeze()))
            .serializer(move |body: String| signer.signed(&url, &body, at))
            .deserializer(plaintext)
            .build()
            .invoke(body)
            .await
    }

    /// The request with its signature (AWS Signature Version 4).
    fn signed(&self, url: &str, body: &str, at: SystemTime) -> Result<HttpRequest, BoxError> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "TrentService.Decrypt"),
        ];
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("kms")
            .time(at)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new(
            "POST",
            format!("{url}/"),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signature, _) = sign(signable, &params)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri("/")?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        for (name, value) in signature.headers() {
            request
                .headers_mut()
                .try_insert(name.to_owned(), value.to_owned())?;
        }
        Ok(request)
    }
}

fn plaintext(response: &HttpResponse) -> Result<Plaintext, OrchestratorError<ErrorMetadata>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Decrypted {
        plaintext: String,
    }
    #[derive(Deserialize)]
    struct Refused {
        #[serde(rename = "__type")]
        kind: String,
    }
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        let decrypted: Decrypted = serde_json::from_slice(body).map_err(OrchestratorError::other)?;
        let bytes = STANDARD.decode(Zeroizing::new(decrypted.plaintext).as_bytes());
        return bytes
            .map(|bytes| Plaintext(Zeroizing::new(bytes)))
            .map_err(OrchestratorError::other);
    }
    // The code may stand behind a namespace: `com.amazonaws.kms#DisabledException`.
    let refused: Option<Refused> = serde_json::from_slice(body).ok();
    let code = refused.and_then(|refused| refused.kind.rsplit('#').next().map(str::to_owned));
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(code);
    }
    Err(OrchestratorError::operation(error.build()))
}
