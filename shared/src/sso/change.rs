//! What every change of connections and domains does beside them.

use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::organisations::model::OrganisationProfile;
use crate::organisations::store::put;
use crate::store::{Commit, Item, Transaction};

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

/// Commits a change of what is at `current` if something else was faster.
pub(super) async fn commit(ctx: &Ctx, transaction: Transaction, current: u64) -> Result<()> {
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::Stale { current }),
        Err(Commit::Failed(error)) => Err(error),
    }
}
