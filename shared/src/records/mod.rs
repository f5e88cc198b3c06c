//! Tracked things and their timelines.

pub mod import;
pub mod model;
pub mod rules;
pub mod store;
