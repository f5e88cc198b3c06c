//! Lists of records, and their timelines.

use super::fields::AssetStatus;
use super::model::{EventPayload, Kind, RecordId, RecordPayload};
use super::store::{Record, is_reached, kind_must_be_reached};
use crate::auth::{Member, Reach};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::keys::{self, Tenant};
use crate::policy::Class;
use crate::seal::DataKey;
use crate::store::{After, Condition, Index, Item, Query};

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By time of creation; strongly consistent.
    Created,
    /// By time of the last change; a change shows up a moment later.
    Updated,
}

/// What a list shows.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Which kind.
    pub kind: Kind,
    /// Only these statuses; all when empty.
    pub statuses: Vec<AssetStatus>,
    /// In which order.
    pub sort: Sort,
    /// Newest first.
    pub backwards: bool,
    /// How many at most.
    pub limit: u32,
    /// Behind which place.
    pub after: Option<After>,
}

/// Lists records. A page shorter than the limit is not the last one unless it says so.
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, member: &Member, list: &ListQuery) -> Result<(Vec<Record>, Option<After>)> {
    kind_must_be_reached(&member.permit, list.kind)?;
    let data_key = member.key(Class::Content)?;
    list_within(ctx, member.permit.tenant(), data_key, member.permit.reach(), list).await
}

/// Lists the records that `reach` covers.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn list_within(
    ctx: &Ctx,
    tenant: Tenant,
    data_key: &DataKey,
    reach: &Reach,
    list: &ListQuery,
) -> Result<(Vec<Record>, Option<After>)> {
    let mut filter = Condition::missing("deleted_at");
    let statuses = list
        .statuses
        .iter()
        .map(|status| Condition::one_of("status", status.as_str()));
    if let Some(any) = statuses.reduce(Condition::or) {
        filter = filter.and(any);
    }
    if let Some(own) = reach.own {
        filter = filter.and(Condition::text("created_by", own.to_string()));
    }
    let partition = keys::records(tenant, list.kind);
    let by_update = list.sort == Sort::Updated;
    let mut query = Query::new(partition, list.limit)
        .backwards(list.backwards)
        .after(list.after.clone());
    query = if by_update {
        query.index(Index::ByUpdate)
    } else {
        query.filter(Some(filter))
    };
    let mut records: Vec<Record> = Vec::new();
    loop {
        let page = ctx.store.query(&query).await?;
        let items = if by_update {
            let keys: Vec<_> = page.items.iter().map(|raw| raw.key.clone()).collect();
            let mut found = ctx.store.get(&keys, ctx.entropy.as_ref()).await?;
            keys.iter().filter_map(|key| found.remove(key)).collect()
        } else {
            page.items
        };
        for raw in items {
            let record = raw.open::<RecordPayload>(data_key)?;
            let status_is_right = list.statuses.is_empty()
                || record
                    .facts
                    .status
                    .is_some_and(|status| list.statuses.contains(&status));
            let shown = record.facts.deleted_at.is_none() && is_reached(reach, &record.facts);
            if shown && status_is_right {
                records.push(record);
            }
        }
        // With a filter a page may be empty and not the last; go on until there is something to show.
        if page.next.is_none() || !records.is_empty() {
            return Ok((records, page.next));
        }
        query = query.after(page.next);
    }
}

/// A page of a record's timeline, oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn timeline(
    ctx: &Ctx,
    member: &Member,
    record: RecordId,
    limit: u32,
    after: Option<After>,
) -> Result<(Vec<Item<EventPayload>>, Option<After>)> {
    let data_key = member.key(Class::Content)?;
    let query = Query::new(keys::events_of(member.permit.tenant(), record), limit).after(after);
    let page = ctx.store.query(&query).await?;
    let events = page
        .items
        .iter()
        .map(|raw| raw.open::<EventPayload>(data_key))
        .collect::<Result<_>>()?;
    Ok((events, page.next))
}
