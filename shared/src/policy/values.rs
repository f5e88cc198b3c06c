//! The values of a manifest that are more than a word and less than a table.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::retention::Period;

/// A text that is not a value of the wanted shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError(String);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

/// A value that is written in the manifest as a string and kept as one, once its shape is right.
macro_rules! text_value {
    ($(#[$meta:meta])* $name:ident, $shape:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                let check: fn(&str) -> bool = $check;
                let fine = check(text);
                let wrong = || ValueError(format!("`{text}` is not {}", $shape));
                fine.then(|| Self(text.to_owned())).ok_or_else(wrong)
            }
        }
    };
}

text_value! {
    /// The version of a policy: the date on which its text was settled, with a number where a day saw two texts. What
    /// a person accepted is recorded under this name.
    PolicyVersion, "a version such as 2026-11-01 or 2026-11-01.2", |text| {
        let (day, number) = text.split_once('.').map_or((text, None), |(day, n)| (day, Some(n)));
        day.len() == 10 && day.parse::<Date>().is_ok() && number.is_none_or(is_number)
    }
}

impl PolicyVersion {
    /// The day in the version's name.
    pub fn day(&self) -> Date {
        // The shape was checked on parsing; the default is unreachable and only spares a panic.
        self.0
            .get(..10)
            .and_then(|day| day.parse().ok())
            .unwrap_or_default()
    }
}

text_value! {
    /// The id of a published promise, such as `TDO-8`.
    PromiseId, "the id of a promise such as TDO-8", |text| {
        text.split_once('-').is_some_and(|(operator, number)| is_prefix(operator) && is_number(number))
    }
}

impl PromiseId {
    /// The operator's three letters.
    pub fn prefix(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

text_value! {
    /// A country as two letters of ISO 3166-1, or `EU` for a place that is only known to be in the Union.
    Country, "a country of two capital letters such as IE", |text| {
        text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
    }
}

/// The members of the European Economic Area, within which data moves without a transfer mechanism (GDPR Chapter V).
const EEA: &[&str] = &[
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "EU", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

impl Country {
    /// Whether data can go to `other` without being transferred in the sense of GDPR Chapter V.
    pub fn needs_no_transfer_to(&self, other: &Self) -> bool {
        self == other || (EEA.contains(&self.as_str()) && EEA.contains(&other.as_str()))
    }
}

text_value! {
    /// A contact address. Delivery proves it; the shape only catches slips of the pen.
    Mailbox, "an email address", |text| {
        let parts = text.split_once('@');
        let host = |host: &str| host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
        parts.is_some_and(|(local, domain)| !local.is_empty() && host(domain) && !domain.contains('@'))
            && text.bytes().all(|b| b.is_ascii_graphic())
    }
}

text_value! {
    /// A name by which tables of the manifest refer to each other.
    Id, "an id of lower-case letters, digits and underscores", |text| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }
}

text_value! {
    /// The three letters before the number of each of an operator's promises.
    Prefix, "three capital letters such as TDO", is_prefix
}

text_value! {
    /// A sentence or name for people to read: not empty, and without stray space at its ends.
    Phrase, "a text without space at its ends", |text| !text.is_empty() && text.trim() == text
}

fn is_prefix(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_number(text: &str) -> bool {
    !text.starts_with('0') && text.parse::<u16>().is_ok_and(|n| n > 0) && !text.starts_with('+')
}

/// How long a cookie lives (ITT-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the browser is closed.
    Session,
    /// For a period from the moment it is set.
    For(Period),
}

impl FromStr for Lifetime {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "session" => Ok(Self::Session),
            _ => text
                .parse()
                .map(Self::For)
                .map_err(|e| ValueError(format!("neither `session` nor a period: {e}"))),
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("session"),
            Self::For(period) => period.fmt(f),
        }
    }
}

/// Where a value comes from. Every number that a person can hold the operator to names one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A published promise gives it.
    Promise(PromiseId),
    /// No promise gives a number; the operator chose it.
    OperatorChoice,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise(id) => id.fmt(f),
            Self::OperatorChoice => f.write_str("operator's choice"),
        }
    }
}

/// A value with its [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

impl<T> Stated<T> {
    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_date_with_an_optional_number() {
        for fine in ["2026-11-01", "2026-11-01.2"] {
            assert_eq!(fine.parse::<PolicyVersion>().unwrap().to_string(), fine);
        }
        for wrong in [
            "",
            "v1",
            "2026-11-31",
            "2026-11-01.",
            "2026-11-01.0",
            "20261101",
            "2026-11-01.+2",
        ] {
            assert!(wrong.parse::<PolicyVersion>().is_err(), "{wrong}");
        }
        assert_eq!(
            "2026-11-01.2".parse::<PolicyVersion>().unwrap().day(),
            jiff::civil::date(2026, 11, 1)
        );
    }

    #[test]
    fn a_promise_is_three_letters_and_a_number() {
        assert_eq!("OCK-12".parse::<PromiseId>().unwrap().prefix(), "OCK");
        for wrong in ["OCK12", "ock-12", "OCK-", "OCK-01", "OCKT-1", "OCK-+1"] {
            assert!(wrong.parse::<PromiseId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn data_moves_without_a_transfer_inside_a_country_and_inside_the_eea_only() {
        let country = |code: &str| code.parse::<Country>().unwrap();
        assert!(country("DE").needs_no_transfer_to(&country("IE")));
        assert!(country("GB").needs_no_transfer_to(&country("GB")));
        assert!(!country("GB").needs_no_transfer_to(&country("IE")));
        assert!(!country("DE").needs_no_transfer_to(&country("US")));
    }

    #[test]
    fn a_mailbox_is_one_address_without_spaces() {
        assert!("privacy@trackado.example".parse::<Mailbox>().is_ok());
        for wrong in [
            "",
            "privacy",
            "@x.example",
            "a b@x.example",
            "a@b@x.example",
            "a@x",
            "a@.x",
        ] {
            assert!(wrong.parse::<Mailbox>().is_err(), "{wrong}");
        }
    }
}
