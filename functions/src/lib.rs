//! Trackwell's Lambda functions. [`registry`] is the one list of them; everything else is checked against it.

pub mod gateway;
pub mod openapi;
pub mod registry;
mod serve;

mod access;
mod activity;
mod attachments;
mod auth;
mod billing;
mod erasure;
mod erasures;
mod factors;
mod fallback;
mod holds;
mod identities;
mod imports;
mod invitations;
mod jwks;
mod keys;
mod ledger;
mod mail;
mod me;
mod members;
mod metrics;
mod organisation;
mod policy;
mod records;
mod retention;
mod roles;
mod security;
mod services;
mod sessions;
mod sso;
mod staff;

pub use serve::{serve, serve_task};
