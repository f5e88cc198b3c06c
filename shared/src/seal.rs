//! Sealing: what can hold personal data is encrypted by the application before it is stored (TDO-2).
//!
//! A root key, which the key service decrypts once per Lambda container, wraps one data key per unit of erasure. Each
//! item is encrypted with AES-256-GCM under a subkey of its own, derived from the unit's data key, and is bound to the
//! place where it lies: table, key, type and version are associated data. Destroying the wrapped data key makes the
//! whole unit unreadable, in every table, index, object and backup.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use aws_lc_rs::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::entropy::{self, Entropy};
use crate::error::Error;
use crate::keys::Key;
use crate::unit::UnitId;

/// The first byte of every sealed blob: which of the layouts follows.
const LAYOUT: u8 = 1;

/// 256 bits of key material, wiped when dropped and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Joins parts so that two different lists never give the same bytes: each part is preceded by its length.
fn encode(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

impl Secret {
    /// A subkey for the purpose that `parts` names (HKDF-Expand, RFC 5869).
    fn derive(&self, parts: &[&[u8]]) -> Self {
        let info = encode(parts);
        let mut subkey = [0; 32];
        Prk::new_less_safe(HKDF_SHA256, &self.0)
            .expand(&[&info], Length(32))
            .and_then(|okm| okm.fill(&mut subkey))
            .expect("32 bytes are within the limit of HKDF-SHA256");
        Self(subkey)
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.0).expect("an AES-256 key has 32 bytes"))
    }

    fn seal(&self, context: &[u8], plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = entropy::bytes(entropy);
        let mut body = plaintext.to_vec();
        self.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .expect("a payload is far below the limit of AES-GCM");
        let mut blob = Vec::with_capacity(1 + NONCE_LEN + body.len());
        blob.push(LAYOUT);
        blob.extend_from_slice(&nonce);
        blob.append(&mut body);
        blob
    }

    fn open(&self, context: &[u8], blob: &[u8]) -> Option<Vec<u8>> {
        let (layout, rest) = blob.split_first()?;
        if *layout != LAYOUT || rest.len() < NONCE_LEN {
            return None;
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let mut body = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self
            .cipher()
            .open_in_place(nonce, Aad::from(context), &mut body)
            .ok()?
            .len();
        body.truncate(length);
        Some(body)
    }

    /// The keyed hash of a value in hex: for look-ups by equality where the value itself must not be stored.
    fn digest(&self, purpose: &str, value: &str) -> String {
        let subkey = self.derive(&[b"lookup", purpose.as_bytes()]);
        hex::encode(hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &subkey.0),
            value.as_bytes(),
        ))
    }

    fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let subkey = self.derive(&[b"mac", purpose.as_bytes()]);
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &subkey.0), message).as_ref());
        tag
    }
}

/// The key that wraps data keys.
#[derive(Debug, Clone)]
pub struct RootKey(Secret);

impl RootKey {
    /// The root key of these bytes, as the key service decrypted them.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret(bytes))
    }

    /// A new data key for `unit`, and the same key wrapped.
    pub fn new_data_key(&self, unit: UnitId, entropy: &dyn Entropy) -> (DataKey, Vec<u8>) {
        let secret = Secret(entropy::bytes(entropy));
        let wrapped = self
            .0
            .derive(&[b"wrap"])
            .seal(&wrap_context(unit), &secret.0, entropy);
        (DataKey(secret), wrapped)
    }

    /// Unwraps the data key of `unit`.
    ///
    /// # Errors
    /// When the blob is not a key that this root key wrapped for this very unit.
    pub fn unwrap_data_key(&self, unit: UnitId, wrapped: &[u8]) -> Result<DataKey, Error> {
        self.0
            .derive(&[b"wrap"])
            .open(&wrap_context(unit), wrapped)
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| DataKey(Secret(bytes)))
            .ok_or_else(|| Error::internal("a wrapped data key does not open"))
    }

    /// The keyed hash, in hex, of a value that is unique in the whole deployment.
    pub fn digest(&self, purpose: &str, value: &str) -> String {
        self.0.digest(purpose, value)
    }

    /// A message authentication code for something that leaves us and comes back, such as a cursor.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.0.mac(purpose, message)
    }
}

fn wrap_context(unit: UnitId) -> Vec<u8> {
    encode(&[b"data key", unit.to_string().as_bytes()])
}

/// The key of one unit of erasure. It lives for one request.
#[derive(Debug, Clone)]
pub struct DataKey(Secret);

/// What a sealed payload is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The item's key.
    pub key: &'a Key,
    /// The stored type's name.
    pub type_name: &'a str,
    /// The item's version.
    pub version: u64,
}

impl Place<'_> {
    fn context(&self) -> Vec<u8> {
        encode(&[
            self.key.table.as_str().as_bytes(),
            self.key.partition().as_bytes(),
            self.key.sort().as_bytes(),
            self.type_name.as_bytes(),
            &self.version.to_be_bytes(),
        ])
    }
}

impl DataKey {
    fn item_key(&self, key: &Key) -> Secret {
        self.0.derive(&[
            b"item",
            key.table.as_str().as_bytes(),
            key.partition().as_bytes(),
            key.sort().as_bytes(),
        ])
    }

    /// Seals `plaintext` for `place`.
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        self.item_key(place.key)
            .seal(&place.context(), plaintext, entropy)
    }

    /// Opens a blob that was sealed for `place`.
    ///
    /// # Errors
    /// When it was sealed for another place or under another key, or was changed.
    pub fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<Vec<u8>, Error> {
        self.item_key(place.key)
            .open(&place.context(), blob)
            .ok_or_else(|| Error::internal(format!("a sealed {} does not open", place.type_name)))
    }

    /// The keyed hash, in hex, of a value that is unique within the unit. It means nothing once the unit's key is gone.
    pub fn digest(&self, purpose: &str, value: &str) -> String {
        self.0.digest(purpose, value)
    }

    /// The key under which S3 encrypts one object (SSE-C).
    pub fn object_key(&self, object: &str) -> [u8; 32] {
        self.0.derive(&[b"object", object.as_bytes()]).0
    }

    /// A message authentication code for something that belongs to the unit and ends with it.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.0.mac(purpose, message)
    }

    /// 62 bits that depend on `parts` and on the unit, for ids that must come out the same when work is repeated.
    pub fn deterministic_bits(&self, purpose: &str, part: &str) -> u64 {
        let tag = self.0.mac(purpose, part.as_bytes());
        u64::from_be_bytes([tag[0], tag[1], tag[2], tag[3], tag[4], tag[5], tag[6], tag[7]]) >> 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::ids::UserId;
    use crate::keys;

    fn unit() -> UnitId {
        UnitId::User(UserId::from_bits(1))
    }

    fn data_key() -> DataKey {
        RootKey::new([7; 32]).new_data_key(unit(), &SystemEntropy).0
    }

    #[test]
    fn what_is_sealed_for_a_place_opens_there_and_nowhere_else() {
        let (data_key, other_key) = (data_key(), data_key());
        let (here, there) = (keys::user(UserId::from_bits(1)), keys::user(UserId::from_bits(2)));
        let place = Place {
            key: &here,
            type_name: "user",
            version: 3,
        };
        let blob = data_key.seal(place, b"Ada", &SystemEntropy);
        assert_eq!(data_key.open(place, &blob), Ok(b"Ada".to_vec()));
        assert!(data_key.open(Place { key: &there, ..place }, &blob).is_err());
        assert!(
            data_key
                .open(
                    Place {
                        type_name: "password",
                        ..place
                    },
                    &blob
                )
                .is_err()
        );
        assert!(data_key.open(Place { version: 2, ..place }, &blob).is_err());
        assert!(other_key.open(place, &blob).is_err());
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let data_key = data_key();
        let key = keys::user(UserId::from_bits(1));
        let place = Place {
            key: &key,
            type_name: "user",
            version: 1,
        };
        let blob = data_key.seal(place, b"Ada", &SystemEntropy);
        for index in 0..blob.len() {
            let mut changed = blob.clone();
            changed[index] ^= 1;
            assert!(data_key.open(place, &changed).is_err(), "byte {index}");
        }
        assert!(data_key.open(place, &[]).is_err());
    }

    #[test]
    fn a_data_key_unwraps_for_its_own_unit_only() {
        let root = RootKey::new([7; 32]);
        let (_, wrapped) = root.new_data_key(unit(), &SystemEntropy);
        assert!(root.unwrap_data_key(unit(), &wrapped).is_ok());
        assert!(
            root.unwrap_data_key(UnitId::User(UserId::from_bits(2)), &wrapped)
                .is_err()
        );
        assert!(RootKey::new([8; 32]).unwrap_data_key(unit(), &wrapped).is_err());
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", RootKey::new([7; 32])), "RootKey(Secret(…))");
    }
}
