//! Erasure.

pub(crate) mod purge;
