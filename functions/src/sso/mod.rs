//! Single sign-on.

pub(crate) mod connections_create;
pub(crate) mod connections_delete;
pub(crate) mod connections_list;
pub(crate) mod connections_update;
pub(crate) mod domains_create;
pub(crate) mod domains_delete;
pub(crate) mod domains_list;
pub(crate) mod domains_verify;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::ctx::Ctx;
use shared::egress::dns::Domain;
use shared::error::Result;
use shared::ids::{ActorId, ConnectionId, DomainId, UserId};
use shared::keys::{Key, Tenant};
use shared::sso::connections::{self, ConnectionItem};
use shared::sso::domains::{self, DomainItem};
use shared::sso::flows::{self, Departure};
use shared::sso::model::{ClientId, Kind};
use url::Url;

use crate::gateway::{Answer, Request};

pub(crate) fn needs_connection(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![connections::key(tenant, request.param("connection_id")?)])
}

pub(crate) fn needs_domain(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(domains::change_keys(tenant, request.param("domain_id")?))
}

/// Where a browser goes to sign in. The flow's cookie comes with it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DepartureResponse {
    /// The identity provider's page.
    #[schemars(with = "String", extend("format" = "uri"))]
    authorization_url: Url,
    /// Until when the browser must be back.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
}

impl DepartureResponse {
    pub(crate) fn answer(ctx: &Ctx, departure: Departure) -> Result<Answer> {
        let max_age = departure.expires_at.duration_since(ctx.now()).as_secs();
        let response = Self {
            authorization_url: departure.url,
            expires_at: departure.expires_at,
        };
        Ok(Answer::json(200, &response)?.cookie(flows::COOKIE, departure.cookie.reveal(), max_age))
    }
}

/// A connection to an identity provider. Its secret is shown to nobody.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConnectionResponse {
    /// The connection.
    id: ConnectionId,
    /// What kind of provider it is, and for whom it may speak.
    provider: Kind,
    /// The provider's issuer; for Microsoft with `{tenantid}` in place of the tenant.
    issuer: String,
    /// Who we are at the provider.
    client_id: ClientId,
    /// Whether people may sign in through it.
    enabled: bool,
    /// The redirect URI to be registered at the provider.
    redirect_uri: String,
    /// Grows by one with every change; the `ETag` is this number.
    version: u64,
    /// Who made it.
    created_by: UserId,
    /// When it was made.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    updated_at: Timestamp,
}

impl ConnectionResponse {
    fn new(ctx: &Ctx, item: ConnectionItem) -> Result<Self> {
        let connection = item.payload.connection;
        Ok(Self {
            id: connections::id(&item.key)?,
            provider: connection.kind,
            issuer: connection.issuer,
            client_id: connection.client_id,
            enabled: connection.enabled,
            redirect_uri: connections::redirect_uri(ctx),
            version: item.version,
            created_by: item.facts.created_by,
            created_at: item.facts.created_at,
            updated_at: item.facts.updated_at,
        })
    }
}

/// A domain of the organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DomainResponse {
    /// The domain.
    id: DomainId,
    /// Its name, in ASCII.
    name: Domain,
    /// The record that proves it.
    record: DnsRecord,
    /// When it was proved; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    verified_at: Option<Timestamp>,
    /// Who added it.
    created_by: UserId,
    /// When it was added.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
}

/// A record of the domain name system.
#[derive(Serialize, JsonSchema)]
struct DnsRecord {
    /// Where it stands.
    name: String,
    /// Its type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What it holds.
    value: String,
}

impl DomainResponse {
    fn new(item: DomainItem) -> Result<Self> {
        Ok(Self {
            id: domains::id(&item.key)?,
            record: DnsRecord {
                name: item.payload.name.challenge_name(),
                kind: "TXT",
                value: item.payload.challenge(),
            },
            name: item.payload.name,
            verified_at: item.facts.verified_at,
            created_by: item.facts.created_by,
            created_at: item.facts.created_at,
        })
    }
}
