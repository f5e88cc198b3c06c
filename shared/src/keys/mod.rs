//! Every key of every table, built in this one place and from typed ids only.
//!
//! The parts are ids, fixed words, hex digests and zero-padded numbers. None can contain `#`, so joining them with
//! `#` is injective; a property test holds that.

mod accounts;
mod erasure;
mod ledger;
mod mails;
mod organisations;
mod records;
mod services;
mod sessions;
mod sso;
#[cfg(test)]
mod tests;

pub(crate) use accounts::*;
pub(crate) use erasure::*;
pub(crate) use ledger::*;
pub(crate) use mails::*;
pub(crate) use organisations::*;
pub(crate) use records::*;
pub use records::{object, object_prefix};
pub(crate) use services::*;
pub(crate) use sessions::*;
pub(crate) use sso::*;

use crate::ids::OrgId;

/// A table: they differ by how they are backed up and who may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What customers entrust: sealed payloads. Point-in-time recovery, no TTL.
    Core,
    /// Units, due rows, holds, jobs, ledger and outbox heads: ids and keyed hashes only.
    Control,
    /// Wrapped data keys. In no long backup, so that a destroyed key stays destroyed.
    Keys,
    /// Sessions, one-time codes, idempotency rows. TTL is housekeeping; readers check the time themselves.
    Ephemeral,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 4] = [Self::Core, Self::Control, Self::Keys, Self::Ephemeral];

    /// The table's name in associated data and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Control => "control",
            Self::Keys => "keys",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The table.
    pub table: Table,
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(table: Table, pk: String, sk: impl Into<String>) -> Self {
        Self {
            table,
            pk,
            sk: sk.into(),
        }
    }

    /// A key read back from an item of `table`.
    pub(crate) fn of_item(table: Table, pk: &str, sk: &str) -> Self {
        Self {
            table,
            pk: pk.to_owned(),
            sk: sk.to_owned(),
        }
    }

    /// The partition key's value.
    pub fn partition(&self) -> &str {
        &self.pk
    }

    /// The sort key's value.
    pub fn sort(&self) -> &str {
        &self.sk
    }
}

/// A partition, or the part of it whose sort keys begin with `prefix`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The table.
    pub table: Table,
    pub(crate) pk: String,
    pub(crate) prefix: String,
}

impl Partition {
    fn new(table: Table, pk: String) -> Self {
        Self {
            table,
            pk,
            prefix: String::new(),
        }
    }

    /// The key of the item whose sort key is `sk` in this partition.
    pub(crate) fn key(&self, sk: &str) -> Key {
        Key {
            table: self.table,
            pk: self.pk.clone(),
            sk: sk.to_owned(),
        }
    }
}

/// The right to name one organisation's items. Only an authenticated request for that organisation, or the erasure
/// engine working on one of its units, can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant(OrgId);

impl Tenant {
    pub(crate) const fn new(org: OrgId) -> Self {
        Self(org)
    }

    /// The organisation.
    pub const fn org(self) -> OrgId {
        self.0
    }
}

/// The sort key of an entity that is alone in its partition.
const ALONE: &str = "A";

/// How many partitions the work of a schedule is spread over.
pub const SHARDS: u8 = 4;

/// The shard of an id: its last bits, which are random.
pub(crate) fn shard(bits: u128) -> u8 {
    (bits % u128::from(SHARDS)) as u8
}
