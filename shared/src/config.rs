//! What a deployment tells its functions, read once from the environment.

use aws_lc_rs::digest::{SHA256, digest};

use crate::accounts::token::PublicKeys;
use crate::egress::EgressConfig;
use crate::policy::Profile;
use crate::store::TableNames;

/// The configuration of a function. Each field names the variable that it comes from.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PROFILE`: whose policy is executed.
    pub profile: Profile,
    /// `PUBLIC_ORIGIN`: the API's origin as customers see it, without a slash at the end; also the tokens' issuer.
    pub origin: String,
    /// `CORE_TABLE`, `CONTROL_TABLE`, `KEYS_TABLE`, `EPHEMERAL_TABLE`.
    pub tables: TableNames,
    /// `FILES_BUCKET`.
    pub files_bucket: String,
    /// `LEDGER_BUCKET`.
    pub ledger_bucket: String,
    /// `MAIL_FROM`: the address that mail comes from.
    pub mail_from: String,
    /// `MAIL_CONFIGURATION_SET`: the configuration set of SES that mail is sent with.
    pub mail_configuration_set: Option<String>,
    /// `ORIGIN_SECRET_HASHES`: SHA-256, in hex and separated by commas, of the secrets one of which the edge sends in
    /// `x-origin-secret`; none where no edge stands in front.
    pub origin_secrets: Vec<[u8; 32]>,
    /// `ROOT_KEY_CIPHERTEXT`: the root key as KMS encrypted it, in base64.
    pub root_key_ciphertext: String,
    /// `TOKEN_PUBLIC_KEYS`: the keys that verify access tokens, as a JSON Web Key Set.
    pub token_public_keys: PublicKeys,
    /// `TOKEN_SIGNING_KEY_CIPHERTEXT`: only the functions that issue tokens have it.
    pub token_signing_key_ciphertext: Option<String>,
    /// `LEDGER_VERIFIER_KEY`: the key that verifies receipts and checkpoints, in the notation of signed notes.
    pub ledger_verifier_key: String,
    /// `LEDGER_SIGNING_KEY_CIPHERTEXT`: only the functions that sign receipts and checkpoints have it.
    pub ledger_signing_key_ciphertext: Option<String>,
    /// How what is not AWS is reached.
    pub egress: EgressConfig,
    /// Where AWS is and who the function is there.
    pub aws: AwsConfig,
}

/// Where AWS is and who the function is there, as Lambda sets it.
#[derive(Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL`: only set where something stands in for AWS.
    pub endpoint: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<String>,
    /// `TLS_ROOTS=system` trusts the system's certificate authorities instead of Amazon's five only.
    pub system_roots: bool,
}

impl std::fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsConfig")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the variables that are missing or wrong, without their values.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_environment() -> Result<Self, String> {
        Self::from(&|name| std::env::var(name).ok())
    }

    /// Reads a set of variables.
    ///
    /// # Errors
    /// Names the variables that are missing or wrong, without their values.
    pub fn from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str| optional(name).ok_or_else(|| format!("{name} is not set"));
        Ok(Self {
            profile: required("PROFILE")?
                .parse()
                .map_err(|_| "PROFILE is not a profile".to_owned())?,
            origin: required("PUBLIC_ORIGIN")?.trim_end_matches('/').to_owned(),
            tables: TableNames {
                core: required("CORE_TABLE")?,
                control: required("CONTROL_TABLE")?,
                keys: required("KEYS_TABLE")?,
                ephemeral: required("EPHEMERAL_TABLE")?,
            },
            files_bucket: required("FILES_BUCKET")?,
            ledger_bucket: required("LEDGER_BUCKET")?,
            mail_from: required("MAIL_FROM")?,
            mail_configuration_set: optional("MAIL_CONFIGURATION_SET"),
            origin_secrets: optional("ORIGIN_SECRET_HASHES").map_or(Ok(Vec::new()), |list| hashes(&list))?,
            root_key_ciphertext: required("ROOT_KEY_CIPHERTEXT")?,
            token_public_keys: serde_json::from_str(&required("TOKEN_PUBLIC_KEYS")?)
                .map_err(|_| "TOKEN_PUBLIC_KEYS is not a key set".to_owned())?,
            token_signing_key_ciphertext: optional("TOKEN_SIGNING_KEY_CIPHERTEXT"),
            ledger_verifier_key: required("LEDGER_VERIFIER_KEY")?,
            ledger_signing_key_ciphertext: optional("LEDGER_SIGNING_KEY_CIPHERTEXT"),
            egress: EgressConfig {
                loopback: optional("EGRESS_LOOPBACK").as_deref() == Some("allow"),
                dns_server: optional("DNS_SERVER")
                    .map(|server| server.parse())
                    .transpose()
                    .map_err(|_| "DNS_SERVER is not an address with a port".to_owned())?,
            },
            aws: AwsConfig {
                region: required("AWS_REGION")?,
                endpoint: optional("AWS_ENDPOINT_URL"),
                access_key_id: required("AWS_ACCESS_KEY_ID")?,
                secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
                session_token: optional("AWS_SESSION_TOKEN"),
                system_roots: optional("TLS_ROOTS").as_deref() == Some("system"),
            },
        })
    }

    /// Whether a request may come in that shows this origin secret.
    pub fn admits(&self, secret: Option<&str>) -> bool {
        if self.origin_secrets.is_empty() {
            return true;
        }
        // Hashes are compared, so the time it takes says nothing about the secret.
        let shown = secret.map(|secret| digest(&SHA256, secret.as_bytes()));
        shown.is_some_and(|shown| self.origin_secrets.iter().any(|known| known == shown.as_ref()))
    }
}

/// Reads a list of hashes.
fn hashes(list: &str) -> Result<Vec<[u8; 32]>, String> {
    let hash = |text: &str| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes)
            .map(|()| bytes)
            .map_err(|_| "ORIGIN_SECRET_HASHES holds something that is not a SHA-256 in hex".to_owned())
    };
    list.split(',').map(hash).collect()
}
