//! Service accounts: what acts for an organisation and is no person.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod update;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::{Error, Result};
use shared::ids::{ActorId, ServiceAccountId, UserId};
use shared::keys::{Key, Tenant};
use shared::service_accounts::store::{self, Service};
use shared::text::Line;

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![store::key(tenant, request.param("service_account_id")?)])
}

/// A service account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ServiceResponse {
    /// The service account.
    id: ServiceAccountId,
    /// What it is for.
    name: Line<100>,
    /// How many API keys it has, expired ones included.
    keys: u64,
    /// Grows by one with every change of the name; the `ETag` is this number.
    version: u64,
    /// Who created it.
    created_by: UserId,
    /// When it was created.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    updated_at: Timestamp,
}

impl ServiceResponse {
    fn new(item: Service) -> Result<Self> {
        let id = item.key.sort().parse();
        Ok(Self {
            id: id.map_err(|_| Error::internal("a service account without an id"))?,
            name: item.payload.name,
            keys: item.facts.keys,
            version: item.version,
            created_by: item.facts.created_by,
            created_at: item.facts.created_at,
            updated_at: item.facts.updated_at,
        })
    }
}
