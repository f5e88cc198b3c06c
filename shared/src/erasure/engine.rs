//! Fence and shred: the one transaction after which the data is unreadable.

use jiff::Timestamp;

use super::model::{Hold, Job, JobState, KeyState, OpenJob, PendingLeaf, Purged, Unit, UnitState};
use super::units;
use crate::ctx::Ctx;
use crate::entropy;
use crate::error::{Error, Result};
use crate::ids::{ErasureId, LedgerEntryId};
use crate::keys;
use crate::ledger::{Intent, Leaf, Trigger, unit_commitment};
use crate::policy::{Anchor, Class, Fate};
use crate::store::{Commit, Condition, Item, Transaction, Update};
use crate::unit::UnitId;

/// How often a decision is taken again when a unit changed under it.
const ATTEMPTS: u32 = 5;

/// What is to become of units, and why.
#[derive(Debug, Clone)]
pub struct Order {
    /// Why.
    pub trigger: Trigger,
    /// What the policy says of each unit.
    pub units: Vec<(UnitId, Fate)>,
    /// The events that the decision stands for, from which the periods of kept units run.
    pub events: &'static [Anchor],
}

/// What was kept, why, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The class that was kept.
    pub class: Class,
    /// The statute or the hold.
    pub reason: String,
    /// When it will be erased; unknown while a hold lies on it.
    pub until: Option<Timestamp>,
}

/// What an order came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// The job, when anything was erased.
    pub erasure: Option<ErasureId>,
    /// The classes whose data is unreadable from now on.
    pub erased: Vec<UnitId>,
    /// What was kept.
    pub kept: Vec<Kept>,
}

/// Carries out an order: one transaction destroys the data keys of everything that may be erased, restricts what must
/// be kept, writes the job and the ledger's intent. When this returns, nothing erased is readable.
///
/// # Errors
/// When the store does not answer; then nothing was changed, or everything was and a repetition finds it so.
pub async fn begin(ctx: &Ctx, order: &Order) -> Result<Begun> {
    for _ in 0..ATTEMPTS {
        let (transaction, begun) = prepare(ctx, order).await?;
        if transaction.is_empty() {
            return Ok(begun);
        }
        match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => return Ok(begun),
            // A hold, an anchor or another erasure came between; look again.
            Err(Commit::Rejected(_)) => {}
            Err(Commit::Failed(error)) => return Err(error),
        }
    }
    Err(Error::unavailable("the units kept changing"))
}

async fn prepare(ctx: &Ctx, order: &Order) -> Result<(Transaction, Begun)> {
    let now = ctx.now();
    let keys: Vec<_> = order.units.iter().map(|(unit, _)| keys::unit(*unit)).collect();
    let found = ctx.store.get(&keys, ctx.entropy.as_ref()).await?;
    let mut transaction = Transaction::new();
    let mut begun = Begun::default();
    let erasure = ErasureId::from_bits(u128::from_be_bytes(entropy::bytes(ctx.entropy.as_ref())));
    for ((unit, fate), key) in order.units.iter().zip(&keys) {
        let Some(raw) = found.get(key) else { continue };
        let row = raw.decode::<Unit>()?;
        if row.facts.state != UnitState::Live {
            continue;
        }
        match fate {
            Fate::Erase if row.facts.holds == 0 => {
                shred(&mut transaction, &row, erasure)?;
                begun.erased.push(*unit);
            }
            // Its time has come and nobody asked for it, so it stays as it is until the hold goes.
            Fate::Erase if order.trigger == Trigger::RetentionDue => {
                begun.kept.push(wait_for_release(&mut transaction, &row)?);
            }
            Fate::Erase => begun.kept.push(keep_for_hold(ctx, &mut transaction, &row).await?),
            Fate::Restrict { reason } => {
                let kept = restrict(ctx, &mut transaction, &row, reason, order.events)?;
                begun.kept.push(kept);
            }
            Fate::Keep => {
                let at = row.facts.anchor_at.unwrap_or(now);
                units::anchor(&mut transaction, ctx.policy(), &row, Some(at), order.events)?;
            }
        }
    }
    if !begun.erased.is_empty() {
        begun.erasure = Some(erasure);
        open_job(ctx, &mut transaction, order.trigger, erasure, &begun.erased, now)?;
    }
    Ok((transaction, begun))
}

fn shred(transaction: &mut Transaction, row: &Item<Unit>, erasure: ErasureId) -> Result<()> {
    let unit = row.facts.unit;
    if let Some(digest) = &row.facts.email_digest {
        transaction.delete("e-mail guard", &keys::email_guard(digest));
    }
    for guard in &row.facts.guards {
        transaction.delete("guard", &guard.key());
    }
    transaction.delete_if("key", &keys::data_key(unit), &Condition::present());
    let after = Unit {
        state: UnitState::Shredded,
        erasure: Some(erasure),
        erase_at: None,
        email_digest: None,
        guards: Vec::new(),
        ..row.facts.clone()
    };
    units::change(transaction, row, after)
}

/// Takes the due row away; the release of the last hold writes a new one.
fn wait_for_release(transaction: &mut Transaction, row: &Item<Unit>) -> Result<Kept> {
    let after = Unit {
        asked: true,
        erase_at: None,
        ..row.facts.clone()
    };
    units::change(transaction, row, after)?;
    Ok(Kept {
        class: row.facts.unit.class(),
        reason: "Legal hold".to_owned(),
        until: None,
    })
}

/// The unit stays for the hold, out of reach of normal routes, and goes as soon as the hold does.
async fn keep_for_hold(ctx: &Ctx, transaction: &mut Transaction, row: &Item<Unit>) -> Result<Kept> {
    let holds = ctx.store.query_all(keys::holds(row.facts.unit)).await?;
    let reasons = holds
        .iter()
        .map(|raw| Ok(raw.decode::<Hold>()?.facts.reason))
        .collect::<Result<Vec<_>>>()?;
    restrict_key(transaction, row.facts.unit);
    let after = Unit {
        asked: true,
        restricted: true,
        erase_at: None,
        ..row.facts.clone()
    };
    units::change(transaction, row, after)?;
    Ok(Kept {
        class: row.facts.unit.class(),
        reason: format!("Legal hold: {}", reasons.join("; ")),
        until: None,
    })
}

/// The unit stays until its floor, out of reach of normal routes (UK GDPR art. 18(2)).
fn restrict(
    ctx: &Ctx,
    transaction: &mut Transaction,
    row: &Item<Unit>,
    reason: &str,
    events: &[Anchor],
) -> Result<Kept> {
    let anchor = row.facts.anchor_at.unwrap_or(ctx.now());
    let due = units::due(ctx.policy(), row.facts.unit, anchor, events);
    restrict_key(transaction, row.facts.unit);
    let after = Unit {
        restricted: true,
        anchor_at: Some(anchor),
        erase_at: due.map(|due| due.erase_at),
        ..row.facts.clone()
    };
    units::change(transaction, row, after)?;
    Ok(Kept {
        class: row.facts.unit.class(),
        reason: reason.to_owned(),
        until: due.map(|due| due.erase_at),
    })
}

fn restrict_key(transaction: &mut Transaction, unit: UnitId) {
    let restricted = serde_json::to_value(KeyState::Restricted).ok();
    let state = restricted
        .as_ref()
        .and_then(|value| value.as_str())
        .unwrap_or_default();
    transaction.update(
        "key",
        &keys::data_key(unit),
        Update::new().set_text("state", state),
        &Condition::present(),
    );
}

fn open_job(
    ctx: &Ctx,
    transaction: &mut Transaction,
    trigger: Trigger,
    erasure: ErasureId,
    units: &[UnitId],
    now: Timestamp,
) -> Result<()> {
    let job = Job {
        erasure,
        state: JobState::Shredded,
        trigger,
        policy_version: ctx.policy().version().to_string(),
        units: units
            .iter()
            .map(|&unit| Purged {
                unit,
                items: 0,
                object_versions: 0,
            })
            .collect(),
        cursor: 0,
        counted_to: None,
        epoch: 0,
        lease_until: 0,
        fenced_at: now,
        purged_at: None,
        receipt: None,
        proof: None,
    };
    transaction.create("job", &Item::plain(keys::job(erasure), job))?;
    transaction.create(
        "open job",
        &Item::plain(
            keys::open_job(erasure),
            OpenJob {
                erasure,
                fenced_at: now,
            },
        ),
    )?;
    let commitments = units
        .iter()
        .map(|unit| unit_commitment(&unit.to_string()))
        .collect();
    let intent = Leaf::ErasureBegun(Intent::new(&erasure.to_string(), commitments, now));
    add_leaf(ctx, transaction, &intent, erasure, false)
}

/// Queues a leaf for the ledger.
pub(super) fn add_leaf(
    ctx: &Ctx,
    transaction: &mut Transaction,
    leaf: &Leaf,
    erasure: ErasureId,
    receipt: bool,
) -> Result<()> {
    let bytes = leaf
        .to_bytes()
        .map_err(|error| Error::internal(format!("a ledger entry: {error}")))?;
    let leaf = String::from_utf8(bytes).map_err(|_| Error::internal("a ledger entry is not text"))?;
    let entry = LedgerEntryId::new(ctx.now(), ctx.id_bytes());
    transaction.create(
        "ledger",
        &Item::plain(
            keys::ledger_pending(entry),
            PendingLeaf {
                leaf,
                erasure,
                receipt,
            },
        ),
    )
}
