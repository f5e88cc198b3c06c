//! Files and links on a record.

pub mod model;
pub mod rules;
pub mod store;
