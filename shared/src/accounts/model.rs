//! Accounts as they are stored.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::{Level, StaffRole};
use crate::email::Email;
use crate::ids::{OrgId, UserId};
use crate::text::Line;

/// A person's name.
pub type PersonName = Line<200>;

/// The clear part of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// The organisation the user registered or joined first: where a sign-in leads.
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
    /// Whether a second factor is set up: then a password alone opens nothing.
    #[serde(default)]
    pub second_factor: bool,
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

/// How a session's holder shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "carrier", rename_all = "snake_case")]
pub enum Carrier {
    /// Access tokens, and refresh tokens of which only the last is good. The token of each rotation is derived from the
    /// user's data key, so none is stored in any form.
    Bearer {
        /// How often the refresh token was rotated.
        rotation: u64,
    },
    /// An opaque value in a cookie.
    Cookie {
        /// SHA-256 of its secret, in hex.
        digest: String,
    },
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// With the password, and a second factor if there is one.
    Password,
    /// With a passkey.
    Passkey,
    /// Through an identity provider.
    Sso,
}

/// The clear part of a session: one sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// The organisation it is for.
    pub org: OrgId,
    /// How its holder shows it.
    #[serde(flatten)]
    pub carrier: Carrier,
    /// How the user signed in.
    pub method: SignInMethod,
    /// How sure it is that it is the user's.
    pub level: Level,
    /// When the user last showed a factor, or an identity provider last vouched for them; Unix milliseconds.
    pub authenticated_at: i64,
    /// When the user last showed a factor of the account itself; Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_factor_at: Option<i64>,
    /// When it was last used, to the minute, or its refresh token was rotated; Unix milliseconds.
    pub used_at: i64,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// The sealed part of a session: from where it was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<std::net::IpAddr>,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// One of the operator's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// What they may do.
    pub role: StaffRole,
    /// Since when.
    pub created_at: Timestamp,
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
