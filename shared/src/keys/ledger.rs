//! The keys of the ledger: its head, what waits for it and its leaves.

use super::{Key, Partition, Table};
use crate::ids::LedgerEntryId;

pub(crate) fn ledger_head() -> Key {
    Key::new(Table::Control, "LEDGER".to_owned(), "HEAD")
}

pub(crate) fn ledger_pending(entry: LedgerEntryId) -> Key {
    ledger_pendings().key(&entry.to_string())
}

pub(crate) fn ledger_pendings() -> Partition {
    Partition::new(Table::Control, "LEDGERPENDING".to_owned())
}

/// Leaves lie 256 to a partition, like the tiles they go into.
pub(crate) fn ledger_leaf(index: u64) -> Key {
    ledger_leaves(index / 256).key(&format!("{index:020}"))
}

pub(crate) fn ledger_leaves(bundle: u64) -> Partition {
    Partition::new(Table::Control, format!("LEDGERLEAF#{bundle:020}"))
}
