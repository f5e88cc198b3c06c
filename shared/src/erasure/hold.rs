//! Legal holds: a unit with a hold on it loses nothing, whatever a rule or a request says (CTK-6).

use jiff::Timestamp;

use super::model::{Hold, Unit, UnitState};
use super::units;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::HoldId;
use crate::keys;
use crate::store::{Condition, Item, Transaction};
use crate::unit::UnitId;

async fn read(ctx: &Ctx, unit: UnitId) -> Result<Item<Unit>> {
    units::read(&ctx.store, unit).await?.ok_or(Error::NotFound)
}

/// Places a hold.
///
/// # Errors
/// [`Error::Gone`] when the unit was erased already; [`Error::Conflict`] when it changed at the same time.
pub async fn place(ctx: &Ctx, unit: UnitId, reason: String, review_at: Option<Timestamp>) -> Result<HoldId> {
    let row = read(ctx, unit).await?;
    if row.facts.state != UnitState::Live {
        return Err(Error::Gone {
            erasure: row.facts.erasure,
        });
    }
    let hold = HoldId::new(ctx.now(), ctx.id_bytes());
    let item = Hold {
        hold,
        reason,
        review_at,
        placed_at: ctx.now(),
    };
    let mut transaction = Transaction::new();
    transaction.create("hold", &Item::plain(keys::hold(unit, hold), item))?;
    units::change(
        &mut transaction,
        &row,
        Unit {
            holds: row.facts.holds + 1,
            ..row.facts.clone()
        },
    )?;
    commit(ctx, transaction).await?;
    Ok(hold)
}

/// Releases a hold. What was kept only for it falls due at once.
///
/// # Errors
/// [`Error::NotFound`] when there is no such hold; [`Error::Conflict`] when the unit changed at the same time.
pub async fn release(ctx: &Ctx, unit: UnitId, hold: HoldId) -> Result<()> {
    let row = read(ctx, unit).await?;
    ctx.store
        .get_one(&keys::hold(unit, hold))
        .await?
        .ok_or(Error::NotFound)?;
    let holds = row.facts.holds.saturating_sub(1);
    let waited = holds == 0 && row.facts.asked;
    let after = Unit {
        holds,
        // What has a date that the schedule looks at needs no other.
        erase_at: row.facts.erase_at.or(waited.then(|| ctx.now())),
        ..row.facts.clone()
    };
    let mut transaction = Transaction::new();
    transaction.delete_if("hold", &keys::hold(unit, hold), &Condition::present());
    units::change(&mut transaction, &row, after)?;
    commit(ctx, transaction).await
}

async fn commit(ctx: &Ctx, transaction: Transaction) -> Result<()> {
    use crate::store::Commit;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "/unit",
            "The unit changed at the same time; try again.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}
