//! What the ceremonies of factors store, besides the factors themselves.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::passkeys::Authentication;
use crate::accounts::sessions::Form;
use crate::ids::UserId;

/// For how long a challenge, and a sign-in that waits for its second factor, can be answered.
pub const WAITS: SignedDuration = SignedDuration::from_mins(5);

/// A kind of second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Codes of an authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// A passkey.
    Passkey,
}

impl Factor {
    /// As the beginning of a sentence in a mail.
    pub const fn in_words_first(self) -> &'static str {
        match self {
            Self::Totp => "An authenticator app",
            Self::RecoveryCode => "A set of recovery codes",
            Self::Passkey => "A passkey",
        }
    }
}

/// The clear part of a passkey ceremony of a known user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CeremonyFacts {
    /// Tells this ceremony from one that took its place.
    pub nonce: String,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// The challenge of a sign-in by passkey, before anybody is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The library's state; JSON.
    pub state: String,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// The clear part of a sign-in that waits for a second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingFacts {
    /// SHA-256 of the secret in the token, in hex.
    pub digest: String,
    /// In what form the session is wanted.
    pub form: Form,
    /// The version of the password that was shown: another one opens nothing any more.
    pub password_version: u64,
    /// How many second factors were shown.
    pub tries: u64,
    /// Until when one can be shown.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// The sealed part of a sign-in that waits for a second factor.
#[derive(Debug, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// The challenge for the user's passkeys, if there are any.
    pub passkeys: Option<Authentication>,
}

/// That an administrator asked to remove a member's lost factors; another one has to ask for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorsReset {
    /// Who asked.
    pub requested_by: UserId,
    /// Until when somebody else can agree.
    pub expires_at: Timestamp,
}
