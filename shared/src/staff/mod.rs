//! The operator's staff, and the exceptional access that they can be given to an organisation's records (CTK-2).

pub mod model;
pub mod notice;
pub mod people;
pub mod rules;
pub mod store;
