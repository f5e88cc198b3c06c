//! Connections in the tables. All of a connection is sealed: issuers and domains can name people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::{commit, put_next};
use super::model::{ClientId, ClientSecret, Connection, Kind};
use super::{Failure, domains, rules};
use crate::activity::model::ActivityKind;
use crate::activity::store::note;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::egress::dns::Domain;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{ConnectionId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::limits::{self, LOOKUPS_OF_ORGANISATION};
use crate::organisations::model::OrganisationProfile;
use crate::organisations::store as organisations;
use crate::policy::Class;
use crate::seal::DataKey;
use crate::store::{Condition, Item, Transaction};
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

/// The connection that a request names.
///
/// # Errors
/// [`Error::NotFound`].
pub fn named(member: &Member, id: ConnectionId) -> Result<ConnectionItem> {
    let raw = member.item(&key(member.permit.tenant(), id))?;
    raw.open::<StoredConnection>(member.key(Class::Account)?)
}

/// The connections of the caller's organisation, the oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, member: &Member) -> Result<Vec<ConnectionItem>> {
    let key = member.key(Class::Account)?;
    let found = ctx
        .store
        .query_all(keys::connections(member.permit.tenant()))
        .await?;
    found
        .iter()
        .map(|raw| raw.open::<StoredConnection>(key))
        .collect()
}

/// Makes a connection, after asking its provider once for what it publishes about itself.
///
/// # Errors
/// [`Error::Invalid`] at what the provider cannot be reached by, or is not; [`Error::Conflict`] when there are enough;
/// [`Error::TooManyRequests`]; [`Error::Stale`] when the organisation changed at the same time.
pub async fn create(
    ctx: &Ctx,
    member: &Member,
    (kind, issuer, client_id): (Kind, Option<&str>, ClientId),
    secret: ClientSecret,
) -> Result<ConnectionItem> {
    let (tenant, now) = (member.permit.tenant(), ctx.now());
    let connection = rules::connection(kind, issuer, client_id, ctx.egress())
        .map_err(|violation| Error::Invalid(vec![violation]))?;
    let mut organisation = organisations::read(member)?;
    if organisation.facts.connections.len() >= MAX_CONNECTIONS {
        let detail = format!("An organisation has at most {MAX_CONNECTIONS} connections.");
        return Err(Error::conflict("", detail));
    }
    ask(ctx, member, &connection).await?;
    let id = ConnectionId::new(now, ctx.id_bytes());
    let facts = ConnectionFacts {
        created_by: member.person()?.user,
        created_at: now,
        updated_at: now,
    };
    let item = Item::sealed(key(tenant, id), facts, StoredConnection { connection, secret });
    organisation.facts.connections.insert(id, true);
    let mut transaction = Transaction::new();
    let key = member.key(Class::Account)?;
    transaction.create_sealed("connection", &item, key, ctx.entropy.as_ref())?;
    put_next(ctx, &mut transaction, member, &mut organisation)?;
    note(ctx, member, &mut transaction, ActivityKind::ConnectionCreated, id)?;
    commit(ctx, transaction, organisation.version).await?;
    Ok(item)
}

/// Asks a provider for what it publishes about itself.
async fn ask(ctx: &Ctx, member: &Member, connection: &Connection) -> Result<()> {
    limits::count(ctx, &LOOKUPS_OF_ORGANISATION, &member.permit.org().to_string()).await?;
    let asked = ctx
        .providers()
        .provider(ctx.egress(), connection, ctx.now())
        .await;
    let Err(failure) = asked else { return Ok(()) };
    let pointer = match connection.kind {
        Kind::Oidc => "/issuer",
        Kind::Google { .. } | Kind::Microsoft { .. } => "/provider",
    };
    let detail = match failure {
        Failure::Refused(_) => {
            "What it publishes at .well-known/openid-configuration is another issuer's, or is not usable: it must name \
             this issuer, endpoints with https, and S256 if it names methods of PKCE"
                .to_owned()
        }
        Failure::Unavailable(failure) => {
            format!("Its .well-known/openid-configuration cannot be read: {failure}")
        }
    };
    Err(Error::invalid(pointer, detail))
}

/// A change of a connection; what is absent stays. Its kind and its issuer are what the identities are linked through,
/// and never change.
#[derive(Debug, Default)]
pub struct Change {
    /// Whether people may sign in through it.
    pub enabled: Option<bool>,
    /// Another client id.
    pub client_id: Option<ClientId>,
    /// Another client secret.
    pub secret: Option<ClientSecret>,
}

/// Changes a connection.
///
/// # Errors
/// [`Error::Conflict`] for turning off the last one that members can sign in through; [`Error::Stale`] when it or the
/// organisation changed at the same time.
pub async fn update(
    ctx: &Ctx,
    member: &Member,
    mut item: ConnectionItem,
    change: Change,
) -> Result<ConnectionItem> {
    let (id, before) = (id(&item.key)?, item.payload.clone());
    let StoredConnection { connection, secret } = &mut item.payload;
    connection.enabled = change.enabled.unwrap_or(connection.enabled);
    connection.client_id = change.client_id.unwrap_or_else(|| connection.client_id.clone());
    *secret = change.secret.unwrap_or_else(|| secret.clone());
    let enabled = connection.enabled;
    if item.payload == before {
        return Ok(item);
    }
    item.version += 1;
    item.facts.updated_at = ctx.now();
    let mut transaction = Transaction::new();
    let key = member.key(Class::Account)?;
    transaction.replace_sealed("connection", &item, key, ctx.entropy.as_ref())?;
    let mut organisation = organisations::read(member)?;
    if enabled != before.connection.enabled {
        organisation.facts.connections.insert(id, enabled);
        still_has_one(&organisation, "/enabled")?;
        put_next(ctx, &mut transaction, member, &mut organisation)?;
    }
    note(ctx, member, &mut transaction, ActivityKind::ConnectionUpdated, id)?;
    commit(ctx, transaction, item.version).await?;
    Ok(item)
}

/// Deletes a connection. The identities that were linked through it sign nobody in any more.
///
/// # Errors
/// [`Error::Conflict`] for the last one that members can sign in through; [`Error::Stale`] when it or the organisation
/// changed at the same time.
pub async fn delete(ctx: &Ctx, member: &Member, item: &ConnectionItem) -> Result<()> {
    let id = id(&item.key)?;
    let mut organisation = organisations::read(member)?;
    organisation.facts.connections.remove(&id);
    still_has_one(&organisation, "")?;
    let mut transaction = Transaction::new();
    transaction.delete_if("connection", &item.key, &Condition::version(item.version));
    put_next(ctx, &mut transaction, member, &mut organisation)?;
    note(ctx, member, &mut transaction, ActivityKind::ConnectionDeleted, id)?;
    commit(ctx, transaction, item.version).await
}

fn still_has_one(organisation: &Item<OrganisationProfile>, pointer: &str) -> Result<()> {
    if !organisation.facts.security.sso_only || organisation.facts.has_provider() {
        return Ok(());
    }
    Err(Error::conflict(
        pointer,
        "Members sign in through it only. Make another connection first, or let them sign in otherwise (PUT \
         /v1/organisation/security).",
    ))
}

/// A connection, for a request that shows no credential of its organisation.
pub struct Opened {
    /// The organisation.
    pub org: OrgId,
    /// The connection's id.
    pub id: ConnectionId,
    /// The connection.
    pub item: ConnectionItem,
    /// The key of the organisation's account data.
    pub key: DataKey,
}

/// A connection of an organisation; `None` when there is none, or the organisation is gone or only kept for a duty.
///
/// # Errors
/// When the store does not answer.
pub async fn read(ctx: &Ctx, org: OrgId, id: ConnectionId) -> Result<Option<Opened>> {
    let (tenant, unit) = (Tenant::new(org), UnitId::Organisation(org, Class::Account));
    let wanted = [keys::data_key(unit), key(tenant, id)];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let data_key = units::usable_key(found.get(&wanted[0]), unit, ctx.root().await?)?;
    let Some((key, raw)) = data_key.zip(found.get(&wanted[1])) else {
        return Ok(None);
    };
    let item = raw.open::<StoredConnection>(&key)?;
    Ok(Some(Opened { org, id, item, key }))
}

/// The organisation that has proved a domain to be its own, and the oldest of its connections that is on.
///
/// # Errors
/// When the store does not answer.
pub async fn of_domain(ctx: &Ctx, domain: &Domain) -> Result<Option<Opened>> {
    let Some(org) = domains::owner(ctx, domain).await? else {
        return Ok(None);
    };
    let unit = UnitId::Organisation(org, Class::Account);
    let data_key = keys::data_key(unit);
    let (data_key, connections) = tokio::try_join!(
        ctx.store.get_one(&data_key),
        ctx.store.query_all(keys::connections(Tenant::new(org)))
    )?;
    let Some(key) = units::usable_key(data_key.as_ref(), unit, ctx.root().await?)? else {
        return Ok(None);
    };
    for raw in &connections {
        let item = raw.open::<StoredConnection>(&key)?;
        if item.payload.connection.enabled {
            let id = id(&item.key)?;
            return Ok(Some(Opened { org, id, item, key }));
        }
    }
    Ok(None)
}
