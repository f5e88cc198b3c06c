//! The erasure ledger.

pub(crate) mod get;
pub(crate) mod seal;
pub(crate) mod verify;
