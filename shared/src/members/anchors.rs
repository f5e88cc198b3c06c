//! The accounts of the members of a cancelled organisation: whoever is in no other that lives goes with it.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::own;
use super::store::user_of;
use crate::ctx::Ctx;
use crate::erasure::model::{Unit, UnitState};
use crate::erasure::units::{self, AT_CANCELLATION};
use crate::error::{Error, Result};
use crate::ids::{OrgId, UserId};
use crate::keys::{self, Tenant};
use crate::organisations::model::{OrganisationProfile, Subscription};
use crate::store::{Commit, Query, Transaction};
use crate::unit::UnitId;

/// How many accounts are anchored in one transaction: each is a unit and up to two due rows.
const PER_TRANSACTION: u32 = 30;

/// How many people's organisations are looked up at the same time.
const AT_ONCE: usize = 8;

/// How often a page is done again when an account changed under it.
const ATTEMPTS: u32 = 5;

/// Whether a person is in another organisation than `org` whose subscription was not cancelled.
///
/// # Errors
/// When the store does not answer.
pub async fn lives_elsewhere(ctx: &Ctx, user: UserId, org: OrgId) -> Result<bool> {
    let others = own::belongings(ctx, user).await?.into_iter();
    let wanted: Vec<_> = others
        .filter(|other| *other != org)
        .map(|other| keys::organisation(Tenant::new(other)))
        .collect();
    if wanted.is_empty() {
        return Ok(false);
    }
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    for raw in found.values() {
        if raw.facts::<OrganisationProfile>()?.subscription != Subscription::Cancelled {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Anchors the accounts of all members at the cancellation of their organisation, but for those who are in another one
/// that lives; or, with `None`, takes the anchors of all away. What is so already is left alone, so that a repetition
/// finishes what was cut off.
///
/// # Errors
/// When the store does not answer; some pages may be done.
pub async fn of_members(ctx: &Ctx, tenant: Tenant, at: Option<Timestamp>) -> Result<()> {
    let mut query = Query::new(keys::memberships(tenant), PER_TRANSACTION);
    loop {
        let page = ctx.store.query(&query).await?;
        let users = page.items.iter().map(|raw| user_of(&raw.key));
        let mut users: Vec<_> = users.collect::<Result<_>>()?;
        if at.is_some() {
            users = only_here(ctx, users, tenant.org()).await?;
        }
        anchor(ctx, &users, at).await?;
        if page.next.is_none() {
            return Ok(());
        }
        query = query.after(page.next);
    }
}

async fn only_here(ctx: &Ctx, users: Vec<UserId>, org: OrgId) -> Result<Vec<UserId>> {
    let judged = stream::iter(users)
        .map(|user| async move { Ok::<_, Error>((user, lives_elsewhere(ctx, user, org).await?)) })
        .buffer_unordered(AT_ONCE);
    let judged: Vec<_> = judged.try_collect().await?;
    let here = judged.into_iter().filter(|(_, elsewhere)| !elsewhere);
    Ok(here.map(|(user, _)| user).collect())
}

async fn anchor(ctx: &Ctx, users: &[UserId], at: Option<Timestamp>) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let mut transaction = Transaction::new();
        add(ctx, &mut transaction, users, at).await?;
        if transaction.is_empty() {
            return Ok(());
        }
        match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => return Ok(()),
            // A hold or an erasure came between; look again.
            Err(Commit::Rejected(_)) => {}
            Err(Commit::Failed(error)) => return Err(error),
        }
    }
    Err(Error::unavailable("the accounts kept changing"))
}

/// Adds the anchors of people's accounts to a transaction.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn add(
    ctx: &Ctx,
    transaction: &mut Transaction,
    users: &[UserId],
    at: Option<Timestamp>,
) -> Result<()> {
    let wanted: Vec<_> = users.iter().map(|&user| keys::unit(UnitId::User(user))).collect();
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    for raw in found.values() {
        let row = raw.decode::<Unit>()?;
        if row.facts.state == UnitState::Live {
            units::anchor(transaction, ctx.policy(), &row, at, AT_CANCELLATION)?;
        }
    }
    Ok(())
}
