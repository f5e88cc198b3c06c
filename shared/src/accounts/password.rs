//! Passwords: what is accepted, and how they are kept.

mod choice;
mod common;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use self::choice::{Context, MIN_CHARACTERS, MIN_CHARACTERS_WITH_SECOND_FACTOR};
use crate::accounts::model::Password;
use crate::entropy::{self, Entropy};
use crate::error::{Error, Result};
use crate::policy::PasswordScheme;

/// The most characters; far above the 64 that must be accepted.
pub const MAX_CHARACTERS: usize = 256;

/// Memory of argon2id in KiB (OWASP ASVS 5.0 appendix C, with one pass and one lane).
const ARGON2_MEMORY_KIB: u32 = 47_104;

/// Cost of bcrypt: 2¹² rounds.
const BCRYPT_COST: u32 = 12;

/// A password as it was typed, in NFC so that every keyboard gives the same bytes. Wiped when dropped, never printed.
pub struct PlainPassword(Zeroizing<String>);

impl std::fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainPassword(…)")
    }
}

impl<'de> serde::Deserialize<'de> for PlainPassword {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for PlainPassword {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Password".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "format": "password", "maxLength": MAX_CHARACTERS, "pattern": r"^[^\u0000]*$"
        })
    }
}

impl PlainPassword {
    /// Takes a password for comparison: any text without NUL that is not absurdly long.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let normal = Zeroizing::new(text.nfc().collect::<String>());
        if normal.chars().count() > MAX_CHARACTERS || normal.contains('\0') {
            return Err(format!(
                "It must have at most {MAX_CHARACTERS} characters and no NUL"
            ));
        }
        Ok(Self(normal))
    }
}

/// Hashes a password in `scheme`.
///
/// # Errors
/// Only when the hashing library fails.
pub fn hash(password: &PlainPassword, scheme: PasswordScheme, entropy: &dyn Entropy) -> Result<Password> {
    let salt: [u8; 16] = entropy::bytes(entropy);
    let hash = match scheme {
        PasswordScheme::Argon2id => argon2id(password, &salt)?,
        PasswordScheme::Bcrypt => {
            bcrypt::hash_with_salt(bcrypt_input(password).as_bytes(), BCRYPT_COST, salt)
                .map_err(|_| Error::internal("bcrypt failed"))?
                .format_for_version(bcrypt::Version::TwoB)
        }
    };
    Ok(Password { hash })
}

/// Whether `password` is the one that was hashed.
pub fn verify(password: &PlainPassword, stored: &Password) -> bool {
    if stored.hash.starts_with("$argon2id$") {
        let salt = stored
            .hash
            .split('$')
            .nth(4)
            .and_then(|salt| STANDARD_NO_PAD.decode(salt).ok());
        let again = salt
            .and_then(|salt| argon2id(password, &salt).ok())
            .unwrap_or_default();
        aws_lc_rs::constant_time::verify_slices_are_equal(again.as_bytes(), stored.hash.as_bytes()).is_ok()
    } else {
        bcrypt::verify(bcrypt_input(password).as_bytes(), &stored.hash).unwrap_or(false)
    }
}

/// A hash that no password has. Comparing with it costs the same as with a real one, so that an unknown address
/// cannot be told from a wrong password by the time the answer takes.
pub fn nobody(scheme: PasswordScheme) -> Password {
    let hash = match scheme {
        PasswordScheme::Argon2id => {
            format!("$argon2id$v=19$m={ARGON2_MEMORY_KIB},t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$nobody")
        }
        PasswordScheme::Bcrypt => {
            format!("$2b${BCRYPT_COST}$......................................................")
        }
    };
    Password { hash }
}

fn argon2id(password: &PlainPassword, salt: &[u8]) -> Result<String> {
    let failed = |_| Error::internal("argon2 failed");
    let params = Params::new(ARGON2_MEMORY_KIB, 1, 1, Some(32)).map_err(failed)?;
    let mut hash = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.0.as_bytes(), salt, hash.as_mut_slice())
        .map_err(failed)?;
    let (salt, hash) = (
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash.as_slice()),
    );
    Ok(format!(
        "$argon2id$v=19$m={ARGON2_MEMORY_KIB},t=1,p=1${salt}${hash}"
    ))
}

/// bcrypt reads only the first 72 bytes of its input and stops at NUL: it gets the password's SHA-384 in base64, 64
/// characters that depend on every byte.
fn bcrypt_input(password: &PlainPassword) -> Zeroizing<String> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA384, password.0.as_bytes());
    Zeroizing::new(STANDARD.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn plain(text: &str) -> PlainPassword {
        PlainPassword::parse(text).unwrap()
    }

    #[test]
    fn each_scheme_accepts_the_password_and_no_other() {
        for scheme in [PasswordScheme::Argon2id, PasswordScheme::Bcrypt] {
            let stored = hash(&plain("correct horse battery"), scheme, &SystemEntropy).unwrap();
            assert!(verify(&plain("correct horse battery"), &stored));
            assert!(!verify(&plain("correct horse batterz"), &stored));
            assert!(!verify(&plain("correct horse battery"), &nobody(scheme)));
        }
    }

    #[test]
    fn bcrypt_tells_passwords_apart_that_differ_behind_the_72nd_byte() {
        let long = "a".repeat(80);
        let stored = hash(
            &plain(&format!("{long}1")),
            PasswordScheme::Bcrypt,
            &SystemEntropy,
        )
        .unwrap();
        assert!(verify(&plain(&format!("{long}1")), &stored));
        assert!(!verify(&plain(&format!("{long}2")), &stored));
    }

    #[test]
    fn both_spellings_of_an_accent_log_in() {
        let stored = hash(
            &plain("cafe\u{301} au lait chaud"),
            PasswordScheme::Argon2id,
            &SystemEntropy,
        )
        .unwrap();
        assert!(verify(&plain("café au lait chaud"), &stored));
    }
}
