//! Recovery codes: ten secrets on paper for who lost every other factor, each good once.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{Encoding, Specification};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::entropy::{self, Entropy};

/// How many codes a set has.
pub const CODES: usize = 10;

/// 120 random bits; from 112 on, a fast hash of a secret is enough (ASVS 6.5.2).
const BYTES: usize = 15;

/// How many characters are written together.
const GROUP: usize = 4;

/// Crockford's base32: what is easily misread is read as what was meant.
static ALPHABET: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification
        .translate
        .from
        .push_str("abcdefghjkmnpqrstvwxyzoOiIlL");
    specification
        .translate
        .to
        .push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.ignore.push_str(" -");
    specification
        .encoding()
        .expect("the alphabet has 32 symbols, and what is translated is not among them")
});

/// A code as its holder has it. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; BYTES]);

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// The code as it is written down: six groups of four. Shown once, when it is made.
    pub fn reveal(&self) -> String {
        let text = ALPHABET.encode(&self.0);
        let mut groups = String::with_capacity(text.len() + text.len() / GROUP);
        for (index, character) in text.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                groups.push('-');
            }
            groups.push(character);
        }
        groups
    }

    /// Reads a code in upper or lower case, with or without hyphens and spaces.
    ///
    /// # Errors
    /// When it has not the form of one.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Room for a separator after every character; a longer text is not worth decoding.
        Some(text)
            .filter(|text| text.len() <= 64)
            .and_then(|text| ALPHABET.decode(text.as_bytes()).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| "It must be a recovery code: six groups of four letters and digits".to_owned())
    }

    fn digest(&self) -> String {
        hex::encode(digest(&SHA256, &self.0))
    }
}

impl<'de> Deserialize<'de> for RecoveryCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for RecoveryCode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecoveryCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = "^[ -]*([0-9A-HJ-NP-TV-Za-hj-np-tv-zOoIi][ -]*){24}$";
        schemars::json_schema!({ "type": "string", "maxLength": 64, "pattern": pattern })
    }
}

/// A user's set of codes as it is stored: what is left of it. A new set takes the place of the old one, which thereby
/// is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// SHA-256 of each code that was not used, in hex.
    pub digests: Vec<String>,
    /// When the set was made.
    pub created_at: Timestamp,
}

impl RecoveryCodes {
    /// A new set, and the codes to show once.
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> (Self, [RecoveryCode; CODES]) {
        let codes: [RecoveryCode; CODES] = std::array::from_fn(|_| RecoveryCode(entropy::bytes(entropy)));
        let set = Self {
            digests: codes.iter().map(RecoveryCode::digest).collect(),
            created_at: now,
        };
        (set, codes)
    }

    /// The set without `code`; `None` when it is not in the set. The code counts only once this is stored on condition
    /// that the row did not change: of two requests that use one code, one finds it gone.
    pub fn use_code(&self, code: &RecoveryCode) -> Option<Self> {
        // Hashes of random secrets are compared, so the time it takes says nothing about a code.
        let used = code.digest();
        let index = self.digests.iter().position(|digest| *digest == used)?;
        let mut rest = self.clone();
        rest.digests.remove(index);
        Some(rest)
    }

    /// How many codes are left.
    pub fn left(&self) -> usize {
        self.digests.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn new_set() -> (RecoveryCodes, [RecoveryCode; CODES]) {
        RecoveryCodes::new("2026-11-22T12:00:00Z".parse().unwrap(), &SystemEntropy)
    }

    #[test]
    fn b_22_a_set_is_ten_different_codes_of_120_bits_of_which_only_hashes_are_stored() {
        let (set, codes) = new_set();
        let texts: HashSet<_> = codes.iter().map(RecoveryCode::reveal).collect();
        assert_eq!((texts.len(), set.left()), (10, 10));
        let stored = serde_json::to_string(&set).unwrap();
        for code in &codes {
            assert_eq!(code.0.len() * 8, 120);
            let text = code.reveal();
            assert_eq!(
                text.split('-').map(str::len).collect::<Vec<_>>(),
                [4; 6],
                "{text}"
            );
            for form in [&text, &text.replace('-', ""), &hex::encode(code.0)] {
                assert!(!stored.to_uppercase().contains(&form.to_uppercase()));
            }
        }
        assert_eq!(format!("{:?}", codes[0]), "RecoveryCode(…)");
    }

    #[test]
    fn b_23_a_code_is_used_once_and_the_others_stay() {
        let (mut set, codes) = new_set();
        for (used, code) in codes.iter().enumerate() {
            let rest = set.use_code(code).expect("it is in the set");
            assert_eq!(rest.left(), CODES - used - 1);
            assert_eq!(rest.use_code(code), None, "it was used");
            set = rest;
        }
    }

    #[test]
    fn b_24_a_code_of_another_set_is_refused() {
        let (old, codes) = new_set();
        let (new, _) = new_set();
        assert!(old.use_code(&codes[0]).is_some());
        assert_eq!(new.use_code(&codes[0]), None);
    }

    #[test]
    fn a_code_is_read_however_it_was_copied() {
        let code = RecoveryCode([0x08; BYTES]);
        let text = code.reveal();
        assert_eq!(text, "1040-G208-1040-G208-1040-G208");
        for form in [
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " "),
            format!("  {text}  "),
            text.replace('0', "O").replace('1', "l"),
            text.replace('0', "o").replace('1', "I"),
        ] {
            assert_eq!(RecoveryCode::parse(&form), Ok(code.clone()), "{form}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let text = RecoveryCode([7; BYTES]).reveal();
        for form in [
            String::new(),
            " - ".to_owned(),
            text[1..].to_owned(),
            format!("{text}0"),
            format!("{text}-{text}"),
            text.replace('-', "_"),
            text.replace('0', "U"),
            text.replace('0', "０"),
            format!("{text}\0"),
            format!("{text}{}", " ".repeat(64)),
        ] {
            assert!(RecoveryCode::parse(&form).is_err(), "{form:?}");
        }
    }
}
