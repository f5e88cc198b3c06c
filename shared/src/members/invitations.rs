//! Invitations: written, sent, sent again, taken back. How one is accepted is in [`super::accept`].

use jiff::{SignedDuration, Timestamp};

use super::model::{Invitation, InvitationDue, InvitationFacts, InvitationGuard};
use super::rules;
use super::store::{commit, name, standing, still_allowed};
use crate::accounts::store::{email_digest, owner_of};
use crate::activity::model::ActivityKind;
use crate::activity::store::note;
use crate::auth::{InvitationCode, Member, Role};
use crate::ctx::Ctx;
use crate::email::Email;
use crate::error::{Error, Result};
use crate::ids::{InvitationId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::policy::Class;
use crate::retention::HourBucket;
use crate::store::{After, Commit, Condition, Item, Query, Transaction};
use crate::unit::UnitId;

/// How long a code is good.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// For how long one that nobody accepted is kept after that, so that it can be sent again. Then the address, which is of
/// somebody who never agreed to anything, is deleted.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The most invitations that wait at the same time (I-25).
pub const MAX_OPEN: u32 = 100;

/// How often one invitation is sent at most (I-25).
pub const MAX_SENT: u32 = 5;

/// An invitation as it is stored.
pub type Stored = Item<Invitation>;

/// The key of an invitation, for the round trip that authenticates.
pub fn key(tenant: Tenant, invitation: InvitationId) -> Key {
    keys::invitation(tenant, invitation)
}

/// The id of an invitation.
///
/// # Errors
/// Never for what is stored.
pub fn id(item: &Stored) -> Result<InvitationId> {
    let id = item.key.sort().parse();
    id.map_err(|_| Error::internal("an invitation without an id"))
}

/// An invitation that the route asked for.
///
/// # Errors
/// [`Error::NotFound`].
pub fn read(member: &Member, invitation: InvitationId) -> Result<Stored> {
    member
        .item(&key(member.permit.tenant(), invitation))?
        .open::<Invitation>(member.key(Class::Account)?)
}

/// One page of the invitations that wait, and of those whose code is too old.
///
/// # Errors
/// When the store does not answer.
pub async fn list(
    ctx: &Ctx,
    member: &Member,
    limit: u32,
    after: Option<After>,
) -> Result<(Vec<Stored>, Option<After>)> {
    let query = Query::new(keys::invitations(member.permit.tenant()), limit).after(after);
    let page = ctx.store.query(&query).await?;
    let key = member.key(Class::Account)?;
    let items = page.items.iter().map(|raw| raw.open::<Invitation>(key));
    Ok((items.collect::<Result<_>>()?, page.next))
}

/// Invites an address. Whether it has an account elsewhere makes no difference: not to the answer, not to the work.
///
/// # Errors
/// [`Error::Forbidden`] for a role above one's own; [`Error::Conflict`] for who is a member or invited already.
pub async fn create(ctx: &Ctx, member: &Member, email: Email, role: Role) -> Result<(Stored, Outgoing)> {
    let (caller, organisation) = standing(member)?;
    rules::may_grant(caller, role, organisation)?;
    let tenant = member.permit.tenant();
    refuse_member(ctx, tenant, &email).await?;
    let open = ctx
        .store
        .query(&Query::new(keys::invitations(tenant), MAX_OPEN))
        .await?;
    if open.items.len() >= MAX_OPEN as usize {
        let detail = format!("{MAX_OPEN} invitations wait already. Take some back first.");
        return Err(Error::conflict("", detail));
    }
    let (now, account_key) = (ctx.now(), member.key(Class::Account)?);
    let invitation = InvitationId::new(now, ctx.id_bytes());
    let address_digest = account_key.digest("invitation", &email.canonical());
    let code = InvitationCode::new((tenant.org(), invitation), ctx.entropy.as_ref());
    let facts = InvitationFacts {
        role,
        digest: code.digest(),
        address_digest: address_digest.clone(),
        invited_by: member.permit.actor(),
        created_at: now,
        sent_at: now,
        sent: 1,
        expires_at: until(now),
    };
    let item = Item::sealed(key(tenant, invitation), facts, Invitation { email });
    let mut transaction = Transaction::new();
    transaction.create_sealed("invitation", &item, account_key, ctx.entropy.as_ref())?;
    let guard = Item::plain(
        keys::invitation_guard(tenant, &address_digest),
        InvitationGuard { invitation },
    );
    transaction.create("guard", &guard)?;
    put_due(&mut transaction, (tenant.org(), invitation), &item.facts)?;
    still_allowed(member, &mut transaction)?;
    note(
        ctx,
        member,
        &mut transaction,
        ActivityKind::MemberInvited,
        invitation,
    )?;
    let outgoing = queue(ctx, member, &mut transaction, &item, &code)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok((item, outgoing)),
        Err(Commit::Rejected(rejections)) if rejections.iter().any(|at| at.label == "guard") => {
            Err(Error::conflict(
                "/email",
                "This address is invited already. Send the invitation again, or take it back.",
            ))
        }
        Err(Commit::Rejected(_)) => Err(Error::Forbidden(
            "Your own membership changed at the same moment. Look at it again.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}

fn until(now: Timestamp) -> Timestamp {
    now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX)
}

/// An address without an account is looked up like any other: a user that nobody is.
async fn refuse_member(ctx: &Ctx, tenant: Tenant, email: &Email) -> Result<()> {
    let digest = email_digest(ctx, email).await?;
    let user = owner_of(ctx, &digest).await?.unwrap_or(UserId::from_bits(0));
    match ctx.store.get_one(&keys::membership(tenant, user)).await? {
        Some(_) => Err(Error::conflict("/email", "This person is a member already.")),
        None => Ok(()),
    }
}

fn queue(
    ctx: &Ctx,
    member: &Member,
    transaction: &mut Transaction,
    item: &Stored,
    code: &InvitationCode,
) -> Result<Outgoing> {
    let template = Template::Invited {
        organisation: name(member)?,
        code: code.reveal(),
    };
    let unit = UnitId::Organisation(member.permit.org(), Class::Account);
    let written = (ctx.now(), ctx.id_bytes(), ctx.entropy.as_ref());
    let owner = (unit, member.key(Class::Account)?);
    send::queue(transaction, owner, item.payload.email.clone(), template, written)
}

/// Sends an invitation again, with a new code; the old one is dead.
///
/// # Errors
/// [`Error::Forbidden`] for a role above one's own; [`Error::Conflict`] when it was sent often enough.
pub async fn resend(ctx: &Ctx, member: &Member, mut item: Stored) -> Result<(Stored, Outgoing)> {
    let (caller, organisation) = standing(member)?;
    rules::may_grant(caller, item.facts.role, organisation)?;
    if item.facts.sent >= MAX_SENT {
        let detail =
            format!("It was sent {MAX_SENT} times. Take it back, and ask whether the address is right.");
        return Err(Error::conflict("", detail));
    }
    let (now, invitation, org) = (ctx.now(), id(&item)?, member.permit.org());
    let code = InvitationCode::new((org, invitation), ctx.entropy.as_ref());
    let before = due_key(invitation, &item.facts);
    item.version += 1;
    item.facts = InvitationFacts {
        digest: code.digest(),
        sent_at: now,
        sent: item.facts.sent + 1,
        expires_at: until(now),
        ..item.facts
    };
    let mut transaction = Transaction::new();
    if due_key(invitation, &item.facts) != before {
        transaction.delete("due row", &before);
        put_due(&mut transaction, (org, invitation), &item.facts)?;
    }
    let account_key = member.key(Class::Account)?;
    transaction.replace_sealed("invitation", &item, account_key, ctx.entropy.as_ref())?;
    still_allowed(member, &mut transaction)?;
    note(
        ctx,
        member,
        &mut transaction,
        ActivityKind::InvitationResent,
        invitation,
    )?;
    let outgoing = queue(ctx, member, &mut transaction, &item, &code)?;
    commit(ctx, transaction, item.version).await?;
    Ok((item, outgoing))
}

/// Takes an invitation back.
///
/// # Errors
/// [`Error::Forbidden`] for a role above one's own; [`Error::Stale`] when it changed at the same time.
pub async fn revoke(ctx: &Ctx, member: &Member, item: &Stored) -> Result<()> {
    let (caller, organisation) = standing(member)?;
    rules::may_touch(caller, item.facts.role, organisation)?;
    let invitation = id(item)?;
    let mut transaction = Transaction::new();
    end(&mut transaction, (member.permit.org(), invitation), &item.facts);
    still_allowed(member, &mut transaction)?;
    note(
        ctx,
        member,
        &mut transaction,
        ActivityKind::InvitationRevoked,
        invitation,
    )?;
    commit(ctx, transaction, item.version + 1).await
}

/// Adds that an invitation is over: of two that would end it one comes second. What was sent again meanwhile is another.
pub(super) fn end(
    transaction: &mut Transaction,
    (org, invitation): (OrgId, InvitationId),
    facts: &InvitationFacts,
) {
    let tenant = Tenant::new(org);
    let same = Condition::text("digest", facts.digest.as_str());
    transaction.delete_if("invitation", &key(tenant, invitation), &same);
    let guard = keys::invitation_guard(tenant, &facts.address_digest);
    transaction.delete("guard", &guard);
    transaction.delete("due row", &due_key(invitation, facts));
}

/// When an invitation that nobody accepts is deleted.
pub(super) fn gone_at(facts: &InvitationFacts) -> Timestamp {
    facts.expires_at.saturating_add(KEPT).unwrap_or(Timestamp::MAX)
}

/// The row that says so.
pub(super) fn due_key(invitation: InvitationId, facts: &InvitationFacts) -> Key {
    keys::invitation_due(invitation, HourBucket::of(gone_at(facts)))
}

fn put_due(
    transaction: &mut Transaction,
    (org, invitation): (OrgId, InvitationId),
    facts: &InvitationFacts,
) -> Result<()> {
    let row = Item::plain(due_key(invitation, facts), InvitationDue { org, invitation });
    transaction.create("due row", &row)
}
