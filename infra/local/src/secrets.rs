//! What a deployment has that no template can hold: its keys. Made at the first start, kept encrypted in `stack.json`.

use std::io;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::entropy::{self, SystemEntropy};
use shared::policy::Profile;
use zeroize::Zeroizing;

use crate::account::Account;
use crate::clock::replace;
use crate::error::DataDirectoryError;
use crate::keys::{DeploymentKeys, PlainKey, Purpose};

/// The format of the data directory; it grows when an older program could no longer work in it.
const VERSION: u32 = 1;

/// The file that makes a directory a data directory.
const FILE: &str = "stack.json";

/// The secrets of a deployment. Of keys that protect data there are ciphertexts only.
#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    version: u32,
    profile: String,
    /// Separates the functions of one stack from those of another; protects nothing beyond this machine.
    identity_seed: String,
    #[serde(flatten)]
    pub(crate) keys: DeploymentKeys,
}

/// Who calls AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) session_token: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    profile: String,
}

/// Looks at a data directory before anything in it is opened: whose is it, and can this program work in it?
/// Says whether it is new.
pub(crate) fn inspect(directory: &Path, profile: Profile) -> Result<bool, DataDirectoryError> {
    let path = directory.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // New keys beside old data would make that data unreadable for good, so it is not done unasked.
            let orphaned = ["tables.db", "s3"]
                .iter()
                .any(|name| directory.join(name).exists());
            let missing =
                || DataDirectoryError::Damaged(format!("{} is missing beside its data.", path.display()));
            return if orphaned { Err(missing()) } else { Ok(true) };
        }
        Err(error) => return Err(error.into()),
    };
    let head: Head = parse(&path, &bytes)?;
    if head.version > VERSION {
        return Err(DataDirectoryError::Newer {
            found: head.version,
            known: VERSION,
        });
    }
    if head.profile != profile.as_str() {
        return Err(DataDirectoryError::OtherProfile {
            found: head.profile,
            wanted: profile.as_str(),
        });
    }
    Ok(false)
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, bytes: &'a [u8]) -> Result<T, DataDirectoryError> {
    serde_json::from_slice(bytes)
        .map_err(|error| DataDirectoryError::Damaged(format!("{} is not readable: {error}.", path.display())))
}

impl Secrets {
    /// Reads the secrets of a data directory, or makes and keeps them.
    pub(crate) async fn open(
        directory: Option<&Path>,
        profile: Profile,
        account: &Account,
    ) -> Result<Self, DataDirectoryError> {
        let path = directory.map(|directory| directory.join(FILE));
        if let Some(path) = path.as_deref().filter(|path| path.exists()) {
            return parse(path, &std::fs::read(path)?);
        }
        let made = Self::make(profile, account)
            .await
            .map_err(DataDirectoryError::Damaged)?;
        if let Some(path) = path {
            let text = serde_json::to_vec_pretty(&made).map_err(io::Error::other)?;
            replace(&path, &text)?;
        }
        Ok(made)
    }

    async fn make(profile: Profile, account: &Account) -> Result<Self, String> {
        Ok(Self {
            version: VERSION,
            profile: profile.as_str().to_owned(),
            identity_seed: hex::encode(entropy::bytes::<32>(&SystemEntropy)),
            keys: DeploymentKeys::make("localhost", profile, |purpose, key| {
                encrypt(account, purpose, key)
            })
            .await?,
        })
    }

    /// The access key and the secret key of a function, the same at every start.
    pub(crate) fn identity(&self, function: &str) -> Identity {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.identity_seed.as_bytes());
        let derived =
            |part: &str| hex::encode(hmac::sign(&key, format!("{part}\n{function}").as_bytes()).as_ref());
        Identity {
            access_key: format!("LOCAL{}", derived("access key")[..15].to_ascii_uppercase()),
            secret_key: derived("secret key"),
            session_token: None,
        }
    }
}

/// Has KMS encrypt a key, as an operator does at a first deployment.
async fn encrypt(account: &Account, purpose: Purpose, key: PlainKey) -> Result<String, String> {
    let alias = match purpose {
        Purpose::Root => "alias/trackwell-data",
        Purpose::Token => "alias/trackwell-tokens",
        Purpose::Ledger => "alias/trackwell-ledger",
    };
    let body = Zeroizing::new(
        json!({
            "KeyId": alias,
            "Plaintext": BASE64.encode(*key),
            "EncryptionContext": { "trackwell:purpose": purpose.as_str() },
        })
        .to_string(),
    );
    let request = http::Request::post("/")
        .header("x-amz-target", "TrentService.Encrypt")
        .body(Bytes::from(body.as_bytes().to_vec()))
        .map_err(|error| error.to_string())?;
    let response = account.kms(request).await;
    let answer: Value = serde_json::from_slice(response.body()).map_err(|error| error.to_string())?;
    let blob = answer.get("CiphertextBlob").and_then(Value::as_str);
    blob.map(str::to_owned)
        .ok_or_else(|| format!("KMS does not encrypt with {alias}: {answer}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::Kms;

    #[tokio::test]
    async fn secrets_are_made_once_and_hold_no_key_in_the_clear() {
        let directory = tempfile::tempdir().unwrap();
        let account = Account::Embedded(Kms::open(directory.path()).unwrap());
        assert!(inspect(directory.path(), Profile::Trackado).unwrap());
        let first = Secrets::open(Some(directory.path()), Profile::Trackado, &account)
            .await
            .unwrap();
        assert!(!inspect(directory.path(), Profile::Trackado).unwrap());
        let second = Secrets::open(Some(directory.path()), Profile::Trackado, &account)
            .await
            .unwrap();
        assert_eq!(first.keys.parameters(), second.keys.parameters());
        assert_eq!(first.identity("A"), second.identity("A"));
        assert_ne!(first.identity("A"), first.identity("B"));
        assert!(
            first
                .keys
                .ledger_verifier_key
                .starts_with("localhost/trackwell/trackado+")
        );
    }

    #[test]
    fn directories_of_another_profile_or_a_newer_version_or_without_their_keys_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        std::fs::write(&file, r#"{"version":1,"profile":"ocktra"}"#).unwrap();
        let error = inspect(directory.path(), Profile::Trackado)
            .unwrap_err()
            .to_string();
        assert!(error.contains("--profile ocktra"), "{error}");
        std::fs::write(&file, r#"{"version":7,"profile":"trackado","new":1}"#).unwrap();
        assert!(matches!(
            inspect(directory.path(), Profile::Trackado),
            Err(DataDirectoryError::Newer { found: 7, known: 1 })
        ));
        std::fs::write(&file, "{").unwrap();
        assert!(matches!(
            inspect(directory.path(), Profile::Trackado),
            Err(DataDirectoryError::Damaged(_))
        ));
        std::fs::remove_file(&file).unwrap();
        std::fs::write(directory.path().join("tables.db"), "").unwrap();
        assert!(matches!(
            inspect(directory.path(), Profile::Trackado),
            Err(DataDirectoryError::Damaged(_))
        ));
    }
}
