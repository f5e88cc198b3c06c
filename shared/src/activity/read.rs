//! Activity logs as they are read: newest first, without what is older than they are kept.

use jiff::Timestamp;

use super::model::{AccountActivity, ActivityFacts, ActivityKind, OrganisationActivity};
use super::store::{self, KEPT};
use crate::auth::{Permit, Person};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{ActivityId, ActorId};
use crate::keys::{self, Partition};
use crate::store::{After, Condition, Item, Page, Query, Raw, Transaction};

/// The most entries of one export.
pub const MAX_EXPORT: usize = 10_000;

/// After how many pages that a filter emptied a list gives what it has, so that no request goes through a whole log.
const MAX_EMPTY_PAGES: usize = 20;

/// Which entries are wanted; an empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of these kinds.
    pub kinds: Vec<ActivityKind>,
    /// What this actor did.
    pub actor: Option<ActorId>,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Until this instant, to its millisecond.
    pub to: Option<Timestamp>,
}

impl Filter {
    fn condition(&self) -> Option<Condition> {
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|kind| Condition::one_of("kind", kind.as_str()));
        let kinds = kinds.reduce(Condition::or);
        let actor = self
            .actor
            .map(|actor| Condition::text("actor", actor.to_string()));
        [kinds, actor].into_iter().flatten().reduce(Condition::and)
    }
}

/// A page of an organisation's log, newest first. A page shorter than the limit is not the last one unless it says so.
///
/// # Errors
/// When the store does not answer.
pub async fn of_organisation(
    ctx: &Ctx,
    permit: &Permit,
    filter: &Filter,
    (limit, after): (u32, Option<After>),
) -> Result<(Vec<(ActivityId, ActivityFacts)>, Option<After>)> {
    let partition = keys::organisation_activities(permit.tenant());
    let page = page(ctx, partition, filter, (limit, after)).await?;
    let entries = page.items.iter().map(entry).collect::<Result<_>>()?;
    Ok((entries, page.next))
}

/// A page of a person's own log, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn of_account(
    ctx: &Ctx,
    person: &Person,
    place: (u32, Option<After>),
) -> Result<(Vec<(ActivityId, Item<AccountActivity>)>, Option<After>)> {
    let partition = keys::account_activities(person.user);
    let page = page(ctx, partition, &Filter::default(), place).await?;
    let open = |raw: &Raw| Ok((id(raw)?, raw.open::<AccountActivity>(&person.key)?));
    let entries = page.items.iter().map(open).collect::<Result<_>>()?;
    Ok((entries, page.next))
}

/// All entries that are wanted, newest first, for a file. That they were exported becomes an entry itself, before
/// anybody gets the file.
///
/// # Errors
/// [`Error::Invalid`] when they are more than [`MAX_EXPORT`]: an export that silently lacks some is worse than none.
pub async fn export(ctx: &Ctx, permit: &Permit, filter: &Filter) -> Result<Vec<(ActivityId, ActivityFacts)>> {
    let entries = all(ctx, permit, filter).await?;
    let mut transaction = Transaction::new();
    let (actor, kind) = (Some(permit.actor()), ActivityKind::ActivityExported);
    store::of_organisation(ctx, &mut transaction, permit.tenant(), kind, actor, None)?;
    ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    Ok(entries)
}

async fn all(ctx: &Ctx, permit: &Permit, filter: &Filter) -> Result<Vec<(ActivityId, ActivityFacts)>> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let (mut page, next) = of_organisation(ctx, permit, filter, (1_000, after)).await?;
        entries.append(&mut page);
        if entries.len() > MAX_EXPORT {
            let detail =
                format!("There are more than {MAX_EXPORT} entries. Export them in parts, with at=from..to.");
            return Err(Error::invalid("?at", detail));
        }
        if next.is_none() {
            return Ok(entries);
        }
        after = next;
    }
}

fn entry(raw: &Raw) -> Result<(ActivityId, ActivityFacts)> {
    Ok((id(raw)?, raw.decode::<OrganisationActivity>()?.facts.0))
}

fn id(raw: &Raw) -> Result<ActivityId> {
    let id = raw.key.sort().parse();
    id.map_err(|_| Error::internal("an entry of a log without an id"))
}

async fn page(
    ctx: &Ctx,
    partition: Partition,
    filter: &Filter,
    (limit, after): (u32, Option<After>),
) -> Result<Page> {
    const NOTHING: Page = Page {
        items: Vec::new(),
        next: None,
    };
    // An id begins with the instant, so the keys say what is too old, whether the table has deleted it or not.
    let expired = ctx.now().as_millisecond() - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let oldest = Timestamp::from_millisecond(expired + 1).unwrap_or(Timestamp::MIN);
    let oldest = filter.from.map_or(oldest, |from| from.max(oldest));
    let newest = filter.to.unwrap_or(Timestamp::MAX);
    let since = ActivityId::new(oldest, [0; 10]).to_string();
    let until = ActivityId::new(newest, [0xff; 10]).to_string();
    // A page that begins behind what is too old by now has nothing on it, and DynamoDB refuses such a place.
    let is_over = after.as_ref().is_some_and(|after| after.item < since);
    if oldest > newest || is_over {
        return Ok(NOTHING);
    }
    let mut query = Query::new(partition, limit)
        .backwards(true)
        .since(since)
        .until(until)
        .filter(filter.condition())
        .after(after);
    for _ in 1..MAX_EMPTY_PAGES {
        let page = ctx.store.query(&query).await?;
        if page.next.is_none() || !page.items.is_empty() {
            return Ok(page);
        }
        query = query.after(page.next);
    }
    ctx.store.query(&query).await
}
