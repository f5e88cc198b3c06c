//! Public keys.

pub(crate) mod get;
