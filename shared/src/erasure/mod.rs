//! The erasure engine: fence and shred in one transaction, purge, verify, seal.

pub mod audit;
pub mod engine;
pub mod hold;
pub mod model;
pub mod plan;
pub mod purge;
pub mod receipts;
pub mod sequence;
pub mod units;
