//! Domains of organisations in the tables: said to be their own, and proved to be by a TXT record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::egress::dns::Domain;
use crate::error::{Error, Result};
use crate::ids::{DomainId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::store::Item;

/// The most domains of an organisation.
pub const MAX_DOMAINS: u64 = 20;

/// The clear part of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainFacts {
    /// The keyed hash of its name, in hex: that of its guard, and what tells two of them apart.
    pub digest: String,
    /// Who added it.
    pub created_by: UserId,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was proved to be the organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
}

/// The sealed part of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedDomain {
    /// Its name.
    pub name: Domain,
    /// What the TXT record must hold.
    pub token: String,
}

/// That a domain is an organisation's: one in the whole deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainGuard {
    /// The organisation.
    pub org: OrgId,
}

/// A domain as it is stored.
pub type DomainItem = Item<OwnedDomain>;

/// The key of a domain, for the round trip that authenticates.
pub fn key(tenant: Tenant, domain: DomainId) -> Key {
    keys::domain(tenant, domain)
}

/// The id of a stored domain.
///
/// # Errors
/// Only when it is none.
pub fn id(key: &Key) -> Result<DomainId> {
    let id = key.sort().parse();
    id.map_err(|_| Error::internal("a domain without an id"))
}

/// The keyed hash by which a domain is found.
async fn digest(ctx: &Ctx, domain: &Domain) -> Result<String> {
    Ok(ctx.root().await?.digest("domain", domain.as_str()))
}

/// The organisation that has proved the domain to be its own.
pub(super) async fn owner(ctx: &Ctx, domain: &Domain) -> Result<Option<OrgId>> {
    let guard = keys::domain_guard(&digest(ctx, domain).await?);
    let guard = ctx.store.get_one(&guard).await?;
    let guard = guard.map(|raw| raw.decode::<DomainGuard>()).transpose()?;
    Ok(guard.map(|guard| guard.facts.org))
}
