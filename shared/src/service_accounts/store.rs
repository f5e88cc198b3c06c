//! Service accounts and API keys in the tables.

use std::collections::HashMap;

use super::api_keys;
use super::model::{ApiKeyFacts, ApiKeyProfile, KeyUse, ServiceAccount, ServiceAccountFacts, ServiceCount};
use super::rules::MAX_ACCOUNTS;
use crate::accounts::sessions::TOUCHED_EVERY;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{ApiKey, Member};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::ServiceAccountId;
use crate::keys::{self, Key, Tenant};
use crate::policy::Class;
use crate::store::{Commit, Condition, Item, Raw, Rejection, Transaction, Update};
use crate::text::Line;

/// How long the last use of a key is remembered.
const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(400 * 24);

/// The key that was shown, if it is good; its use is noted at most once a minute.
///
/// # Errors
/// [`Error::Unauthenticated`] for a key that is unknown, revoked or expired; which, is nobody's business.
pub(crate) async fn identify(
    ctx: &Ctx,
    shown: &ApiKey,
    found: &HashMap<Key, Raw>,
    tenant: Tenant,
) -> Result<ApiKeyFacts> {
    const REFUSED: Error = Error::Unauthenticated("The API key is not valid or has expired.");
    let (now, id) = (ctx.now(), shown.ids().1);
    let raw = found.get(&keys::api_key(tenant, id)).ok_or(REFUSED)?;
    let facts = raw.facts::<ApiKeyProfile>()?;
    if !shown.matches(&facts.digest) || facts.expires_at <= now {
        return Err(REFUSED);
    }
    let last = found
        .get(&keys::api_key_use(tenant, id))
        .map(Raw::decode::<KeyUse>)
        .transpose()?;
    let used_at = last.map_or(i64::MIN, |item| item.facts.used_at);
    if now.as_millisecond().saturating_sub(used_at) >= TOUCHED_EVERY {
        let used = KeyUse {
            used_at: now.as_millisecond(),
            ttl: now.saturating_add(REMEMBERED).unwrap_or(now).as_second(),
        };
        let anything = Condition::absent().or(Condition::present());
        let used = Item::plain(keys::api_key_use(tenant, id), used);
        ctx.store.put(&used, &anything).await?;
    }
    Ok(facts)
}

/// A service account as it is stored.
pub type Service = Item<ServiceAccount>;

/// How often a change is tried again that met another one.
pub(super) const ATTEMPTS: usize = 4;

/// The key of a service account, for the round trip that authenticates.
pub fn key(tenant: Tenant, service: ServiceAccountId) -> Key {
    keys::service_account(tenant, service)
}

/// The key of what counts an organisation's service accounts, for the round trip that authenticates.
pub fn count_key(tenant: Tenant) -> Key {
    keys::service_count(tenant)
}

/// The service account that a request names.
///
/// # Errors
/// [`Error::NotFound`].
pub fn read(member: &Member, service: ServiceAccountId) -> Result<Service> {
    let raw = member.item(&key(member.permit.tenant(), service))?;
    raw.open::<ServiceAccount>(member.key(Class::Account)?)
}

/// All service accounts of the caller's organisation, oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, member: &Member) -> Result<Vec<Service>> {
    let key = member.key(Class::Account)?;
    let partition = keys::service_accounts(member.permit.tenant());
    let found = ctx.store.query_all(partition).await?;
    found.iter().map(|raw| raw.open::<ServiceAccount>(key)).collect()
}

/// Creates a service account.
///
/// # Errors
/// [`Error::Conflict`] when the organisation has as many as it may.
pub async fn create(ctx: &Ctx, member: &Member, name: Line<100>) -> Result<Service> {
    let (tenant, now) = (member.permit.tenant(), ctx.now());
    let id = ServiceAccountId::new(now, ctx.id_bytes());
    let facts = ServiceAccountFacts {
        created_by: member.person()?.user,
        created_at: now,
        updated_at: now,
        keys: 0,
    };
    let item = Item::sealed(key(tenant, id), facts, ServiceAccount { name });
    let mut counted = member.optional(&count_key(tenant)).is_some();
    for _ in 0..ATTEMPTS {
        let mut transaction = Transaction::new();
        transaction.create_sealed(
            "service",
            &item,
            member.key(Class::Account)?,
            ctx.entropy.as_ref(),
        )?;
        if counted {
            let room = Condition::less_than("accounts", MAX_ACCOUNTS.cast_signed());
            let update = Update::new().add("accounts", 1);
            transaction.update("count", &count_key(tenant), update, &room);
        } else {
            let first = ServiceCount { accounts: 1 };
            transaction.create("count", &Item::plain(count_key(tenant), first))?;
        }
        let (actor, object) = (Some(member.permit.actor()), Some(id.to_string()));
        let kind = ActivityKind::ServiceAccountCreated;
        activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, object)?;
        match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => return Ok(item),
            Err(Commit::Rejected(_)) if !counted => counted = true,
            Err(Commit::Rejected(_)) => {
                let detail = format!("An organisation has at most {MAX_ACCOUNTS} service accounts.");
                return Err(Error::conflict("", detail));
            }
            Err(Commit::Failed(error)) => return Err(error),
        }
    }
    Err(Error::unavailable("a service account met another one"))
}

/// Gives a service account another name.
///
/// # Errors
/// [`Error::Stale`] when it changed at the same time.
pub async fn rename(ctx: &Ctx, member: &Member, mut item: Service, name: Line<100>) -> Result<Service> {
    let before = item.version;
    item.version += 1;
    item.facts.updated_at = ctx.now();
    item.payload.name = name;
    let (tenant, object) = (member.permit.tenant(), item.key.sort().to_owned());
    for _ in 0..ATTEMPTS {
        let mut transaction = Transaction::new();
        // Its keys are counted without a new version, and none may get lost.
        let unchanged = Condition::version(before).and(Condition::number("keys", item.facts.keys));
        let (key, entropy) = (member.key(Class::Account)?, ctx.entropy.as_ref());
        transaction.put_sealed_if("service", &item, key, entropy, &unchanged)?;
        let (actor, kind) = (Some(member.permit.actor()), ActivityKind::ServiceAccountUpdated);
        activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, Some(object.clone()))?;
        let rejections = match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => return Ok(item),
            Err(Commit::Rejected(rejections)) => rejections,
            Err(Commit::Failed(error)) => return Err(error),
        };
        let found = rejections.into_iter().find_map(|rejection| rejection.found);
        let found = found.ok_or(Error::NotFound)?.open::<ServiceAccount>(key)?;
        if found.version != before {
            return Err(Error::Stale {
                current: found.version,
            });
        }
        item.facts.keys = found.facts.keys;
    }
    Err(Error::unavailable("a service account kept changing"))
}

/// Deletes a service account with all of its keys, which are refused from the next request on.
///
/// # Errors
/// [`Error::NotFound`] when somebody else did.
pub async fn delete(ctx: &Ctx, member: &Member, service: ServiceAccountId) -> Result<()> {
    let tenant = member.permit.tenant();
    for _ in 0..ATTEMPTS {
        let keys = api_keys::of_service(ctx, tenant, service).await?;
        let mut transaction = Transaction::new();
        // A key that is created at this moment would outlive its account.
        let all_found = Condition::number("keys", keys.len() as u64);
        transaction.delete_if("service", &key(tenant, service), &all_found);
        let update = Update::new().add("accounts", -1);
        transaction.update("count", &count_key(tenant), update, &Condition::present());
        for (id, facts) in &keys {
            api_keys::add_revocation(&mut transaction, (tenant, *id), facts);
        }
        let (actor, object) = (Some(member.permit.actor()), Some(service.to_string()));
        let kind = ActivityKind::ServiceAccountDeleted;
        activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, object)?;
        let rejections = match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => return Ok(()),
            Err(Commit::Rejected(rejections)) => rejections,
            Err(Commit::Failed(error)) => return Err(error),
        };
        // One of its keys may have come or gone meanwhile; then it is tried again with those that are left.
        let is_gone = |rejection: &Rejection| rejection.label == "service" && rejection.found.is_none();
        if rejections.iter().any(is_gone) {
            return Err(Error::NotFound);
        }
    }
    Err(Error::unavailable("a service account kept changing"))
}
