//! Records in the tables.

use serde_json::Value;

use super::fields::Fields;
use super::model::{
    Action, EventFacts, EventPayload, Kind, RecordFacts, RecordId, RecordPayload, UniqueGuard, creation_event,
};
use super::rules::{self, Unique};
use crate::attachments;
use crate::auth::{Member, Permit, Reach};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::idempotency::{Idempotency, StoredAnswer};
use crate::ids::EventId;
use crate::keys::{self, Key, Tenant};
use crate::policy::Class;
use crate::seal::DataKey;
use crate::store::{Commit, Item, Query, Raw, Rejection, Transaction};

/// A record as it is stored.
pub type Record = Item<RecordPayload>;

/// What is written with a record so that a repeated request gets the same answer.
pub struct Replay<'a> {
    /// The request's idempotency.
    pub idempotency: &'a Idempotency,
    /// The answer.
    pub answer: StoredAnswer,
}

/// What became of a creation.
pub enum Creation {
    /// It happened.
    Created,
    /// The same request was answered before, a moment ago.
    Answered(StoredAnswer),
}

/// The key of a record, for the round trip that authenticates.
pub fn key(tenant: Tenant, record: RecordId) -> Key {
    keys::record(tenant, record)
}

/// A record that an authenticated request asked for.
///
/// # Errors
/// [`Error::NotFound`] when it is not there or was deleted.
pub fn read(member: &Member, record: RecordId) -> Result<Record> {
    let raw = member.item(&key(member.permit.tenant(), record))?;
    open(raw, member.key(Class::Content)?, member.permit.reach())
}

/// A record that `reach` covers.
///
/// # Errors
/// [`Error::NotFound`] when it was deleted or is out of reach.
pub(crate) fn open(raw: &Raw, data_key: &DataKey, reach: &Reach) -> Result<Record> {
    let item = raw.open::<RecordPayload>(data_key)?;
    if item.facts.deleted_at.is_some() || !is_reached(reach, &item.facts) {
        Err(Error::NotFound)
    } else {
        Ok(item)
    }
}

pub(super) fn is_reached(reach: &Reach, facts: &RecordFacts) -> bool {
    reach.covers(facts.kind, facts.created_by)
}

/// Refuses a kind that the caller's role does not reach at all.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn kind_must_be_reached(permit: &Permit, kind: Kind) -> Result<()> {
    if permit.reach().covers_kind(kind) {
        Ok(())
    } else {
        Err(Error::Forbidden("Your role does not reach records of this kind."))
    }
}

/// A record that is about to be created.
pub struct New {
    /// Its id.
    pub id: RecordId,
    /// Its fields.
    pub fields: Fields,
}

/// The first version of a record.
///
/// # Errors
/// [`Error::Forbidden`] for a kind that the caller's role does not reach.
pub fn first_version(permit: &Permit, new: &New, now: jiff::Timestamp) -> Result<Record> {
    kind_must_be_reached(permit, new.id.kind())?;
    let tenant = permit.tenant();
    let key = keys::record(tenant, new.id);
    let facts = RecordFacts {
        kind: new.id.kind(),
        status: rules::status(&new.fields),
        created_by: Some(permit.actor()),
        created_at: now,
        updated_at: now,
        deleted_at: None,
        g1pk: key.partition().to_owned(),
        g1sk: keys::updated_sort(now, new.id),
    };
    Ok(Item::sealed(key, facts, RecordPayload(encode(&new.fields)?)))
}

fn encode(fields: &Fields) -> Result<Value> {
    serde_json::to_value(fields).map_err(|error| Error::internal(format!("fields do not encode: {error}")))
}

/// The steps that create a record: the record, its event, its guards.
///
/// # Errors
/// Only when an item does not encode.
pub fn add_creation(
    ctx: &Ctx,
    transaction: &mut Transaction,
    permit: &Permit,
    data_key: &DataKey,
    new: &New,
    record: &Record,
) -> Result<()> {
    transaction.create_sealed("record", record, data_key, ctx.entropy.as_ref())?;
    let changes = rules::changes(&Value::Null, &record.payload.0);
    let event = creation_event(new.id);
    let facts = EventFacts {
        action: Action::Created,
        at: record.facts.created_at,
        actor: permit.actor(),
        record_version: record.version,
    };
    let item = Item::sealed(
        keys::event(permit.tenant(), new.id, event),
        facts,
        EventPayload { changes },
    );
    transaction.create_sealed("event", &item, data_key, ctx.entropy.as_ref())?;
    for unique in rules::uniques(&new.fields) {
        let guard = Item::plain(
            guard_key(permit.tenant(), new.id.kind(), &unique, data_key),
            UniqueGuard { record: new.id },
        );
        transaction.create(unique.field, &guard)?;
    }
    Ok(())
}

fn guard_key(tenant: Tenant, kind: Kind, unique: &Unique, data_key: &DataKey) -> Key {
    keys::unique(
        tenant,
        kind,
        unique.field,
        &data_key.digest(unique.field, &unique.value),
    )
}

/// The violation of a rejected guard.
pub fn taken(rejection: &Rejection, kind: Kind) -> Option<Error> {
    let field = match rejection.label {
        "record" | "event" | "answer" => return None,
        field => field,
    };
    Some(Error::conflict(
        &format!("/fields/{field}"),
        format!("Another {kind} has this {field} already."),
    ))
}

/// Creates a record with its event, its guards and the stored answer in one transaction.
///
/// # Errors
/// [`Error::Conflict`] when a unique value is taken.
pub async fn create(
    ctx: &Ctx,
    member: &Member,
    new: &New,
    record: &Record,
    replay: Option<Replay<'_>>,
) -> Result<Creation> {
    let data_key = member.key(Class::Content)?;
    let mut transaction = Transaction::new();
    add_creation(ctx, &mut transaction, &member.permit, data_key, new, record)?;
    if let Some(replay) = &replay {
        add_answer(ctx, &mut transaction, replay, data_key)?;
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(Creation::Created),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(rejections)) => {
            if let Some(answer) = answered_meanwhile(ctx, replay.as_ref(), &rejections, data_key)? {
                return Ok(Creation::Answered(answer));
            }
            let conflict = rejections
                .iter()
                .find_map(|rejection| taken(rejection, new.id.kind()));
            Err(conflict.unwrap_or_else(|| Error::unavailable("a creation met another one")))
        }
    }
}

/// Adds the answer that a repetition of the request will get.
///
/// # Errors
/// Only when the item does not encode.
pub fn add_answer(
    ctx: &Ctx,
    transaction: &mut Transaction,
    replay: &Replay<'_>,
    data_key: &DataKey,
) -> Result<()> {
    let now = ctx.now();
    let item = replay.idempotency.item(replay.answer.clone(), now);
    transaction.put_sealed_if(
        "answer",
        &item,
        data_key,
        ctx.entropy.as_ref(),
        &Idempotency::condition(now),
    )
}

/// The answer of the request that came at the same time and won.
///
/// # Errors
/// [`Error::IdempotencyMismatch`] when that was another request.
pub fn answered_meanwhile(
    ctx: &Ctx,
    replay: Option<&Replay<'_>>,
    rejections: &[Rejection],
    data_key: &DataKey,
) -> Result<Option<StoredAnswer>> {
    let Some(replay) = replay else { return Ok(None) };
    let Some(rejection) = rejections.iter().find(|rejection| rejection.label == "answer") else {
        return Ok(None);
    };
    replay
        .idempotency
        .answered(rejection.found.as_ref(), data_key, ctx.now())
}

/// Replaces a record's fields.
///
/// # Errors
/// [`Error::Stale`] when it changed at the same time, [`Error::Conflict`] when a unique value is taken.
pub async fn update(
    ctx: &Ctx,
    member: &Member,
    id: RecordId,
    before: &Record,
    fields: &Fields,
) -> Result<Record> {
    let (data_key, tenant, now) = (member.key(Class::Content)?, member.permit.tenant(), ctx.now());
    let after_fields = encode(fields)?;
    let changes = rules::changes(&before.payload.0, &after_fields);
    if changes.is_empty() {
        return Ok(before.clone());
    }
    let old = rules::uniques(&Fields::parse(id.kind(), before.payload.0.clone(), "")?);
    let new = rules::uniques(fields);
    let mut after = before.clone();
    after.version += 1;
    after.facts.status = rules::status(fields);
    after.facts.updated_at = now;
    after.facts.g1sk = keys::updated_sort(now, id);
    after.payload = RecordPayload(after_fields);
    let mut transaction = Transaction::new();
    transaction.replace_sealed("record", &after, data_key, ctx.entropy.as_ref())?;
    add_event(
        ctx,
        &mut transaction,
        member,
        id,
        Action::Updated,
        after.version,
        EventPayload { changes },
    )?;
    for unique in old.iter().filter(|unique| !new.contains(unique)) {
        transaction.delete("old", &guard_key(tenant, id.kind(), unique, data_key));
    }
    for unique in new.iter().filter(|unique| !old.contains(unique)) {
        let guard = Item::plain(
            guard_key(tenant, id.kind(), unique, data_key),
            UniqueGuard { record: id },
        );
        transaction.create(unique.field, &guard)?;
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(after),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(rejections)) => {
            let conflict = rejections
                .iter()
                .find_map(|rejection| taken(rejection, id.kind()));
            Err(conflict.unwrap_or(Error::Stale {
                current: before.version + 1,
            }))
        }
    }
}

/// Adds an event to a record's timeline.
///
/// # Errors
/// Only when the item does not encode.
pub fn add_event(
    ctx: &Ctx,
    transaction: &mut Transaction,
    member: &Member,
    record: RecordId,
    action: Action,
    record_version: u64,
    payload: EventPayload,
) -> Result<()> {
    let now = ctx.now();
    // Events of one millisecond sort by the version that they made.
    let mut random = ctx.id_bytes();
    random[..2].copy_from_slice(&(record_version as u16 & 0x0fff).to_be_bytes());
    let event = EventId::new(now, random);
    let facts = EventFacts {
        action,
        at: now,
        actor: member.permit.actor(),
        record_version,
    };
    let item = Item::sealed(keys::event(member.permit.tenant(), record, event), facts, payload);
    transaction.create_sealed("event", &item, member.key(Class::Content)?, ctx.entropy.as_ref())
}

/// Deletes a record: from one transaction on it is gone for everybody; then its attachments' bytes and its events go,
/// which hold earlier values. A deletion that was cut off goes on when it is repeated.
///
/// # Errors
/// [`Error::Stale`] when the record changed at the same time.
pub async fn delete(
    ctx: &Ctx,
    member: &Member,
    id: RecordId,
    expected: impl Fn(&Record) -> Result<()>,
) -> Result<()> {
    let data_key = member.key(Class::Content)?;
    let before = member
        .item(&key(member.permit.tenant(), id))?
        .open::<RecordPayload>(data_key)?;
    if !is_reached(member.permit.reach(), &before.facts) {
        return Err(Error::NotFound);
    }
    if before.facts.deleted_at.is_none() {
        expected(&before)?;
        bury(ctx, member, id, &before).await?;
    }
    let tenant = member.permit.tenant();
    attachments::store::delete_all_of(ctx, tenant, id).await?;
    let mut query = Query::new(keys::events_of(tenant, id), 100);
    loop {
        let page = ctx.store.query(&query).await?;
        let mut keys = Vec::new();
        for raw in page.items {
            // That the record was deleted, by whom and when, stays on record; it holds no values.
            if raw.facts::<EventPayload>()?.action != Action::Deleted {
                keys.push(raw.key);
            }
        }
        ctx.store.delete_all(&keys, ctx.entropy.as_ref()).await?;
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    ctx.store
        .delete_all(&[key(tenant, id)], ctx.entropy.as_ref())
        .await
}

async fn bury(ctx: &Ctx, member: &Member, id: RecordId, before: &Record) -> Result<()> {
    let (data_key, tenant, now) = (member.key(Class::Content)?, member.permit.tenant(), ctx.now());
    let mut tombstone = before.clone();
    tombstone.version += 1;
    tombstone.facts.updated_at = now;
    tombstone.facts.deleted_at = Some(now);
    tombstone.payload = RecordPayload(Value::Null);
    let mut transaction = Transaction::new();
    transaction.replace_sealed("record", &tombstone, data_key, ctx.entropy.as_ref())?;
    let payload = EventPayload { changes: Vec::new() };
    add_event(
        ctx,
        &mut transaction,
        member,
        id,
        Action::Deleted,
        tombstone.version,
        payload,
    )?;
    for unique in rules::uniques(&Fields::parse(id.kind(), before.payload.0.clone(), "")?) {
        transaction.delete("old", &guard_key(tenant, id.kind(), &unique, data_key));
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(_)) => Err(Error::Stale {
            current: before.version + 1,
        }),
    }
}
