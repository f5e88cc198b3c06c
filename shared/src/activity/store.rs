//! Activity logs in the tables.

use jiff::{SignedDuration, Timestamp};

use super::model::{AccountActivity, ActivityFacts, ActivityKind, OrganisationActivity};
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::ids::{ActivityId, ActorId, UserId};
use crate::keys::{self, Tenant};
use crate::seal::DataKey;
use crate::source::Source;
use crate::store::{Item, Transaction};

/// How long an entry is kept: eighteen months.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(548 * 24);

/// How long what nobody will ever read is kept: see [`of_nobody`].
const KEPT_OF_NOBODY: SignedDuration = SignedDuration::from_hours(24);

fn facts(
    ctx: &Ctx,
    kind: ActivityKind,
    actor: Option<ActorId>,
    object: Option<String>,
    kept: SignedDuration,
) -> ActivityFacts {
    let at = ctx.now();
    let expires_at = at.saturating_add(kept).unwrap_or(Timestamp::MAX);
    ActivityFacts {
        kind,
        at,
        actor,
        object,
        expires_at: expires_at.as_millisecond(),
        ttl: expires_at.as_second(),
    }
}

/// Adds an entry to an organisation's log, in the transaction of what it tells of. `object` is an id or a fixed
/// word, never something that a person wrote.
///
/// # Errors
/// Only when the item does not encode.
pub fn of_organisation(
    ctx: &Ctx,
    transaction: &mut Transaction,
    tenant: Tenant,
    kind: ActivityKind,
    actor: Option<ActorId>,
    object: Option<String>,
) -> Result<()> {
    let id = ActivityId::new(ctx.now(), ctx.id_bytes());
    let entry = OrganisationActivity(facts(ctx, kind, actor, object, KEPT));
    let item = Item::plain(keys::organisation_activity(tenant, id), entry);
    transaction.create("activity", &item)
}

/// Adds an entry about what a member did to the log of the member's organisation.
///
/// # Errors
/// Only when the item does not encode.
pub fn note(
    ctx: &Ctx,
    member: &Member,
    transaction: &mut Transaction,
    kind: ActivityKind,
    object: impl std::fmt::Display,
) -> Result<()> {
    let (tenant, actor) = (member.permit.tenant(), member.permit.actor());
    let object = Some(object.to_string());
    of_organisation(ctx, transaction, tenant, kind, Some(actor), object)
}

/// Adds an entry to a user's own log.
///
/// # Errors
/// Only when the item does not encode.
pub fn of_account(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (user, key): (UserId, &DataKey),
    kind: ActivityKind,
    object: Option<String>,
    source: &Source,
) -> Result<()> {
    let facts = facts(ctx, kind, actor_of(kind, user), object, KEPT);
    add_of_account(ctx, transaction, (user, key), facts, seen(source))
}

/// Whoever fails to sign in is not known to be the user.
fn actor_of(kind: ActivityKind, user: UserId) -> Option<ActorId> {
    (kind != ActivityKind::SignInFailed).then_some(ActorId::User(user))
}

/// Writes as much as [`of_account`] does for a user that nobody is, sealed with a key that nobody has: what is tried with
/// an address that has no account costs the same. The table deletes it after a day.
///
/// # Errors
/// Only when the item does not encode.
pub(crate) fn of_nobody(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (user, key): (UserId, &DataKey),
    kind: ActivityKind,
    source: &Source,
) -> Result<()> {
    let facts = facts(ctx, kind, actor_of(kind, user), None, KEPT_OF_NOBODY);
    add_of_account(ctx, transaction, (user, key), facts, seen(source))
}

fn seen(source: &Source) -> AccountActivity {
    AccountActivity {
        address: source.address,
        user_agent: source.user_agent.clone(),
    }
}

/// Adds an entry to a user's own log about what somebody else did. From where that was is not the user's to know.
///
/// # Errors
/// Only when the item does not encode.
pub fn of_account_by(
    ctx: &Ctx,
    transaction: &mut Transaction,
    owner: (UserId, &DataKey),
    kind: ActivityKind,
    actor: ActorId,
    object: Option<String>,
) -> Result<()> {
    let nowhere = AccountActivity {
        address: None,
        user_agent: None,
    };
    add_of_account(
        ctx,
        transaction,
        owner,
        facts(ctx, kind, Some(actor), object, KEPT),
        nowhere,
    )
}

fn add_of_account(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (user, key): (UserId, &DataKey),
    facts: ActivityFacts,
    payload: AccountActivity,
) -> Result<()> {
    let id = ActivityId::new(facts.at, ctx.id_bytes());
    let item = Item::sealed(keys::account_activity(user, id), facts, payload);
    transaction.create_sealed("activity", &item, key, ctx.entropy.as_ref())
}
