//! The keys of units of erasure: their data keys, holds, due rows and jobs.

use super::{ALONE, Key, Partition, Table, shard};
use crate::ids::{ErasureId, HoldId};
use crate::policy::Class;
use crate::retention::HourBucket;
use crate::unit::UnitId;

pub(crate) fn data_key(unit: UnitId) -> Key {
    Key::new(Table::Keys, format!("UNIT#{unit}"), ALONE)
}

pub(crate) fn unit(unit: UnitId) -> Key {
    Key::new(Table::Control, format!("UNIT#{unit}"), ALONE)
}

pub(crate) fn hold(unit: UnitId, hold: HoldId) -> Key {
    Key::new(Table::Control, format!("UNIT#{unit}"), format!("HOLD#{hold}"))
}

pub(crate) fn holds(unit: UnitId) -> Partition {
    Partition {
        table: Table::Control,
        pk: format!("UNIT#{unit}"),
        prefix: "HOLD#".to_owned(),
    }
}

/// One due row per unit, in the order of the hour in which it is due.
pub(crate) fn due(class: Class, unit: UnitId, hour: HourBucket) -> Key {
    due_partition(class, shard(unit.bits())).key(&format!("{hour}#{unit}"))
}

pub(crate) fn due_partition(class: Class, shard: u8) -> Partition {
    Partition::new(Table::Control, format!("DUE#{}#{shard}", class.as_str()))
}

pub(crate) fn job(erasure: ErasureId) -> Key {
    Key::new(Table::Control, format!("JOB#{erasure}"), ALONE)
}

pub(crate) fn open_job(erasure: ErasureId) -> Key {
    open_jobs(shard(erasure.bits())).key(&erasure.to_string())
}

pub(crate) fn open_jobs(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("OPENJOBS#{shard}"))
}
