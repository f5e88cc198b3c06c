//! Organisations, memberships, subscriptions and billing details.

pub mod model;
pub mod security;
pub mod store;
