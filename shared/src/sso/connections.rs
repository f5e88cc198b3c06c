//! Connections in the tables. All of a connection is sealed: issuers and domains can name people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::domains;
use super::model::{ClientSecret, Connection, Kind};
use super::{Failure, rules};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::egress::dns::Domain;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{ConnectionId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::limits::{self, LOOKUPS_OF_ORGANISATION};
use crate::organisations::model::OrganisationProfile;
use crate::organisations::store::put;
use crate::policy::Class;
use crate::store::{Commit, Condition, Item, Transaction};
use crate::unit::UnitId;

/// The most connections of an organisation.
pub const MAX_CONNECTIONS: usize = 10;

/// The clear part of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionFacts {
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The sealed part of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredConnection {
    /// The connection.
    pub connection: Connection,
    /// What proves to the provider that it is us.
    pub secret: ClientSecret,
}

/// A connection as it is stored.
pub type ConnectionItem = Item<StoredConnection>;

/// The key of a connection, for the round trip that authenticates.
pub fn key(tenant: Tenant, connection: ConnectionId) -> Key {
    keys::connection(tenant, connection)
}

/// The id of a stored connection.
///
/// # Errors
/// Only when it is none.
pub fn id(key: &Key) -> Result<ConnectionId> {
    let id = key.sort().parse();
    id.map_err(|_| Error::internal("a connection without an id"))
}

/// Where providers send browsers back to; it is registered at each.
pub fn redirect_uri(ctx: &Ctx) -> String {
    format!("{}/v1/auth/sso/callback", ctx.config.origin)
}

/// A connection of an organisation, for a request that shows no credential; `None` when there is none, or the
/// organisation is gone or only kept for a duty.
///
/// # Errors
/// When the store does not answer.
pub async fn read(ctx: &Ctx, org: OrgId, id: ConnectionId) -> Result<Option<ConnectionItem>> {
    let (tenant, unit) = (Tenant::new(org), UnitId::Organisation(org, Class::Account));
    let wanted = [keys::data_key(unit), key(tenant, id)];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let data_key = units::usable_key(found.get(&wanted[0]), unit, ctx.root().await?)?;
    match data_key.zip(found.get(&wanted[1])) {
        Some((data_key, raw)) => Ok(Some(raw.open::<StoredConnection>(&data_key)?)),
        None => Ok(None),
    }
}

/// The organisation that has proved a domain to be its own, and the oldest of its connections that is on.
///
/// # Errors
/// When the store does not answer.
pub async fn of_domain(ctx: &Ctx, domain: &Domain) -> Result<Option<(OrgId, ConnectionItem)>> {
    let Some(org) = domains::owner(ctx, domain).await? else {
        return Ok(None);
    };
    let unit = UnitId::Organisation(org, Class::Account);
    let data_key = keys::data_key(unit);
    let (data_key, connections) = tokio::try_join!(
        ctx.store.get_one(&data_key),
        ctx.store.query_all(keys::connections(Tenant::new(org)))
    )?;
    let Some(data_key) = units::usable_key(data_key.as_ref(), unit, ctx.root().await?)? else {
        return Ok(None);
    };
    for raw in &connections {
        let item = raw.open::<StoredConnection>(&data_key)?;
        if item.payload.connection.enabled {
            return Ok(Some((org, item)));
        }
    }
    Ok(None)
}
