//! Typed identifiers: a prefix that names the type, `_`, and 128 bits in Crockford's base32 (TypeID 0.3).
//!
//! An id is parsed once, where it enters the system; text that is not exactly what [`Display`](std::fmt::Display)
//! would print is refused, so that one id has one spelling and can stand in a key.

use jiff::Timestamp;

/// The text is not an id of the expected type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError {
    /// The prefix that was expected.
    pub expected: &'static str,
}

impl std::fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "expected an id such as {}_01jc5t7e3kf8vr2m9q4x6w0zyd",
            self.expected
        )
    }
}

impl std::error::Error for ParseIdError {}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The number of base32 digits that hold 128 bits.
const DIGITS: usize = 26;

pub(crate) fn encode_base32(mut value: u128) -> String {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(value & 31) as usize];
        value >>= 5;
    }
    digits.iter().map(|&byte| char::from(byte)).collect()
}

pub(crate) fn decode_base32(text: &str) -> Option<u128> {
    if text.len() != DIGITS || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&candidate| candidate == byte)?;
        Some(value << 5 | digit as u128)
    })
}

/// A UUIDv7 (RFC 9562 §5.7): the instant, to the millisecond, then 74 random bits.
pub fn uuid_v7(now: Timestamp, random: [u8; 10]) -> u128 {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .as_u128()
}

macro_rules! typed_id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The part before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// An id whose order is its time of creation (UUIDv7).
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(now, random))
            }

            /// An id of the given 128 bits.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The 128 bits without the prefix.
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), encode_base32(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode_base32)
                    .map(Self)
                    .ok_or(ParseIdError { expected: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")
                })
            }
        }
    };
}

typed_id!(
    /// A customer of the operator: the tenant.
    OrgId, "org"
);
typed_id!(
    /// A person with a login.
    UserId, "user"
);
typed_id!(
    /// One sign-in of a user: the family of its refresh tokens.
    SessionId, "session"
);
typed_id!(
    /// An organisation's connection to its identity provider.
    ConnectionId, "connection"
);
typed_id!(
    /// An identity at a provider that signs a user in.
    IdentityId, "identity"
);
typed_id!(
    /// A domain that an organisation says is its own.
    DomainId, "domain"
);
typed_id!(
    /// One entry of a record's timeline.
    EventId, "event"
);
typed_id!(
    /// A file or link attached to a record.
    AttachmentId, "attachment"
);
typed_id!(
    /// One import of many records.
    ImportId, "import"
);
typed_id!(
    /// A mail in the outbox.
    MailId, "mail"
);
typed_id!(
    /// A legal hold on a unit.
    HoldId, "hold"
);
typed_id!(
    /// An erasure job. All of its 128 bits are random, because whoever holds the id may read the receipt.
    ErasureId, "erasure"
);
typed_id!(
    /// An entry of the erasure ledger that has no index yet.
    LedgerEntryId, "entry"
);

typed_id!(
    /// An invitation to an organisation.
    InvitationId, "invitation"
);
typed_id!(
    /// A custom role of an organisation.
    RoleId, "role"
);
typed_id!(
    /// A service account of an organisation: something that is no person.
    ServiceAccountId, "service"
);
typed_id!(
    /// An API key of a service account.
    ApiKeyId, "key"
);
typed_id!(
    /// A passkey of a user.
    PasskeyId, "passkey"
);
typed_id!(
    /// Exceptional access of staff to an organisation's records.
    AccessId, "access"
);
typed_id!(
    /// An entry of an activity log.
    ActivityId, "activity"
);

/// Who did something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorId {
    /// A person.
    User(UserId),
    /// A service account.
    Service(ServiceAccountId),
}

impl std::fmt::Display for ActorId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Service(id) => id.fmt(f),
        }
    }
}

impl std::fmt::Debug for ActorId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for ActorId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let service = text.parse().map(Self::Service);
        service.or_else(|_| text.parse().map(Self::User))
    }
}

impl serde::Serialize for ActorId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ActorId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for ActorId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ActorId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(user|service)_[0-7][0-9a-hjkmnp-tv-z]{25}$"
        })
    }
}

impl LedgerEntryId {
    /// When the entry was written, to the millisecond, as its id says.
    pub fn created_at(self) -> Timestamp {
        // 48 bits of milliseconds end in the year 10889; jiff's time ends in 9999.
        let millis = i64::try_from(self.0 >> 80).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_that_is_printed_and_parsed_is_the_same_id(bits: u128) {
            let id = OrgId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<OrgId>(), Ok(id));
        }

        #[test]
        fn text_that_parses_is_exactly_what_the_id_prints(text in "org_[0-9a-zA-Z]{26}") {
            if let Ok(id) = text.parse::<OrgId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn an_id_of_another_type_is_refused() {
        let user = UserId::from_bits(7).to_string();
        assert_eq!(user.parse::<OrgId>(), Err(ParseIdError { expected: "org" }));
    }

    #[test]
    fn separators_dots_and_lookalikes_never_parse() {
        for text in [
            "",
            ".",
            "..",
            "org_",
            "org_%23",
            "org_#",
            "org_８zzzzzzzzzzzzzzzzzzzzzzzzz",
            "org_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert!(text.parse::<OrgId>().is_err(), "{text:?}");
        }
    }
}
