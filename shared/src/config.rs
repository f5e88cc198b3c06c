//! What a deployment tells its functions, read once from the environment.

use crate::accounts::token::PublicKeys;
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
            root_key_ciphertext: required("ROOT_KEY_CIPHERTEXT")?,
            token_public_keys: serde_json::from_str(&required("TOKEN_PUBLIC_KEYS")?)
                .map_err(|_| "TOKEN_PUBLIC_KEYS is not a key set".to_owned())?,
            token_signing_key_ciphertext: optional("TOKEN_SIGNING_KEY_CIPHERTEXT"),
            ledger_verifier_key: required("LEDGER_VERIFIER_KEY")?,
            ledger_signing_key_ciphertext: optional("LEDGER_SIGNING_KEY_CIPHERTEXT"),
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
}
