//! API keys of service accounts.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod warn;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::auth::{ApiKey, Grants};
use shared::error::Result;
use shared::ids::{ApiKeyId, OrgId, UserId};
use shared::service_accounts::api_keys::{self, StoredKey};
use shared::text::Line;

/// An API key, without what is secret of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyResponse {
    /// The key's id.
    id: ApiKeyId,
    /// What people call it.
    name: Line<100>,
    /// What the key begins with.
    prefix: String,
    /// What it may do.
    scopes: Grants,
    /// Who created it.
    created_by: UserId,
    /// When it was created.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// Until when it is good.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
    /// When it was last used, to the minute; absent when it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    last_used_at: Option<Timestamp>,
}

impl KeyResponse {
    fn new(org: OrgId, item: StoredKey, last_used_at: Option<Timestamp>) -> Result<Self> {
        let id = api_keys::id(&item.key)?;
        Ok(Self {
            id,
            name: item.payload.name,
            prefix: ApiKey::prefix(org, id),
            scopes: item.facts.scopes,
            created_by: item.facts.created_by,
            created_at: item.facts.created_at,
            expires_at: item.facts.expires_at,
            last_used_at,
        })
    }
}
