//! A stand-in for AWS KMS: the operations this project uses, over real AES-256-GCM.
//!
//! The stand-in is faithful where a mistake of ours would otherwise only show on AWS: the encryption context is
//! authenticated, a ciphertext names the key that made it, and errors carry the names the SDK turns into types.
//! Key material lies in `kms.json` beside the data it protects. That protects nothing against somebody who reads the
//! directory; it exists so that what is encrypted before a restart can be read after it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use keys::{Key, id_of_blob, invalid_ciphertext, random, seal, unseal};

mod keys;
#[cfg(test)]
mod tests;

/// The aliases that exist from the first open on.
pub const ALIASES: [&str; 3] = [
    "alias/trackwell-data",
    "alias/trackwell-tokens",
    "alias/trackwell-ledger",
];

/// The region in the ARNs of [`Kms::open`] and [`Kms::in_memory`].
pub const REGION: &str = "eu-west-2";

/// The account in the ARNs of [`Kms::open`] and [`Kms::in_memory`].
pub const ACCOUNT: &str = "000000000000";

/// The largest plaintext that KMS encrypts directly; more than this is what data keys are for.
const MAX_PLAINTEXT: usize = 4096;

/// The KMS stand-in; clones share their keys.
#[derive(Clone)]
pub struct Kms {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    account: String,
    keys: Mutex<Vec<Key>>,
}

/// An error that the SDK recognises by its name.
struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }
}

impl Kms {
    /// Keys that live as long as the value does.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn in_memory() -> io::Result<Self> {
        let mut keys = Vec::new();
        keys::add_missing(&mut keys)?;
        Ok(Self::of(keys, REGION, ACCOUNT))
    }

    /// Keys kept in `<dir>/kms.json`, which is written when it does not exist or lacks an alias.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not what this version wrote.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Self::open_at(dir, REGION, ACCOUNT)
    }

    /// Like [`Kms::open`], with the region and the account that the keys' ARNs name.
    ///
    /// # Errors
    /// As [`Kms::open`].
    pub fn open_at(dir: &Path, region: &str, account: &str) -> io::Result<Self> {
        let keys = keys::open(dir)?;
        Ok(Self::of(keys, region, account))
    }

    fn of(keys: Vec<Key>, region: &str, account: &str) -> Self {
        let inner = Inner {
            region: region.to_owned(),
            account: account.to_owned(),
            keys: Mutex::new(keys),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The ARN of the key behind an alias, key id or ARN.
    #[must_use]
    pub fn key_arn(&self, key: &str) -> Option<String> {
        self.find(key).map(|found| self.arn(&found))
    }

    /// The ARN of the key that a request is about: the named one or, as `Decrypt` may name none, the one that made
    /// the ciphertext.
    #[must_use]
    pub fn resolve(&self, key: Option<&str>, ciphertext: Option<&[u8]>) -> Option<String> {
        match (key, ciphertext) {
            (Some(key), _) => self.key_arn(key),
            (None, Some(blob)) => self.key_arn(&id_of_blob(blob)?),
            (None, None) => None,
        }
    }

    /// Switches a key on or off, for drills; the switch is not kept over a restart. Answers whether the key exists.
    pub fn set_enabled(&self, key: &str, enabled: bool) -> bool {
        let Some(id) = self.find(key).map(|found| found.id) else {
            return false;
        };
        for key in self.keys().iter_mut().filter(|key| key.id == id) {
            key.enabled = enabled;
        }
        true
    }

    /// Answers one request of the KMS JSON 1.1 protocol.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let operation = target
            .and_then(|target| target.strip_prefix("TrentService."))
            .unwrap_or_default();
        let answer = match operation {
            "Encrypt" => parse(request.body()).and_then(|input| self.encrypt(&input)),
            "Decrypt" => parse(request.body()).and_then(|input| self.decrypt(&input)),
            "GenerateDataKey" => parse(request.body()).and_then(|input| self.data_key(&input, true)),
            "GenerateDataKeyWithoutPlaintext" => {
                parse(request.body()).and_then(|input| self.data_key(&input, false))
            }
            "DisableKey" => parse(request.body()).and_then(|input| self.switch(&input, false)),
            "EnableKey" => parse(request.body()).and_then(|input| self.switch(&input, true)),
            "DescribeKey" => parse(request.body()).and_then(|input| self.describe(&input)),
            _ => Err(Failure::new(
                "UnknownOperationException",
                format!("The local KMS has no operation {:?}.", target.unwrap_or_default()),
            )),
        };
        match answer {
            Ok(value) => respond(StatusCode::OK, &value),
            Err(Failure { kind, message }) => respond(
                StatusCode::BAD_REQUEST,
                &json!({ "__type": kind, "message": message }),
            ),
        }
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Key>> {
        // No code panics while it holds the lock, so a poisoned list is still a whole one.
        self.inner.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arn(&self, key: &Key) -> String {
        format!(
            "arn:aws:kms:{}:{}:key/{}",
            self.inner.region, self.inner.account, key.id
        )
    }

    fn find(&self, named: &str) -> Option<Key> {
        let prefix = format!("arn:aws:kms:{}:{}:", self.inner.region, self.inner.account);
        let local = match named.strip_prefix(&prefix) {
            Some(rest) => rest.strip_prefix("key/").unwrap_or(rest),
            None => named,
        };
        self.keys()
            .iter()
            .find(|key| key.id == local || key.alias == local)
            .cloned()
    }

    fn usable(&self, named: &str) -> Result<Key, Failure> {
        let key = self
            .find(named)
            .ok_or_else(|| Failure::new("NotFoundException", format!("Key '{named}' does not exist")))?;
        if key.enabled {
            Ok(key)
        } else {
            Err(Failure::new(
                "DisabledException",
                format!("{} is disabled.", self.arn(&key)),
            ))
        }
    }

    fn encrypt(&self, input: &EncryptInput) -> Result<Value, Failure> {
        only_symmetric(input.encryption_algorithm.as_deref())?;
        let key = self.usable(&input.key_id)?;
        let plaintext = unbase64(&input.plaintext, "Plaintext")?;
        if plaintext.is_empty() || plaintext.len() > MAX_PLAINTEXT {
            return Err(Failure::validation(format!(
                "Plaintext must have 1 to {MAX_PLAINTEXT} bytes"
            )));
        }
        let blob = seal(&key, &input.encryption_context, plaintext)?;
        Ok(json!({
            "CiphertextBlob": BASE64.encode(blob),
            "KeyId": self.arn(&key),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    fn decrypt(&self, input: &DecryptInput) -> Result<Value, Failure> {
        only_symmetric(input.encryption_algorithm.as_deref())?;
        let blob = unbase64(&input.ciphertext_blob, "CiphertextBlob")?;
        let named = input
            .key_id
            .as_deref()
            .map(|named| self.usable(named))
            .transpose()?;
        let maker = id_of_blob(&blob)
            .and_then(|id| self.find(&id))
            .ok_or_else(invalid_ciphertext)?;
        if named.is_some_and(|named| named.id != maker.id) {
            return Err(Failure::new(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.",
            ));
        }
        let key = self.usable(&maker.id)?;
        let plaintext = unseal(&key, &input.encryption_context, &blob)?;
        Ok(json!({
            "Plaintext": BASE64.encode(plaintext),
            "KeyId": self.arn(&key),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    fn data_key(&self, input: &DataKeyInput, with_plaintext: bool) -> Result<Value, Failure> {
        let length = match (input.key_spec.as_deref(), input.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(length @ 1..=1024)) => length,
            _ => {
                return Err(Failure::validation(
                    "Give either KeySpec or NumberOfBytes (1 to 1024)",
                ));
            }
        };
        let key = self.usable(&input.key_id)?;
        let mut plaintext = vec![0; length];
        random(&mut plaintext)?;
        let mut answer = json!({ "KeyId": self.arn(&key) });
        if with_plaintext {
            answer["Plaintext"] = BASE64.encode(&plaintext).into();
        }
        let blob = seal(&key, &input.encryption_context, plaintext)?;
        answer["CiphertextBlob"] = BASE64.encode(blob).into();
        Ok(answer)
    }

    fn switch(&self, input: &DescribeInput, enabled: bool) -> Result<Value, Failure> {
        if input.key_id.contains("alias/") || !self.set_enabled(&input.key_id, enabled) {
            return Err(Failure::new(
                "NotFoundException",
                format!("Key '{}' does not exist", input.key_id),
            ));
        }
        Ok(json!({}))
    }

    fn describe(&self, input: &DescribeInput) -> Result<Value, Failure> {
        let key = self.find(&input.key_id).ok_or_else(|| {
            Failure::new(
                "NotFoundException",
                format!("Key '{}' does not exist", input.key_id),
            )
        })?;
        Ok(json!({ "KeyMetadata": {
            "AWSAccountId": self.inner.account,
            "KeyId": key.id,
            "Arn": self.arn(&key),
            "Enabled": key.enabled,
            "KeyState": if key.enabled { "Enabled" } else { "Disabled" },
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "Origin": "AWS_KMS",
            "MultiRegion": false,
        }}))
    }
}

// A parameter these types do not know is refused: a stand-in that ignores one would pass what AWS decides otherwise.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct EncryptInput {
    key_id: String,
    plaintext: String,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
    encryption_algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DecryptInput {
    ciphertext_blob: String,
    key_id: Option<String>,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
    encryption_algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DataKeyInput {
    key_id: String,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeInput {
    key_id: String,
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::validation(error.to_string()))
}

fn only_symmetric(algorithm: Option<&str>) -> Result<(), Failure> {
    match algorithm {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(other) => Err(Failure::validation(format!(
            "Unsupported EncryptionAlgorithm {other}"
        ))),
    }
}

fn unbase64(text: &str, field: &str) -> Result<Vec<u8>, Failure> {
    BASE64
        .decode(text)
        .map_err(|error| Failure::new("SerializationException", format!("{field}: {error}")))
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/x-amz-json-1.1");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
