//! Units and their due rows. Every change of an anchor costs as many writes as there are units, whatever they hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::model::{DueRow, Guard, KeyState, Unit, UnitState, WrappedKey};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::keys;
use crate::policy::{Anchor, Policy};
use crate::retention::{Due, HourBucket};
use crate::seal::{DataKey, RootKey};
use crate::store::{Condition, Item, Raw, Store, Transaction};
use crate::unit::UnitId;

/// Adds a new unit with its own data key to the transaction, and gives the key for what is sealed in the same one.
///
/// # Errors
/// Only when an item does not encode.
pub fn open(
    transaction: &mut Transaction,
    unit: UnitId,
    email_digest: Option<String>,
    root: &RootKey,
    entropy: &dyn Entropy,
) -> Result<DataKey> {
    let (data_key, wrapped) = root.new_data_key(unit, entropy);
    let row = Unit {
        unit,
        state: UnitState::Live,
        holds: 0,
        restricted: false,
        anchor_at: None,
        erase_at: None,
        email_digest,
        guards: Vec::new(),
        erasure: None,
        asked: false,
    };
    let wrapped = WrappedKey {
        state: KeyState::Live,
        wrapped: STANDARD.encode(wrapped),
    };
    transaction.create("unit", &Item::plain(keys::unit(unit), row))?;
    transaction.create("key", &Item::plain(keys::data_key(unit), wrapped))?;
    Ok(data_key)
}

/// The unit's row, strongly consistent; `None` when there never was such a unit.
///
/// # Errors
/// When the store does not answer.
pub async fn read(store: &Store, unit: UnitId) -> Result<Option<Item<Unit>>> {
    let raw = store.get_one(&keys::unit(unit)).await?;
    raw.map(|raw| raw.decode::<Unit>()).transpose()
}

/// The data key of a unit from its row; `None` when the row is gone, which is what erased means.
///
/// # Errors
/// When the row is not one that our root key made for this unit.
pub fn data_key(raw: Option<&Raw>, unit: UnitId, root: &RootKey) -> Result<Option<(DataKey, KeyState)>> {
    let Some(raw) = raw else { return Ok(None) };
    let row = raw.decode::<WrappedKey>()?.facts;
    let wrapped = STANDARD
        .decode(&row.wrapped)
        .map_err(|_| Error::internal("a wrapped data key is not base64"))?;
    Ok(Some((root.unwrap_data_key(unit, &wrapped)?, row.state)))
}

/// The data key of a unit for normal use; `None` also when the unit is only kept for a duty or a hold.
///
/// # Errors
/// As [`data_key`].
pub fn usable_key(raw: Option<&Raw>, unit: UnitId, root: &RootKey) -> Result<Option<DataKey>> {
    Ok(data_key(raw, unit, root)?.and_then(|(key, state)| (state == KeyState::Live).then_some(key)))
}

/// The events from which a period can run that a cancellation stands for: the term ends with it.
pub const AT_CANCELLATION: &[Anchor] = &[Anchor::Cancellation, Anchor::TermEnd];

/// The events from which a period can run that the deletion of an organisation stands for.
pub const AT_DELETION: &[Anchor] = &[
    Anchor::Cancellation,
    Anchor::TermEnd,
    Anchor::AccountDeletion,
    Anchor::OrganisationDeletion,
];

/// When a unit falls due that is anchored at `anchor`; `None` while its rule waits for another event.
pub fn due(policy: &Policy, unit: UnitId, anchor: Timestamp, events: &[Anchor]) -> Option<Due> {
    let rule = policy.rule(unit.class());
    events
        .contains(&rule.anchor())
        .then(|| of_unit(unit, rule.due(anchor, policy.time_zone())))
}

/// People go after the organisation's data: half-way between its erasure and the ceiling, so that a member can still
/// sign in for some hours, be told what was erased, and fetch the receipt.
fn of_unit(unit: UnitId, due: Due) -> Due {
    match (unit, due.not_after) {
        (UnitId::User(_), Some(ceiling)) => {
            let half = ceiling.duration_since(due.erase_at) / 2;
            Due {
                erase_at: due.erase_at.saturating_add(half).unwrap_or(due.erase_at),
                ..due
            }
        }
        _ => due,
    }
}

/// Changes a unit as it was read, and moves its due row along.
///
/// # Errors
/// Only when an item does not encode.
pub fn change(transaction: &mut Transaction, before: &Item<Unit>, after: Unit) -> Result<()> {
    let row = |unit: &Unit| {
        unit.erase_at
            .map(|at| keys::due(unit.unit.class(), unit.unit, HourBucket::of(at)))
    };
    let (old, new) = (row(&before.facts), row(&after));
    if old != new {
        if let Some(key) = &old {
            transaction.delete("due row", key);
        }
        if let Some(key) = new {
            let item = Item::plain(key, DueRow { unit: after.unit });
            transaction.put_if("due row", &item, &Condition::absent().or(Condition::present()))?;
        }
    }
    let item = before.next(after);
    transaction.put_if("unit", &item, &Condition::version(before.version))
}

/// Changes the list of the guards that go with a unit as it was read.
///
/// # Errors
/// Only when an item does not decode or encode.
pub fn change_guards(
    transaction: &mut Transaction,
    unit: &Raw,
    change_them: impl FnOnce(&mut Vec<Guard>),
) -> Result<()> {
    let unit = unit.decode::<Unit>()?;
    let mut after = unit.facts.clone();
    change_them(&mut after.guards);
    change(transaction, &unit, after)
}

/// Anchors a unit, or takes its anchor away.
///
/// # Errors
/// Only when an item does not encode.
pub fn anchor(
    transaction: &mut Transaction,
    policy: &Policy,
    before: &Item<Unit>,
    at: Option<Timestamp>,
    events: &[Anchor],
) -> Result<Option<Due>> {
    let due = at.and_then(|at| due(policy, before.facts.unit, at, events));
    let after = Unit {
        anchor_at: due.and(at),
        erase_at: due.map(|due| due.erase_at),
        // What was only waiting for a hold to be released is no longer waited for when its period does not run.
        asked: before.facts.asked && (due.is_some() || before.facts.restricted),
        ..before.facts.clone()
    };
    if after != before.facts {
        change(transaction, before, after)?;
    }
    Ok(due)
}
