//! Accounts as they are stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::ids::{OrgId, UserId};
use crate::text::Line;

/// A person's name.
pub type PersonName = Line<200>;

/// The clear part of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// The organisation the user registered.
    pub org: OrgId,
    /// Whether the address was shown to be the user's.
    pub verified: bool,
    /// The keyed hash of the address: the key of its guard.
    pub email_digest: String,
    /// When the user registered.
    pub created_at: Timestamp,
    /// When the profile last changed.
    pub updated_at: Timestamp,
    /// The version of the policy that the user accepted.
    pub policy_version: String,
    /// When the user accepted it.
    pub policy_accepted_at: Timestamp,
    /// The age the user confirmed to have reached.
    pub age_confirmed: u8,
}

/// The sealed part of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfile {
    /// The user's name.
    pub name: PersonName,
    /// The user's address.
    pub email: Email,
}

/// The clear part of a credential: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// A password, as a hash in its scheme's own notation (PHC or modular crypt).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// The hash with salt and parameters.
    pub hash: String,
}

/// Guards the uniqueness of an address: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailGuard {
    /// The user who has the address.
    pub user: UserId,
}

/// One sign-in: a family of refresh tokens of which only the last is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The organisation it is for.
    pub org: OrgId,
    /// How often the refresh token was rotated. The token of each rotation is derived from the user's data key, so
    /// none is stored in any form.
    pub rotation: u64,
    /// When it was rotated last.
    pub rotated_at: Timestamp,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// The code in the mail that verifies an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationCode {
    /// SHA-256 of the code's secret, in hex.
    pub digest: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}
