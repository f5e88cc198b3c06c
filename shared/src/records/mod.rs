//! Tracked things and their timelines.

pub mod csv;
pub mod fields;
pub mod import;
pub mod list;
pub mod model;
pub mod rules;
pub mod store;
