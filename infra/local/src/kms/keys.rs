//! The keys themselves: their material, the file they are kept in, and what they seal.
//!
//! A sealed blob is `format (1) | key id (16) | nonce (12) | ciphertext | tag (16)`; everything before the ciphertext
//! is authenticated together with the encryption context.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::{ALIASES, BASE64, Failure};

const FORMAT: u8 = 1;
const KEY_ID_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_LEN;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) alias: String,
    pub(super) id: String,
    material: String,
    pub(super) enabled: bool,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    version: u32,
    keys: Vec<Key>,
}

pub(super) fn random(buffer: &mut [u8]) -> Result<(), Failure> {
    // KMS makes its own randomness, apart from the caller's, and so does its stand-in.
    SystemRandom::new().fill(buffer).map_err(|_| {
        Failure::new(
            "KMSInternalException",
            "the operating system gave no random bytes",
        )
    })
}

pub(super) fn invalid_ciphertext() -> Failure {
    Failure::new(
        "InvalidCiphertextException",
        "The ciphertext is invalid for this key and encryption context.",
    )
}

fn cipher(key: &Key) -> Result<LessSafeKey, Failure> {
    let broken = || {
        Failure::new(
            "KMSInternalException",
            format!("the material of {} is unusable", key.alias),
        )
    };
    let material = BASE64.decode(&key.material).map_err(|_| broken())?;
    UnboundKey::new(&AES_256_GCM, &material)
        .map(LessSafeKey::new)
        .map_err(|_| broken())
}

/// What is authenticated besides the ciphertext. Lengths go before the parts, so that no two contexts give one text.
fn associated(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut data = header.to_vec();
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

pub(super) fn seal(
    key: &Key,
    context: &BTreeMap<String, String>,
    mut plaintext: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    let broken = || Failure::new("KMSInternalException", format!("{} cannot encrypt", key.alias));
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut blob = vec![FORMAT];
    blob.extend(hex::decode(key.id.replace('-', "")).map_err(|_| broken())?);
    blob.extend(nonce);
    cipher(key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(&blob, context)),
            &mut plaintext,
        )
        .map_err(|_| broken())?;
    blob.append(&mut plaintext);
    Ok(blob)
}

pub(super) fn unseal(key: &Key, context: &BTreeMap<String, String>, blob: &[u8]) -> Result<Vec<u8>, Failure> {
    let (header, sealed) = blob
        .split_at_checked(HEADER_BYTES)
        .ok_or_else(invalid_ciphertext)?;
    let nonce =
        Nonce::try_assume_unique_for_key(&header[1 + KEY_ID_BYTES..]).map_err(|_| invalid_ciphertext())?;
    let mut buffer = sealed.to_vec();
    let plaintext = cipher(key)?
        .open_in_place(nonce, Aad::from(associated(header, context)), &mut buffer)
        .map_err(|_| invalid_ciphertext())?;
    Ok(plaintext.to_vec())
}

pub(super) fn id_of_blob(blob: &[u8]) -> Option<String> {
    match blob.split_first()? {
        (&FORMAT, rest) => rest.get(..KEY_ID_BYTES).map(dashed),
        _ => None,
    }
}

/// Sixteen bytes in the grouping of a UUID, which is what key ids look like on AWS.
fn dashed(bytes: &[u8]) -> String {
    let text = hex::encode(bytes);
    let mut id = String::with_capacity(36);
    for (position, digit) in text.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

/// Reads the key file, makes what it lacks, and writes it back if there was anything to make.
pub(super) fn open(dir: &Path) -> io::Result<Vec<Key>> {
    let path = dir.join("kms.json");
    let mut keys = match std::fs::read(&path) {
        Ok(bytes) => read_keys(&path, &bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if add_missing(&mut keys)? {
        std::fs::create_dir_all(dir)?;
        let text = serde_json::to_vec_pretty(&KeyFile {
            version: 1,
            keys: keys.clone(),
        })?;
        write_private(&path, &text)?;
    }
    Ok(keys)
}

/// Makes a key for every alias that has none; answers whether there was one to make.
pub(super) fn add_missing(keys: &mut Vec<Key>) -> io::Result<bool> {
    let before = keys.len();
    for alias in ALIASES {
        if keys.iter().any(|key| key.alias == alias) {
            continue;
        }
        let mut bytes = [0; KEY_ID_BYTES + 32];
        random(&mut bytes).map_err(|failure| io::Error::other(failure.message))?;
        let (id, material) = bytes.split_at(KEY_ID_BYTES);
        keys.push(Key {
            alias: alias.to_owned(),
            id: dashed(id),
            material: BASE64.encode(material),
            enabled: true,
        });
    }
    Ok(keys.len() != before)
}

fn read_keys(path: &Path, bytes: &[u8]) -> io::Result<Vec<Key>> {
    let invalid = |what: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is not a key file: {what}", path.display()),
        )
    };
    let file: KeyFile = serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    if file.version != 1 {
        return Err(invalid(format!(
            "it has version {}, this program reads version 1",
            file.version
        )));
    }
    for key in &file.keys {
        cipher(key).map_err(|failure| invalid(failure.message))?;
    }
    Ok(file.keys)
}

/// Writes a file that only its owner may read, whole or not at all: losing this one loses everything it protects.
fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut temporary = PathBuf::from(path);
    temporary.set_extension("json.new");
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(contents)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    match path.parent() {
        Some(dir) if cfg!(unix) => std::fs::File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}
