//! Lost factors: two administrators remove all second factors of a member who cannot show any (B-41, ASVS 6.4.4).

use jiff::SignedDuration;

use super::store::{OneMember, read, standing, still_allowed};
use crate::accounts::sessions;
use crate::activity::model::ActivityKind;
use crate::activity::store::{self as activity, note};
use crate::auth::{Member, Role};
use crate::ctx::Ctx;
use crate::erasure::model::{Guard, Unit};
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys::{self, Key, Tenant};
use crate::mfa::factors::Factors;
use crate::mfa::model::FactorsReset;
use crate::organisations::model::Membership;
use crate::outbox::send::Outgoing;
use crate::outbox::templates::Template;
use crate::store::{Commit, Condition, Item, Raw, Transaction};
use crate::unit::UnitId;

/// For how long another administrator can agree.
const AGREED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What asking came to.
pub enum Reset {
    /// Somebody else has to ask for the same until then.
    Requested(jiff::Timestamp),
    /// The factors are removed.
    Done,
}

/// The keys of a reset, for the round trip that authenticates.
pub fn keys_of(tenant: Tenant, user: UserId) -> Vec<Key> {
    let mut wanted = super::store::keys_of(tenant, user);
    wanted.extend([
        keys::factors_reset(tenant, user),
        keys::totp(user),
        keys::recovery_codes(user),
        keys::unit(UnitId::User(user)),
    ]);
    wanted
}

/// Asks for the removal of all second factors of a member, or agrees to it and does it.
///
/// # Errors
/// [`Error::NotFound`] for who is no member; [`Error::Forbidden`] for oneself, for owners unless by owners, and for people
/// whose account is another organisation's to help with; [`Error::Conflict`] without factors, and for who asked already.
pub async fn ask(ctx: &Ctx, member: &Member, user: UserId) -> Result<(Reset, Outgoing)> {
    let target = read(member, user)?;
    may_help(member, &target)?;
    let tenant = member.permit.tenant();
    let key = keys::factors_reset(tenant, user);
    let request = member.optional(&key);
    let request = request.map(Raw::decode::<FactorsReset>).transpose()?;
    let caller = member.person()?.user;
    match request {
        Some(request) if request.facts.expires_at > ctx.now() => {
            if request.facts.requested_by == caller {
                return Err(Error::conflict(
                    "",
                    "You asked for this already. Another administrator has to ask for the same.",
                ));
            }
            if still_helps(ctx, tenant, request.facts.requested_by, &target).await? {
                return execute(ctx, member, target, &request).await;
            }
            note_request(ctx, member, target, Some(&request)).await
        }
        old => note_request(ctx, member, target, old.as_ref()).await,
    }
}

fn may_help(member: &Member, target: &OneMember) -> Result<()> {
    let (role, _) = standing(member)?;
    let account = &target.account;
    if account.user == member.person()?.user {
        return Err(Error::Forbidden("Change your own factors under /v1/me/factors."));
    }
    if target.membership.facts.role == Role::Owner && role != Role::Owner {
        return Err(Error::Forbidden("Only owners help owners."));
    }
    if account.item.facts.org != member.permit.org() {
        return Err(Error::Forbidden(
            "This person's account began with another organisation: its administrators can help.",
        ));
    }
    if !account.item.facts.second_factor {
        return Err(Error::conflict("", "This member has no second factor."));
    }
    Ok(())
}

/// Whether who asked first may still ask.
async fn still_helps(ctx: &Ctx, tenant: Tenant, asked: UserId, target: &OneMember) -> Result<bool> {
    let found = ctx.store.get_one(&keys::membership(tenant, asked)).await?;
    let Some(raw) = found else { return Ok(false) };
    let membership = raw.decode::<Membership>()?.facts;
    let high_enough = match target.membership.facts.role {
        Role::Owner => membership.role == Role::Owner,
        _ => matches!(membership.role, Role::Owner | Role::Admin),
    };
    Ok(high_enough && membership.suspended_at.is_none())
}

async fn note_request(
    ctx: &Ctx,
    member: &Member,
    target: OneMember,
    old: Option<&Item<FactorsReset>>,
) -> Result<(Reset, Outgoing)> {
    let (tenant, user) = (member.permit.tenant(), target.account.user);
    let expires_at = ctx.now().saturating_add(AGREED_WITHIN).unwrap_or(ctx.now());
    let request = FactorsReset {
        requested_by: member.person()?.user,
        expires_at,
    };
    let (item, condition) = match old {
        Some(old) => (old.next(request), Condition::version(old.version)),
        None => (
            Item::plain(keys::factors_reset(tenant, user), request),
            Condition::absent(),
        ),
    };
    let mut transaction = Transaction::new();
    still_allowed(member, &mut transaction)?;
    transaction.put_if("request", &item, &condition)?;
    let kind = ActivityKind::FactorsResetRequested;
    note(ctx, member, &mut transaction, kind, user)?;
    let template = Template::FactorsResetRequested;
    let outgoing = target.account.queue(ctx, &mut transaction, template)?;
    commit(ctx, transaction).await?;
    Ok((Reset::Requested(expires_at), outgoing))
}

async fn execute(
    ctx: &Ctx,
    member: &Member,
    target: OneMember,
    request: &Item<FactorsReset>,
) -> Result<(Reset, Outgoing)> {
    let (user, key) = (target.account.user, target.account.key());
    let mut factors = Factors::of_other(ctx, member, user, key).await?;
    let mut transaction = Transaction::new();
    still_allowed(member, &mut transaction)?;
    transaction.delete_if("request", &request.key, &Condition::version(request.version));
    for key in [keys::totp(user), keys::recovery_codes(user)] {
        transaction.delete("factor", &key);
    }
    for passkey in &factors.passkeys {
        transaction.delete("factor", &passkey.key);
        let guard = keys::passkey_guard(&passkey.facts.credential_digest);
        transaction.delete("guard", &guard);
    }
    let unit = member.item(&keys::unit(UnitId::User(user)))?.decode::<Unit>()?;
    let mut after = unit.facts.clone();
    after.guards.retain(|guard| !matches!(guard, Guard::Passkey(_)));
    if after != unit.facts {
        units::change(&mut transaction, &unit, after)?;
    }
    factors.user.version += 1;
    factors.user.facts.second_factor = false;
    factors.user.facts.updated_at = ctx.now();
    transaction.replace_sealed("user", &factors.user, key, ctx.entropy.as_ref())?;
    let (kind, actor) = (ActivityKind::FactorsReset, member.permit.actor());
    note(ctx, member, &mut transaction, kind, user)?;
    activity::of_account_by(ctx, &mut transaction, (user, key), kind, actor, None)?;
    let outgoing = target
        .account
        .queue(ctx, &mut transaction, Template::FactorsReset)?;
    sessions::end_all(ctx, &mut transaction, user, None).await?;
    commit(ctx, transaction).await?;
    Ok((Reset::Done, outgoing))
}

async fn commit(ctx: &Ctx, transaction: Transaction) -> Result<()> {
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "",
            "Something changed at the same moment; look at the member again.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}
