//! Retention.

pub(crate) mod plan;
