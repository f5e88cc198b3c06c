//! What every change of connections and domains does beside them.

use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::organisations::model::OrganisationProfile;
use crate::organisations::store::put;
use crate::policy::Class;
use crate::store::{Commit, Item, Transaction};

/// The caller's organisation as it was read.
pub(super) fn organisation(member: &Member) -> Result<Item<OrganisationProfile>> {
    member
        .organisation()?
        .open::<OrganisationProfile>(member.key(Class::Account)?)
}

/// Adds the changed organisation to a transaction: it counts what it has, so of two changes at one moment one comes
/// second.
pub(super) fn put_next(
    ctx: &Ctx,
    transaction: &mut Transaction,
    member: &Member,
    organisation: &mut Item<OrganisationProfile>,
) -> Result<()> {
    organisation.version += 1;
    organisation.facts.updated_at = ctx.now();
    put(ctx, transaction, member, organisation)
}

/// Adds an entry to the organisation's log.
pub(super) fn note(
    ctx: &Ctx,
    transaction: &mut Transaction,
    member: &Member,
    kind: ActivityKind,
    object: impl std::fmt::Display,
) -> Result<()> {
    let (tenant, actor) = (member.permit.tenant(), member.permit.actor());
    let object = Some(object.to_string());
    activity::of_organisation(ctx, transaction, tenant, kind, Some(actor), object)
}

/// Commits a change of what is at `current` if something else was faster.
pub(super) async fn commit(ctx: &Ctx, transaction: Transaction, current: u64) -> Result<()> {
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::Stale { current }),
        Err(Commit::Failed(error)) => Err(error),
    }
}
