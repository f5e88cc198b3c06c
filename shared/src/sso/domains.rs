//! Domains of organisations in the tables: said to be their own, and proved to be by a TXT record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::{commit, put_next};
use crate::accounts::token::OpaqueSecret;
use crate::activity::model::ActivityKind;
use crate::activity::store::note;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::egress::dns::Domain;
use crate::erasure::model::Guard;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{DomainId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::limits::{self, LOOKUPS_OF_ORGANISATION};
use crate::organisations::store as organisations;
use crate::policy::Class;
use crate::store::{Commit, Condition, Item, Raw, Transaction};
use crate::unit::UnitId;

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

impl OwnedDomain {
    /// The text of the TXT record that proves it, at [`Domain::challenge_name`].
    pub fn challenge(&self) -> String {
        format!("trackwell-domain-verification={}", self.token)
    }
}

/// What proving and removing a domain read, for the round trip that authenticates.
pub fn change_keys(tenant: Tenant, domain: DomainId) -> Vec<Key> {
    vec![key(tenant, domain), keys::unit(account(tenant))]
}

/// The unit with which an organisation's domains go.
fn account(tenant: Tenant) -> UnitId {
    UnitId::Organisation(tenant.org(), Class::Account)
}

/// The domain that a request names.
///
/// # Errors
/// [`Error::NotFound`].
pub fn named(member: &Member, id: DomainId) -> Result<DomainItem> {
    let raw = member.item(&key(member.permit.tenant(), id))?;
    raw.open::<OwnedDomain>(member.key(Class::Account)?)
}

/// The domains of the caller's organisation, the oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, member: &Member) -> Result<Vec<DomainItem>> {
    let key = member.key(Class::Account)?;
    let found = ctx.store.query_all(keys::domains(member.permit.tenant())).await?;
    found.iter().map(|raw| raw.open::<OwnedDomain>(key)).collect()
}

/// Adds a domain, which means nothing until it is proved. Whether another organisation has it is not said before.
///
/// # Errors
/// [`Error::Conflict`] for one that the organisation has already, or when there are enough; [`Error::Stale`] when the
/// organisation changed at the same time.
pub async fn create(ctx: &Ctx, member: &Member, name: Domain) -> Result<DomainItem> {
    let (tenant, now) = (member.permit.tenant(), ctx.now());
    let mut organisation = organisations::read(member)?;
    if organisation.facts.domains >= MAX_DOMAINS {
        let detail = format!("An organisation has at most {MAX_DOMAINS} domains.");
        return Err(Error::conflict("", detail));
    }
    let digest = digest(ctx, &name).await?;
    for raw in ctx.store.query_all(keys::domains(tenant)).await? {
        if raw.facts::<OwnedDomain>()?.digest == digest {
            return Err(Error::conflict(
                "/name",
                "The organisation has this domain already.",
            ));
        }
    }
    let id = DomainId::new(now, ctx.id_bytes());
    let facts = DomainFacts {
        digest,
        created_by: member.person()?.user,
        created_at: now,
        verified_at: None,
    };
    let token = OpaqueSecret::new(ctx.entropy.as_ref()).reveal().to_owned();
    let item = Item::sealed(key(tenant, id), facts, OwnedDomain { name, token });
    organisation.facts.domains += 1;
    let mut transaction = Transaction::new();
    let key = member.key(Class::Account)?;
    transaction.create_sealed("domain", &item, key, ctx.entropy.as_ref())?;
    put_next(ctx, &mut transaction, member, &mut organisation)?;
    note(ctx, member, &mut transaction, ActivityKind::DomainAdded, id)?;
    commit(ctx, transaction, organisation.version).await?;
    Ok(item)
}

/// Looks whether a domain's challenge is published, and makes the domain the organisation's if it is.
///
/// # Errors
/// [`Error::Conflict`] saying what was found instead, or that another organisation has proved it; as [`create`];
/// [`Error::TooManyRequests`].
pub async fn verify(ctx: &Ctx, member: &Member, mut item: DomainItem) -> Result<DomainItem> {
    if item.facts.verified_at.is_some() {
        return Ok(item);
    }
    let (tenant, id) = (member.permit.tenant(), id(&item.key)?);
    limits::count(ctx, &LOOKUPS_OF_ORGANISATION, &tenant.org().to_string()).await?;
    let found = ctx.egress().challenges(&item.payload.name).await.ok();
    proved(&item.payload, found.as_deref())?;
    item.version += 1;
    item.facts.verified_at = Some(ctx.now());
    let mut transaction = Transaction::new();
    let key = member.key(Class::Account)?;
    transaction.replace_sealed("domain", &item, key, ctx.entropy.as_ref())?;
    let digest = &item.facts.digest;
    let guard = DomainGuard { org: tenant.org() };
    transaction.create("guard", &Item::plain(keys::domain_guard(digest), guard))?;
    guards(member, &mut transaction, |guards| {
        guards.push(Guard::Domain(digest.clone()));
    })?;
    note(ctx, member, &mut transaction, ActivityKind::DomainVerified, id)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(item),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(rejections)) => {
            let guard = rejections.iter().find(|rejection| rejection.label == "guard");
            Err(taken(
                guard.and_then(|rejection| rejection.found.as_ref()),
                tenant,
                item.version,
            )?)
        }
    }
}

/// Whether what was found in the name system proves a domain. What was found there is not repeated: strangers wrote it.
fn proved(domain: &OwnedDomain, found: Option<&[String]>) -> Result<()> {
    let wanted = domain.challenge();
    let at = domain.name.challenge_name();
    let detail = match found {
        Some(found) if found.contains(&wanted) => return Ok(()),
        Some([]) => {
            format!("There is no TXT record at {at}. It can take a while until a new one is seen everywhere.")
        }
        Some(found) => {
            let count = found.len();
            format!("None of the TXT records at {at} ({count}) is the one that this organisation was given.")
        }
        None => format!("The name servers of the domain do not answer for {at}. Try again later."),
    };
    Err(Error::conflict("", detail))
}

/// Why a domain that is proved did not become the organisation's, by the guard that was there.
fn taken(guard: Option<&Raw>, tenant: Tenant, current: u64) -> Result<Error> {
    let owner = guard.map(Raw::decode::<DomainGuard>).transpose()?;
    Ok(match owner {
        Some(owner) if owner.facts.org != tenant.org() => Error::conflict(
            "",
            "Another organisation has proved that this domain is its own, and must remove it first.",
        ),
        _ => Error::Stale { current },
    })
}

/// Removes a domain. Who signs in with an address of it is no longer sent to the organisation's provider.
///
/// # Errors
/// [`Error::Stale`] when it or the organisation changed at the same time.
pub async fn delete(ctx: &Ctx, member: &Member, item: &DomainItem) -> Result<()> {
    let id = id(&item.key)?;
    let mut organisation = organisations::read(member)?;
    organisation.facts.domains = organisation.facts.domains.saturating_sub(1);
    let mut transaction = Transaction::new();
    transaction.delete_if("domain", &item.key, &Condition::version(item.version));
    if item.facts.verified_at.is_some() {
        let gone = Guard::Domain(item.facts.digest.clone());
        transaction.delete("guard", &gone.key());
        guards(member, &mut transaction, |guards| {
            guards.retain(|guard| *guard != gone);
        })?;
    }
    put_next(ctx, &mut transaction, member, &mut organisation)?;
    note(ctx, member, &mut transaction, ActivityKind::DomainRemoved, id)?;
    commit(ctx, transaction, item.version).await
}

/// Changes the list of the guards that go with the organisation.
fn guards(
    member: &Member,
    transaction: &mut Transaction,
    change: impl FnOnce(&mut Vec<Guard>),
) -> Result<()> {
    let unit = account(member.permit.tenant());
    units::change_guards(transaction, member.item(&keys::unit(unit))?, change)
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
