//! Activity logs in the tables.

use jiff::{SignedDuration, Timestamp};

use super::model::{AccountActivity, ActivityFacts, ActivityKind, OrganisationActivity};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::ids::{ActivityId, ActorId, UserId};
use crate::keys::{self, Tenant};
use crate::seal::DataKey;
use crate::source::Source;
use crate::store::{Item, Transaction};

/// How long an entry is kept: eighteen months.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(548 * 24);

fn facts(ctx: &Ctx, kind: ActivityKind, actor: Option<ActorId>, object: Option<String>) -> ActivityFacts {
    let at = ctx.now();
    let expires_at = at.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
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
    let entry = OrganisationActivity(facts(ctx, kind, actor, object));
    let item = Item::plain(keys::organisation_activity(tenant, id), entry);
    transaction.create("activity", &item)
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
    let payload = AccountActivity {
        address: source.address,
        user_agent: source.user_agent.clone(),
    };
    let facts = facts(ctx, kind, Some(ActorId::User(user)), object);
    add_of_account(ctx, transaction, (user, key), facts, payload)
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
        facts(ctx, kind, Some(actor), object),
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
