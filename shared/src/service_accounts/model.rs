//! Service accounts and API keys as they are stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::Grants;
use crate::ids::{ApiKeyId, OrgId, ServiceAccountId, UserId};
use crate::text::Line;

/// The clear part of a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccountFacts {
    /// Who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How many API keys it has, expired ones included.
    #[serde(default)]
    pub keys: u64,
}

/// The sealed part of a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// What it is for.
    pub name: Line<100>,
}

/// How many service accounts an organisation has: what two requests at one moment agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCount {
    /// So many.
    pub accounts: u64,
}

/// The clear part of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyFacts {
    /// The service account that it is for.
    pub service: ServiceAccountId,
    /// SHA-256 of its secret, in hex.
    pub digest: String,
    /// What it may do.
    pub scopes: Grants,
    /// Who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Whether its end was announced by mail.
    #[serde(default)]
    pub warned: bool,
}

/// The sealed part of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyProfile {
    /// What people call it.
    pub name: Line<100>,
}

/// When an API key was last used, to the minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// Unix milliseconds.
    pub used_at: i64,
    /// When DynamoDB may forget it, in Unix seconds.
    pub ttl: i64,
}

/// Points from an hour to an API key whose end is announced in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDue {
    /// The organisation.
    pub org: OrgId,
    /// The key.
    pub key: ApiKeyId,
}
