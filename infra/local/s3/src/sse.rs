//! Encryption under a key the customer brings with every request (SSE-C).
//!
//! Every blob has its own key, derived from the customer's key and a random salt, so one customer key may encrypt
//! any number of blobs. A sealed blob is the salt followed by AES-256-GCM chunks; a chunk's nonce is its number and
//! whether it is the last one, so chunks cannot be dropped, repeated or reordered. The customer's key is not stored:
//! a salted digest tells a right key from a wrong one.

use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::random;

/// Bytes of plaintext in every chunk but the last.
const CHUNK: u64 = 64 * 1024;
/// Bytes a chunk grows by when it is sealed.
const TAG: u64 = 16;
/// Bytes of salt in front of the first chunk.
const SALT: usize = 32;

/// A customer's key, as one request brought it.
pub(crate) struct CustomerKey {
    key: Zeroizing<[u8; 32]>,
    md5: String,
}

/// Recognises a customer's key without holding it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyGuard {
    /// Random, in hex.
    salt: String,
    /// HMAC-SHA256 of the key under the salt, in hex.
    digest: String,
}

impl CustomerKey {
    /// Reads the three SSE-C headers; `None` when the request has none of them.
    pub(crate) fn parse(
        algorithm: Option<&str>,
        key: Option<&str>,
        key_md5: Option<&str>,
    ) -> S3Result<Option<Self>> {
        if algorithm.is_none() && key.is_none() && key_md5.is_none() {
            return Ok(None);
        }
        let (Some(algorithm), Some(key), Some(key_md5)) = (algorithm, key, key_md5) else {
            let message = "Requests specifying Server Side Encryption with Customer provided keys must provide \
                           the algorithm, the secret key and its MD5.";
            return Err(s3_error!(InvalidArgument, "{message}"));
        };
        if algorithm != "AES256" {
            let message = "The requested encryption algorithm is not valid, must be AES256.";
            return Err(s3_error!(InvalidEncryptionAlgorithmError, "{message}"));
        }
        let bytes = BASE64.decode(key).ok().map(Zeroizing::new);
        let bytes = bytes
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .map(Zeroizing::new);
        let Some(key) = bytes else {
            return Err(s3_error!(
                InvalidArgument,
                "The secret key was invalid for the specified algorithm."
            ));
        };
        let md5 = BASE64.encode(Md5::checksum(key.as_slice()));
        if md5 != key_md5 {
            let message = "The calculated MD5 hash of the key did not match the hash that was provided.";
            return Err(s3_error!(InvalidArgument, "{message}"));
        }
        Ok(Some(Self { key, md5 }))
    }

    /// The key's MD5 in base64, which responses repeat.
    pub(crate) fn md5(&self) -> String {
        self.md5.clone()
    }

    /// Makes a guard that recognises this key.
    pub(crate) fn guard(&self) -> KeyGuard {
        let salt = random::<16>();
        KeyGuard {
            salt: hex::encode(salt),
            digest: hex::encode(self.digest(&salt)),
        }
    }

    /// Whether a guard was made for this key.
    pub(crate) fn fits(&self, guard: &KeyGuard) -> bool {
        let (Ok(salt), Ok(digest)) = (hex::decode(&guard.salt), hex::decode(&guard.digest)) else {
            return false;
        };
        hmac::verify(
            &hmac::Key::new(hmac::HMAC_SHA256, &salt),
            self.key.as_slice(),
            &digest,
        )
        .is_ok()
    }

    fn digest(&self, salt: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), self.key.as_slice())
            .as_ref()
            .to_vec()
    }

    fn blob_key(&self, salt: &[u8]) -> S3Result<LessSafeKey> {
        let failed = |_| s3_error!(InternalError, "key derivation failed");
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(self.key.as_slice());
        let info: [&[u8]; 1] = [b"local-s3 blob"];
        let mut key = Zeroizing::new([0; 32]);
        let okm = derived.expand(&info, hkdf::HKDF_SHA256).map_err(failed)?;
        okm.fill(key.as_mut_slice()).map_err(failed)?;
        Ok(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(failed)?,
        ))
    }

    /// Encrypts a blob.
    pub(crate) fn seal(&self, plain: &[u8]) -> S3Result<Vec<u8>> {
        let salt = random::<SALT>();
        let key = self.blob_key(&salt)?;
        let last = chunks(plain.len() as u64) - 1;
        let mut sealed = Vec::with_capacity(SALT + plain.len() + (last as usize + 1) * TAG as usize);
        sealed.extend_from_slice(&salt);
        for number in 0..=last {
            let start = (number * CHUNK) as usize;
            let end = plain.len().min(start + CHUNK as usize);
            let body = sealed.len();
            sealed.extend_from_slice(&plain[start..end]);
            let tag = key
                .seal_in_place_separate_tag(nonce(number, number == last), Aad::empty(), &mut sealed[body..])
                .map_err(|_| s3_error!(InternalError, "encryption failed"))?;
            sealed.extend_from_slice(tag.as_ref());
        }
        Ok(sealed)
    }

    /// Decrypts a range of a blob that holds `size` bytes of plaintext, reading only the chunks it needs.
    pub(crate) fn open(
        &self,
        size: u64,
        range: Range<u64>,
        read: impl Fn(Range<u64>) -> S3Result<bytes::Bytes>,
    ) -> S3Result<Vec<u8>> {
        let salt = read(0..SALT as u64)?;
        let key = self.blob_key(&salt)?;
        let last = chunks(size) - 1;
        let first_wanted = (range.start / CHUNK).min(last);
        let last_wanted = (range.end.saturating_sub(1) / CHUNK).min(last);
        let position = |number: u64| SALT as u64 + (number * (CHUNK + TAG)).min(size + number * TAG);
        let stored = read(position(first_wanted)..position(last_wanted + 1))?;
        let mut plain = Vec::with_capacity(stored.len());
        for (number, chunk) in (first_wanted..=last_wanted).zip(stored.chunks((CHUNK + TAG) as usize)) {
            let mut chunk = chunk.to_vec();
            let opened = key
                .open_in_place(nonce(number, number == last), Aad::empty(), &mut chunk)
                .map_err(|_| s3_error!(InternalError, "a stored blob does not decrypt"))?;
            plain.extend_from_slice(opened);
        }
        let skipped = (range.start - first_wanted * CHUNK) as usize;
        let wanted = (range.end - range.start) as usize;
        let Some(slice) = plain.get(skipped..skipped + wanted) else {
            return Err(s3_error!(
                InternalError,
                "a stored blob is shorter than its record says"
            ));
        };
        Ok(slice.to_vec())
    }

    /// Encrypts a short text to hex.
    pub(crate) fn seal_text(&self, text: &str) -> S3Result<String> {
        Ok(hex::encode(self.seal(text.as_bytes())?))
    }

    /// Decrypts what [`Self::seal_text`] made.
    pub(crate) fn open_text(&self, sealed: &str) -> S3Result<String> {
        let sealed = bytes::Bytes::from(hex::decode(sealed).unwrap_or_default());
        let damaged = || s3_error!(InternalError, "a stored checksum does not decrypt");
        let size = (sealed.len() as u64)
            .checked_sub(SALT as u64 + TAG)
            .ok_or_else(damaged)?;
        let plain = self.open(size, 0..size, |range| {
            Ok(sealed.slice(range.start as usize..range.end as usize))
        })?;
        String::from_utf8(plain).map_err(|_| damaged())
    }
}

/// How many chunks some bytes of plaintext take; an empty blob takes one, which authenticates its emptiness.
fn chunks(size: u64) -> u64 {
    size.div_ceil(CHUNK).max(1)
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Reads the SSE-C headers of any request that carries them.
macro_rules! customer_key {
    ($input:expr) => {
        $crate::sse::CustomerKey::parse(
            $input.sse_customer_algorithm.as_deref(),
            $input.sse_customer_key.as_deref(),
            $input.sse_customer_key_md5.as_deref(),
        )
    };
}
pub(crate) use customer_key;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> CustomerKey {
        let raw = [byte; 32];
        let (text, md5) = (BASE64.encode(raw), BASE64.encode(Md5::checksum(&raw)));
        CustomerKey::parse(Some("AES256"), Some(&text), Some(&md5))
            .unwrap()
            .unwrap()
    }

    fn open(key: &CustomerKey, sealed: &[u8], size: u64, range: Range<u64>) -> S3Result<Vec<u8>> {
        let sealed = bytes::Bytes::copy_from_slice(sealed);
        key.open(
            size,
            range,
            |r| Ok(sealed.slice(r.start as usize..r.end as usize)),
        )
    }

    #[test]
    fn every_range_of_a_sealed_blob_decrypts_to_the_same_bytes() {
        for size in [0_usize, 1, 65_535, 65_536, 65_537, 200_000] {
            let plain: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let sealed = key(1).seal(&plain).unwrap();
            let edges = [
                0,
                1,
                65_535,
                65_536,
                65_537,
                131_072,
                size.saturating_sub(1),
                size,
            ];
            for start in edges.into_iter().filter(|edge| *edge <= size) {
                for end in edges.into_iter().filter(|edge| *edge <= size && *edge >= start) {
                    let got = open(&key(1), &sealed, size as u64, start as u64..end as u64).unwrap();
                    assert_eq!(got, &plain[start..end], "{start}..{end} of {size}");
                }
            }
        }
    }

    #[test]
    fn a_changed_byte_or_another_key_does_not_decrypt() {
        let mut sealed = key(1).seal(b"secret").unwrap();
        assert!(open(&key(2), &sealed, 6, 0..6).is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(open(&key(1), &sealed, 6, 0..6).is_err());
    }

    #[test]
    fn a_guard_tells_the_right_key_from_a_wrong_one() {
        let guard = key(1).guard();
        assert!(key(1).fits(&guard));
        assert!(!key(2).fits(&guard));
    }
}
