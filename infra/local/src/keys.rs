//! The keys of a deployment. They are made in memory, and leave it only as KMS encrypted them.

use aws_sdk_kms::Client;
use aws_sdk_kms::error::DisplayErrorContext;
use aws_sdk_kms::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::accounts::token::{Issuer, PublicKeys};
use shared::aws::Aws;
use shared::config::AwsConfig;
use shared::entropy::{self, SystemEntropy};
use shared::ledger::Signer;
use shared::policy::Profile;
use zeroize::Zeroizing;

/// What deployment to make keys for, and the KMS keys that encrypt them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// Whose policy is executed.
    pub profile: Profile,
    /// The API's host name, which the ledger is named after.
    pub host: String,
    /// The ARN of the KMS key for the root key.
    pub data_key: String,
    /// The ARN of the KMS key for the key that signs access tokens.
    pub token_key: String,
    /// The ARN of the KMS key for the key that signs receipts and checkpoints.
    pub ledger_key: String,
    /// Where KMS is, if not at AWS.
    pub endpoint: Option<String>,
}

/// Makes the keys of a deployment, and returns the parameters of `template.yaml` that carry them, as a JSON object.
///
/// # Errors
/// When the environment has no credentials, an ARN is not one of a key, or KMS does not encrypt.
pub async fn run(
    request: &KeyRequest,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let kms = client(request, environment)?;
    let keys = DeploymentKeys::make(&request.host, request.profile, |purpose, key| {
        let arn = match purpose {
            Purpose::Root => &request.data_key,
            Purpose::Token => &request.token_key,
            Purpose::Ledger => &request.ledger_key,
        };
        encrypt(&kms, arn, purpose, key)
    })
    .await?;
    let parameters = keys
        .parameters()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)));
    serde_json::to_string_pretty(&Value::Object(parameters.collect())).map_err(|error| error.to_string())
}

fn client(request: &KeyRequest, environment: &dyn Fn(&str) -> Option<String>) -> Result<Client, String> {
    let required = |name: &str| environment(name).ok_or_else(|| format!("{name} is not set."));
    // The functions ask one region for all three.
    let region = region(&request.data_key)?;
    for arn in [&request.token_key, &request.ledger_key] {
        if self::region(arn)? != region {
            return Err(format!("{arn} is not in {region}, as the first key is."));
        }
    }
    let config = AwsConfig {
        region: region.to_owned(),
        endpoint: request.endpoint.clone(),
        access_key_id: required("AWS_ACCESS_KEY_ID")?,
        secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
        session_token: environment("AWS_SESSION_TOKEN"),
        system_roots: false,
    };
    Ok(Aws::new(&config).kms())
}

fn region(arn: &str) -> Result<&str, String> {
    match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "kms", region, _, resource] if resource.starts_with("key/") => Ok(region),
        _ => Err(format!("{arn:?} is not the ARN of a KMS key.")),
    }
}

async fn encrypt(kms: &Client, arn: &str, purpose: Purpose, key: PlainKey) -> Result<String, String> {
    let answer = kms
        .encrypt()
        .key_id(arn)
        .plaintext(Blob::new(key.as_slice()))
        .encryption_context("trackwell:purpose", purpose.as_str())
        .send()
        .await
        .map_err(|error| format!("KMS does not encrypt with {arn}: {}.", DisplayErrorContext(error)))?;
    answer
        .ciphertext_blob()
        .map(|blob| BASE64.encode(blob))
        .ok_or_else(|| format!("KMS encrypted with {arn}, and answered without the ciphertext."))
}

/// What a key is for: the value of `trackwell:purpose` in the encryption context that opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Wraps every data key.
    Root,
    /// Signs access tokens.
    Token,
    /// Signs receipts and checkpoints.
    Ledger,
}

impl Purpose {
    /// The value in the encryption context.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Token => "token",
            Self::Ledger => "ledger",
        }
    }
}

/// A key that is not encrypted yet.
pub(crate) type PlainKey = Zeroizing<[u8; 32]>;

/// The keys of a deployment as its functions are given them: ciphertexts and public halves.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeploymentKeys {
    root_key_ciphertext: String,
    token_public_keys: PublicKeys,
    token_signing_key_ciphertext: String,
    pub(crate) ledger_verifier_key: String,
    ledger_signing_key_ciphertext: String,
}

impl DeploymentKeys {
    /// Makes the keys of `profile` on `host`. `encrypt` has KMS encrypt a key for its purpose, and gives the ciphertext
    /// in base64.
    pub(crate) async fn make<F>(
        host: &str,
        profile: Profile,
        encrypt: impl Fn(Purpose, PlainKey) -> F,
    ) -> Result<Self, String>
    where
        F: Future<Output = Result<String, String>>,
    {
        let seed = || PlainKey::new(entropy::bytes::<32>(&SystemEntropy));
        let (root, token, ledger) = (seed(), seed(), seed());
        // The public half does not depend on the origin that the issuer puts into tokens.
        let issuer = Issuer::new(token.as_slice(), "").map_err(|error| error.to_string())?;
        let signer = Signer::from_seed(&format!("{host}/trackwell/{profile}"), &ledger)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            root_key_ciphertext: encrypt(Purpose::Root, root).await?,
            token_public_keys: PublicKeys {
                keys: vec![issuer.public().clone()],
            },
            token_signing_key_ciphertext: encrypt(Purpose::Token, token).await?,
            ledger_verifier_key: signer.verifier_key().to_string(),
            ledger_signing_key_ciphertext: encrypt(Purpose::Ledger, ledger).await?,
        })
    }

    /// The parameters of `template.yaml` that carry them.
    pub(crate) fn parameters(&self) -> [(&'static str, String); 5] {
        let public_keys = serde_json::to_string(&self.token_public_keys).unwrap_or_default();
        [
            ("RootKeyCiphertext", self.root_key_ciphertext.clone()),
            ("TokenPublicKeys", public_keys),
            (
                "TokenSigningKeyCiphertext",
                self.token_signing_key_ciphertext.clone(),
            ),
            ("LedgerVerifierKey", self.ledger_verifier_key.clone()),
            (
                "LedgerSigningKeyCiphertext",
                self.ledger_signing_key_ciphertext.clone(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(arns: [&str; 3]) -> KeyRequest {
        KeyRequest {
            profile: Profile::Trackado,
            host: "api.example.com".to_owned(),
            data_key: arns[0].to_owned(),
            token_key: arns[1].to_owned(),
            ledger_key: arns[2].to_owned(),
            endpoint: None,
        }
    }

    #[tokio::test]
    async fn nothing_is_made_without_credentials_and_three_keys_of_one_region() {
        let [here, elsewhere] =
            ["eu-west-1", "us-east-1"].map(|region| format!("arn:aws:kms:{region}:1:key/k"));
        let nobody = |_: &str| None;
        let somebody = |name: &str| Some(name.to_owned());
        for (arns, environment, said) in [
            (
                [&here, &here, &here],
                &nobody as &dyn Fn(&str) -> Option<String>,
                "AWS_ACCESS_KEY_ID is not set",
            ),
            ([&here, &here, &elsewhere], &somebody, "is not in eu-west-1"),
            (
                [&here, &"alias/trackwell".to_owned(), &here],
                &somebody,
                "\"alias/trackwell\" is not the ARN of a KMS key",
            ),
        ] {
            let error = run(&request(arns.map(String::as_str)), environment)
                .await
                .unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn each_key_is_encrypted_for_its_own_purpose_and_none_is_among_the_parameters() {
        let seen = std::sync::Mutex::new(Vec::new());
        let keys = DeploymentKeys::make("api.example.com", Profile::Ocktra, |purpose, key| {
            seen.lock().unwrap().push((purpose, BASE64.encode(*key)));
            std::future::ready(Ok(format!("ciphertext for {}", purpose.as_str())))
        })
        .await
        .unwrap();
        let parameters: std::collections::HashMap<_, _> = keys.parameters().into_iter().collect();
        assert_eq!(parameters["RootKeyCiphertext"], "ciphertext for root");
        assert_eq!(parameters["TokenSigningKeyCiphertext"], "ciphertext for token");
        assert_eq!(parameters["LedgerSigningKeyCiphertext"], "ciphertext for ledger");
        assert!(parameters["LedgerVerifierKey"].starts_with("api.example.com/trackwell/ocktra+"));
        let seen = seen.into_inner().unwrap();
        assert_eq!(seen.len(), 3);
        for (purpose, key) in &seen {
            assert_eq!(seen.iter().filter(|(_, other)| other == key).count(), 1);
            assert!(
                parameters.values().all(|value| !value.contains(key)),
                "the {purpose:?} key is printed"
            );
        }
    }
}
