//! E-mail addresses: one canonical spelling, so that an address has one guard and one limit.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// An address as RFC 5321 lets a mailbox look, without quoting, comments and literals.
///
/// The domain is lower case and in ASCII (IDNA). The local part keeps its case for sending; [`canonical`](Self::canonical)
/// is what addresses are compared by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// Says what an address looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        const WRONG: &str = "It must be an e-mail address such as ada@example.com";
        let text: String = text.trim().nfc().collect();
        if text.len() > 254 {
            return Err("An e-mail address has at most 254 characters".to_owned());
        }
        let (local, domain) = text.split_once('@').ok_or(WRONG)?;
        let atom = |part: &str| {
            !part.is_empty()
                && part.chars().all(|character| {
                    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
                })
        };
        if local.len() > 64 || !local.split('.').all(atom) {
            return Err(WRONG.to_owned());
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| WRONG)?;
        let label = |part: &str| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-');
        let labels: Vec<_> = domain.split('.').collect();
        let top_is_a_name = labels
            .last()
            .is_some_and(|top| !top.bytes().all(|byte| byte.is_ascii_digit()));
        if labels.len() < 2 || !labels.iter().copied().all(label) || !top_is_a_name {
            return Err(WRONG.to_owned());
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address as mail is sent to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling that all spellings of one mailbox share: lower case.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.split('@').nth(1).unwrap_or_default()
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

// An address is personal data: it must not reach a log through `{:?}`.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…@…")
    }
}

impl serde::Serialize for Email {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Email {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Email {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Email".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "email", "maxLength": 254 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_taken_and_international_domains_become_ascii() {
        for (text, kept) in [
            ("ada@example.com", "ada@example.com"),
            ("  Ada.Lovelace+x@EXAMPLE.co.uk ", "Ada.Lovelace+x@example.co.uk"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_is_not_a_plain_mailbox_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@@example.com",
            "a@b@example.com",
            "\"ada\"@example.com",
            "ada(x)@example.com",
            "ada@example.com.",
            "ada@exa mple.com",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada\r\nBcc:x@example.com",
            "ada@example.com\nx",
            ".ada@example.com",
            "a..b@example.com",
            "ada@-example.com",
            long.as_str(),
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn spellings_that_differ_in_case_are_one_mailbox() {
        assert_eq!(
            Email::parse("ADA@Example.com").unwrap().canonical(),
            Email::parse("ada@example.COM").unwrap().canonical()
        );
    }
}
