//! The retention schedule: from due rows to erasure jobs.
//!
//! A due row is deleted by the transaction that acts on it, so the first row of a partition is always the oldest work
//! left: a schedule that did not fire for a year costs nothing to catch up, and a run with nothing due reads nothing.

use jiff::SignedDuration;

use super::engine::{self, Order};
use super::model::{DueRow, Unit, UnitState};
use super::units;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::keys::{self, SHARDS};
use crate::ledger::Trigger;
use crate::policy::{Class, Fate};
use crate::retention::HourBucket;
use crate::store::{Item, Query, Raw};
use crate::task::Deadline;

/// Rows read at a time.
const PAGE: u32 = 100;

/// A due unit that nobody came to for so long has been waiting for several runs.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct PlanReport {
    /// Units whose data became unreadable.
    pub erased: u64,
    /// Units that were due and are kept by a hold.
    pub held: u64,
    /// Of the units that were due, those that should have been dealt with more than an hour ago: the schedule is late.
    pub overdue: u64,
    /// Due rows that no longer meant anything.
    pub stale: u64,
    /// Whether the deadline came before the end.
    pub unfinished: bool,
}

/// Erases every unit that is due.
///
/// # Errors
/// When the store does not answer; what was done stays done.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<PlanReport> {
    let mut report = PlanReport::default();
    for class in Class::ALL {
        for shard in 0..SHARDS {
            if !shard_of(ctx, class, shard, deadline, &mut report).await? {
                report.unfinished = true;
                return Ok(report);
            }
        }
    }
    Ok(report)
}

/// Works through one partition; `false` when the deadline came first.
async fn shard_of(
    ctx: &Ctx,
    class: Class,
    shard: u8,
    deadline: &Deadline,
    report: &mut PlanReport,
) -> Result<bool> {
    // `~` sorts behind every id, so the current hour's rows are all within.
    let until = format!("{}~", HourBucket::of(ctx.now()));
    let mut query = Query::new(keys::due_partition(class, shard), PAGE).until(until);
    loop {
        let page = ctx.store.query(&query).await?;
        for raw in &page.items {
            if deadline.has_passed() {
                return Ok(false);
            }
            act(ctx, raw, report).await?;
        }
        if page.next.is_none() {
            return Ok(true);
        }
        query = query.after(page.next);
    }
}

async fn act(ctx: &Ctx, raw: &Raw, report: &mut PlanReport) -> Result<()> {
    let unit = raw.decode::<DueRow>()?.facts.unit;
    let row = units::read(&ctx.store, unit).await?;
    let expected = |row: &Item<Unit>| {
        row.facts.state == UnitState::Live
            && row
                .facts
                .erase_at
                .is_some_and(|at| keys::due(unit.class(), unit, HourBucket::of(at)) == raw.key)
    };
    let Some(row) = row.filter(expected) else {
        ctx.store
            .delete_all(std::slice::from_ref(&raw.key), ctx.entropy.as_ref())
            .await?;
        report.stale += 1;
        return Ok(());
    };
    let now = ctx.now();
    let Some(late) = row
        .facts
        .erase_at
        .map(|at| now.duration_since(at))
        .filter(|late| !late.is_negative())
    else {
        return Ok(());
    };
    report.overdue += u64::from(late > LATE);
    let order = Order {
        trigger: Trigger::RetentionDue,
        units: vec![(unit, Fate::Erase)],
        events: &[],
    };
    let begun = engine::begin(ctx, &order).await?;
    report.erased += begun.erased.len() as u64;
    report.held += begun.kept.len() as u64;
    Ok(())
}
