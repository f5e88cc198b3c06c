//! API keys in the tables: created, listed, revoked.

use jiff::Timestamp;

use super::model::{ApiKeyFacts, ApiKeyProfile, KeyDue, KeyUse};
use super::rules::{self, MAX_KEYS};
use crate::accounts::model::UserProfile;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{ApiKey, Grants, Member};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{ApiKeyId, ServiceAccountId};
use crate::keys::{self, Key, Tenant};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::policy::Class;
use crate::retention::HourBucket;
use crate::store::{Commit, Condition, Item, Raw, Transaction, Update};
use crate::text::Line;

/// An API key as it is stored.
pub type StoredKey = Item<ApiKeyProfile>;

/// An API key that is about to be created.
pub struct NewKey {
    /// For whom.
    pub service: ServiceAccountId,
    /// What people call it.
    pub name: Line<100>,
    /// What it may do.
    pub scopes: Grants,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The key of an API key's item, for the round trip that authenticates.
pub fn key(tenant: Tenant, api_key: ApiKeyId) -> Key {
    keys::api_key(tenant, api_key)
}

/// The id of a stored key.
///
/// # Errors
/// Only when it is none.
pub fn id(key: &Key) -> Result<ApiKeyId> {
    let id = key.sort().parse();
    id.map_err(|_| Error::internal("an API key without an id"))
}

/// The keys of a service account with their last use, oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(
    ctx: &Ctx,
    member: &Member,
    service: ServiceAccountId,
) -> Result<Vec<(StoredKey, Option<Timestamp>)>> {
    let (tenant, account_key) = (member.permit.tenant(), member.key(Class::Account)?);
    let mut found = Vec::new();
    for raw in ctx.store.query_all(keys::only_api_keys(tenant)).await? {
        if raw.facts::<ApiKeyProfile>()?.service == service {
            found.push(raw.open::<ApiKeyProfile>(account_key)?);
        }
    }
    let uses = found
        .iter()
        .map(|item| Ok(keys::api_key_use(tenant, id(&item.key)?)));
    let uses: Vec<_> = uses.collect::<Result<_>>()?;
    if uses.is_empty() {
        return Ok(Vec::new());
    }
    let used = ctx.store.get(&uses, ctx.entropy.as_ref()).await?;
    let last = |key: &Key| -> Result<Option<Timestamp>> {
        let row = used.get(key).map(Raw::decode::<KeyUse>).transpose()?;
        Ok(row.and_then(|row| Timestamp::from_millisecond(row.facts.used_at).ok()))
    };
    let with_use = |(item, key): (StoredKey, &Key)| Ok((item, last(key)?));
    found.into_iter().zip(&uses).map(with_use).collect()
}

/// The keys of a service account, in the clear.
pub(super) async fn of_service(
    ctx: &Ctx,
    tenant: Tenant,
    service: ServiceAccountId,
) -> Result<Vec<(ApiKeyId, ApiKeyFacts)>> {
    let mut found = Vec::new();
    for raw in ctx.store.query_all(keys::only_api_keys(tenant)).await? {
        let facts = raw.facts::<ApiKeyProfile>()?;
        if facts.service == service {
            found.push((id(&raw.key)?, facts));
        }
    }
    Ok(found)
}

/// Creates an API key. Gives what is stored, the key itself, which nobody can be shown again, and the mail to its creator,
/// whose profile `creator` is.
///
/// # Errors
/// [`Error::Forbidden`] for scopes beyond the creator's own rights; [`Error::Conflict`] when the service account has as
/// many keys as it may; [`Error::NotFound`] when it is gone.
pub async fn create(
    ctx: &Ctx,
    member: &Member,
    new: NewKey,
    creator: &UserProfile,
) -> Result<(StoredKey, String, Outgoing)> {
    let (tenant, now, person) = (member.permit.tenant(), ctx.now(), member.person()?);
    let role = member.permit.role().ok_or(Error::NotFound)?;
    let organisation = member.organisation_facts().ok_or(Error::NotFound)?;
    if !role.grants(organisation).cover_service(&new.scopes) {
        return Err(Error::Forbidden("A key may not do more than who creates it."));
    }
    let id = ApiKeyId::new(now, ctx.id_bytes());
    let secret = ApiKey::new((tenant.org(), id), ctx.entropy.as_ref());
    let warn_at = rules::warn_at(now, new.expires_at);
    let facts = ApiKeyFacts {
        service: new.service,
        digest: secret.digest(),
        scopes: new.scopes,
        created_by: person.user,
        created_at: now,
        expires_at: new.expires_at,
        warned: warn_at.is_none(),
    };
    let item = Item::sealed(key(tenant, id), facts, ApiKeyProfile { name: new.name });
    let mut transaction = Transaction::new();
    let account_key = member.key(Class::Account)?;
    transaction.create_sealed("key", &item, account_key, ctx.entropy.as_ref())?;
    let room = Condition::present().and(Condition::less_than("keys", MAX_KEYS.cast_signed()));
    let service = keys::service_account(tenant, new.service);
    transaction.update("service", &service, Update::new().add("keys", 1), &room);
    if let Some(at) = warn_at {
        let org = tenant.org();
        let due = Item::plain(keys::key_due(id, HourBucket::of(at)), KeyDue { org, key: id });
        transaction.create("due row", &due)?;
    }
    let (actor, object) = (Some(member.permit.actor()), Some(id.to_string()));
    let kind = ActivityKind::ApiKeyCreated;
    activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, object)?;
    let template = Template::ApiKeyCreated {
        prefix: ApiKey::prefix(tenant.org(), id),
        ends: new.expires_at.to_string(),
    };
    let outgoing = send::queue(
        &mut transaction,
        (person.user, &person.key),
        creator.email.clone(),
        template,
        (now, ctx.id_bytes(), ctx.entropy.as_ref()),
    )?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok((item, secret.reveal(), outgoing)),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(rejections)) => {
            let full = rejections.iter().any(|rejection| rejection.found.is_some());
            Err(if full {
                let detail = format!("A service account has at most {MAX_KEYS} keys; revoke one.");
                Error::conflict("", detail)
            } else {
                Error::NotFound
            })
        }
    }
}

/// Adds to the transaction that a key is revoked, with everything that goes with it.
pub(super) fn add_revocation(
    transaction: &mut Transaction,
    (tenant, id): (Tenant, ApiKeyId),
    facts: &ApiKeyFacts,
) {
    transaction.delete_if("key", &key(tenant, id), &Condition::present());
    transaction.delete("use", &keys::api_key_use(tenant, id));
    if let Some(at) = rules::warn_at(facts.created_at, facts.expires_at) {
        transaction.delete("due row", &keys::key_due(id, HourBucket::of(at)));
    }
}

/// Revokes a key of a service account: it is refused from the next request on.
///
/// # Errors
/// [`Error::NotFound`] when there is no such key of this service account.
pub async fn revoke(ctx: &Ctx, member: &Member, service: ServiceAccountId, id: ApiKeyId) -> Result<()> {
    let tenant = member.permit.tenant();
    let facts = member.item(&key(tenant, id))?.facts::<ApiKeyProfile>()?;
    if facts.service != service {
        return Err(Error::NotFound);
    }
    let mut transaction = Transaction::new();
    add_revocation(&mut transaction, (tenant, id), &facts);
    let service = keys::service_account(tenant, service);
    let update = Update::new().add("keys", -1);
    transaction.update("service", &service, update, &Condition::present());
    let (actor, object) = (Some(member.permit.actor()), Some(id.to_string()));
    let kind = ActivityKind::ApiKeyRevoked;
    activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, object)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::NotFound),
        Err(Commit::Failed(error)) => Err(error),
    }
}
