//! The sessions that somebody has open: seen and ended by themselves, or ended by an administrator.

use super::model::Session;
use super::sessions::{end_all, end_these, is_alive, live};
use super::store::Account;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Member, Person, Role};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::Membership;
use crate::outbox::send::Outgoing;
use crate::outbox::templates::Template;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction};

/// The key of a session, for the round trip that authenticates.
pub fn key(user: UserId, session: SessionId) -> Key {
    keys::session(user, session)
}

/// The key of a membership, for the round trip that authenticates.
pub fn membership_key(tenant: Tenant, user: UserId) -> Key {
    keys::membership(tenant, user)
}

/// The sessions of a person that are alive, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, person: &Person) -> Result<Vec<(SessionId, Item<Session>)>> {
    let mut open = Vec::new();
    for raw in ctx.store.query_all(keys::live_sessions(person.user)).await? {
        let item = raw.open::<Session>(&person.key)?;
        let id = raw.key.sort().parse();
        let id = id.map_err(|_| Error::internal("a session without an id"))?;
        if is_alive(&item.facts, ctx.now()) {
            open.push((id, item));
        }
    }
    open.sort_by_key(|(_, item)| std::cmp::Reverse(item.facts.created_at));
    Ok(open)
}

/// Ends one of a person's sessions, perhaps the one that asks.
///
/// # Errors
/// [`Error::NotFound`] when the person has no such session.
pub async fn end(ctx: &Ctx, member: &Member, session: SessionId, source: &Source) -> Result<()> {
    let person = member.person()?;
    let key = keys::session(person.user, session);
    if !is_alive(&member.item(&key)?.facts::<Session>()?, ctx.now()) {
        return Err(Error::NotFound);
    }
    let mut transaction = Transaction::new();
    transaction.delete_if("session", &key, &Condition::present());
    let (owner, object) = ((person.user, &person.key), Some(session.to_string()));
    activity::of_account(
        ctx,
        &mut transaction,
        owner,
        ActivityKind::SessionEnded,
        object,
        source,
    )?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::NotFound),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Ends all of a person's sessions but the one that asks, and says how many they were.
///
/// # Errors
/// When the store does not answer.
pub async fn end_others(ctx: &Ctx, person: &Person, source: &Source) -> Result<usize> {
    let mut transaction = Transaction::new();
    let ended = end_all(ctx, &mut transaction, person.user, Some(person.session)).await?;
    if ended > 0 {
        let owner = (person.user, &person.key);
        activity::of_account(
            ctx,
            &mut transaction,
            owner,
            ActivityKind::SessionsEnded,
            None,
            source,
        )?;
        ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    }
    Ok(ended)
}

/// Ends the sessions that a member has for the caller's organisation, and says how many they were. Those for other
/// organisations are not the caller's to end.
///
/// # Errors
/// [`Error::NotFound`] for who is no member; [`Error::Forbidden`] when the member is an owner and the caller is not.
pub async fn end_of_member(ctx: &Ctx, member: &Member, user: UserId) -> Result<(usize, Option<Outgoing>)> {
    let (tenant, actor) = (member.permit.tenant(), member.permit.actor());
    let membership_key = keys::membership(tenant, user);
    let membership = member.item(&membership_key)?.decode::<Membership>()?;
    if membership.facts.role == Role::Owner && member.permit.role() != Some(Role::Owner) {
        return Err(Error::Forbidden("Only an owner may end an owner's sessions."));
    }
    let mut transaction = Transaction::new();
    let here = live(ctx, user).await?.into_iter();
    let here = here
        .filter(|(_, facts)| facts.org == tenant.org())
        .map(|(key, _)| key);
    let ended = end_these(&mut transaction, here)?;
    if ended == 0 {
        return Ok((0, None));
    }
    let unchanged = Condition::version(membership.version);
    transaction.check("membership", &membership_key, &unchanged);
    let (kind, object) = (ActivityKind::SessionsEnded, Some(user.to_string()));
    activity::of_organisation(ctx, &mut transaction, tenant, kind, Some(actor), object)?;
    let mut outgoing = None;
    if let Some(account) = Account::read(ctx, user).await? {
        let owner = (user, account.key());
        activity::of_account_by(ctx, &mut transaction, owner, kind, actor, None)?;
        outgoing = Some(account.queue(ctx, &mut transaction, Template::SessionsEndedByAdmin)?);
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok((ended, outgoing)),
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "",
            "The member changed at the same time; look at them again.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}
