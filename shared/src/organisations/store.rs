//! Organisations in the tables, and the decisions that end them.

use jiff::Timestamp;

use super::model::{BillingDetails, BillingFacts, OrganisationFacts, OrganisationProfile, Subscription};
use crate::accounts::store::Account;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::erasure::engine::{self, Begun, Order};
use crate::erasure::model::Unit;
use crate::erasure::units::{self, AT_CANCELLATION, AT_DELETION};
use crate::error::{Error, Result};
use crate::ids::{ActorId, OrgId};
use crate::keys;
use crate::ledger::Trigger;
use crate::members::{anchors, leaving};
use crate::outbox::send::Outgoing;
use crate::outbox::templates::Template;
use crate::policy::{Class, Fate, LifecycleEvent};
use crate::retention::Due;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction};
use crate::stored;
use crate::unit::UnitId;

/// When a class of data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retained {
    /// The class.
    pub class: Class,
    /// The instants.
    pub due: Due,
}

fn units_of(org: OrgId) -> Vec<UnitId> {
    stored::classes_of_organisation()
        .into_iter()
        .map(|class| UnitId::Organisation(org, class))
        .collect()
}

/// The caller's organisation, as it was read when the caller was authenticated.
///
/// # Errors
/// When its account data is not there, or cannot be opened.
pub fn read(member: &Member) -> Result<Item<OrganisationProfile>> {
    member
        .organisation()?
        .open::<OrganisationProfile>(member.key(Class::Account)?)
}

/// Adds a changed organisation to a transaction. The number of owners is not changed this way: one that changed meanwhile,
/// without a new version, must not come back.
///
/// # Errors
/// Only when the item does not encode.
pub fn put(
    ctx: &Ctx,
    transaction: &mut Transaction,
    member: &Member,
    item: &Item<OrganisationProfile>,
) -> Result<()> {
    let unchanged = Condition::version(item.version - 1).and(Condition::number("owners", item.facts.owners));
    let key = member.key(Class::Account)?;
    transaction.put_sealed_if("organisation", item, key, ctx.entropy.as_ref(), &unchanged)
}

/// Writes a changed organisation.
///
/// # Errors
/// [`Error::Stale`] when it changed at the same time.
pub async fn replace(ctx: &Ctx, member: &Member, item: &Item<OrganisationProfile>) -> Result<()> {
    let mut transaction = Transaction::new();
    put(ctx, &mut transaction, member, item)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::Stale {
            current: item.version,
        }),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Cancels the subscription: the term ends, the periods of the policy begin, and the owner is told the dates.
///
/// # Errors
/// [`Error::Conflict`] when it is cancelled already.
pub async fn cancel(
    ctx: &Ctx,
    member: &Member,
) -> Result<(Item<OrganisationProfile>, Vec<Retained>, Outgoing)> {
    let tenant = member.permit.tenant();
    if let Some(at) = organisation(member)?.cancelled_at {
        // An earlier attempt may have been cut off before it reached every member.
        anchors::of_members(ctx, tenant, Some(at)).await?;
        return Err(Error::conflict(
            "/subscription",
            "The subscription is cancelled already.",
        ));
    }
    let now = ctx.now();
    let (item, retained, mut transaction) = change(ctx, member, Some(now)).await?;
    let account = Account::read(ctx, member.person()?.user)
        .await?
        .ok_or(Error::NotFound)?;
    let outgoing = account.queue(
        ctx,
        &mut transaction,
        Template::Cancelled {
            dates: dates(ctx, &retained),
        },
    )?;
    commit(ctx, transaction).await?;
    anchors::of_members(ctx, tenant, Some(now)).await?;
    Ok((item, retained, outgoing))
}

/// Resumes a cancelled subscription: no period runs any more.
///
/// # Errors
/// [`Error::Conflict`] when it is not cancelled.
pub async fn resume(ctx: &Ctx, member: &Member) -> Result<Item<OrganisationProfile>> {
    if organisation(member)?.subscription != Subscription::Cancelled {
        return Err(Error::conflict(
            "/subscription",
            "The subscription is not cancelled.",
        ));
    }
    // First the members: an attempt that is cut off leaves nobody on the way out of an organisation that lives.
    anchors::of_members(ctx, member.permit.tenant(), None).await?;
    let (item, _, transaction) = change(ctx, member, None).await?;
    commit(ctx, transaction).await?;
    Ok(item)
}

fn organisation(member: &Member) -> Result<&OrganisationFacts> {
    member.organisation_facts().ok_or(Error::NotFound)
}

async fn commit(ctx: &Ctx, transaction: Transaction) -> Result<()> {
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "/subscription",
            "The organisation changed at the same time; look at it again.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// The transaction that cancels, or resumes, with every unit's anchor. The account of who asks follows the organisation,
/// as those of the other members do, unless the person is in another one that lives.
async fn change(
    ctx: &Ctx,
    member: &Member,
    cancelled_at: Option<Timestamp>,
) -> Result<(Item<OrganisationProfile>, Vec<Retained>, Transaction)> {
    let key = member.key(Class::Account)?;
    let mut item = member.organisation()?.open::<OrganisationProfile>(key)?;
    item.version += 1;
    item.facts.updated_at = ctx.now();
    item.facts.cancelled_at = cancelled_at;
    item.facts.subscription = if cancelled_at.is_some() {
        Subscription::Cancelled
    } else {
        Subscription::Active
    };
    let mut transaction = Transaction::new();
    put(ctx, &mut transaction, member, &item)?;
    let (org, user) = (member.permit.org(), member.person()?.user);
    let mut all = units_of(org);
    if cancelled_at.is_none() || !anchors::lives_elsewhere(ctx, user, org).await? {
        all.push(UnitId::User(user));
    }
    let unit_keys: Vec<_> = all.iter().map(|&unit| keys::unit(unit)).collect();
    let found = ctx.store.get(&unit_keys, ctx.entropy.as_ref()).await?;
    let mut retained = Vec::new();
    for (unit, key) in all.iter().zip(&unit_keys) {
        let Some(raw) = found.get(key) else { continue };
        let row = raw.decode::<Unit>()?;
        let due = units::anchor(
            &mut transaction,
            ctx.policy(),
            &row,
            cancelled_at,
            AT_CANCELLATION,
        )?;
        if let (Some(due), UnitId::Organisation(_, class)) = (due, unit) {
            retained.push(Retained { class: *class, due });
        }
    }
    Ok((item, retained, transaction))
}

/// The dates of a cancellation in the operator's words.
fn dates(ctx: &Ctx, retained: &[Retained]) -> Vec<(String, String)> {
    let policy = ctx.policy();
    retained
        .iter()
        .map(|retained| {
            let at = retained.due.erase_at.to_zoned(policy.time_zone().clone());
            (
                policy.category(retained.class).title().to_owned(),
                at.date().to_string(),
            )
        })
        .collect()
}

/// Closes the organisation: what the policy lets go is unreadable when this returns, the rest is restricted.
///
/// # Errors
/// When the store does not answer.
pub async fn close(ctx: &Ctx, member: &Member) -> Result<Begun> {
    let policy = ctx.policy();
    let fate = |unit: UnitId| policy.on(unit.class(), LifecycleEvent::OrganisationDeletion);
    let units = units_of(member.permit.org())
        .into_iter()
        .map(|unit| (unit, fate(unit)))
        .collect();
    let order = Order {
        trigger: Trigger::OrganisationDeletion,
        units,
        events: AT_DELETION,
    };
    engine::begin(ctx, &order).await
}

/// Deletes the user's account, after the person left every organisation. Where the policy promises that content goes with
/// the person, an organisation in which nobody else is goes in the same transaction (TRK-7); elsewhere its last owner must
/// close it, or hand it over, first.
///
/// # Errors
/// [`Error::Conflict`], before anything is changed, for the owner of an organisation that would be left without one;
/// [`Error::Forbidden`] for staff, whose accounts the operator ends.
pub async fn delete_account(ctx: &Ctx, member: &Member, source: &Source) -> Result<Begun> {
    let policy = ctx.policy();
    let person = member.person()?;
    if member.optional(&keys::staff(person.user)).is_some() {
        return Err(Error::Forbidden("The operator ends the accounts of its staff."));
    }
    let fate = |unit: UnitId| policy.on(unit.class(), LifecycleEvent::AccountDeletion);
    let with_the_person = policy.on(Class::Content, LifecycleEvent::AccountDeletion) == Fate::Erase;
    let going = leaving::leave_all(ctx, person, with_the_person, source).await?;
    let mut units = vec![(UnitId::User(person.user), Fate::Erase)];
    for org in going {
        units.extend(units_of(org).into_iter().map(|unit| (unit, fate(unit))));
    }
    let order = Order {
        trigger: Trigger::AccountDeletion,
        units,
        events: AT_DELETION,
    };
    engine::begin(ctx, &order).await
}

/// The key of the data key of the organisation's account: whether the organisation is there.
pub fn account_key(tenant: keys::Tenant) -> keys::Key {
    keys::data_key(UnitId::Organisation(tenant.org(), Class::Account))
}

/// What the deletion of an account looks at, for the round trip that authenticates.
pub fn deletion_keys(actor: ActorId) -> Vec<keys::Key> {
    match actor {
        ActorId::User(user) => vec![keys::staff(user)],
        ActorId::Service(_) => Vec::new(),
    }
}

/// When which class of a cancelled organisation's data is erased.
pub fn retained(ctx: &Ctx, member: &Member, cancelled_at: Option<Timestamp>) -> Vec<Retained> {
    let Some(at) = cancelled_at else { return Vec::new() };
    units_of(member.permit.org())
        .into_iter()
        .filter_map(|unit| {
            let due = units::due(ctx.policy(), unit, at, AT_CANCELLATION)?;
            Some(Retained {
                class: unit.class(),
                due,
            })
        })
        .collect()
}

/// The key of the billing details, for the round trip that authenticates.
pub fn billing_key(tenant: keys::Tenant) -> keys::Key {
    keys::billing(tenant)
}

/// Writes billing details.
///
/// # Errors
/// [`Error::Stale`] when they changed at the same time.
pub async fn put_billing(
    ctx: &Ctx,
    member: &Member,
    before: u64,
    details: BillingDetails,
) -> Result<Item<BillingDetails>> {
    let facts = BillingFacts {
        updated_at: ctx.now(),
    };
    let item = Item {
        key: billing_key(member.permit.tenant()),
        version: before + 1,
        facts,
        payload: details,
    };
    let condition = if before == 0 {
        Condition::absent()
    } else {
        Condition::version(before)
    };
    let mut transaction = Transaction::new();
    let key = member.key(Class::Billing)?;
    transaction.put_sealed_if("billing", &item, key, ctx.entropy.as_ref(), &condition)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(item),
        Err(Commit::Rejected(_)) => Err(Error::Stale {
            current: item.version,
        }),
        Err(Commit::Failed(error)) => Err(error),
    }
}
