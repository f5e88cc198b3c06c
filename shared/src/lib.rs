//! Trackwell's domain: the types, the pure rules, and the queries. There is no Lambda and no HTTP server in here.
//!
//! A reader may begin with [`policy`] (what was promised), [`stored`] (what is kept, and under which promise),
//! [`seal`] (how it is kept), [`erasure`] (how it goes) and [`ledger`] (how that is proved).

pub mod accounts;
pub mod activity;
pub mod attachments;
pub mod auth;
pub mod aws;
pub mod cards;
pub mod clock;
pub mod config;
pub mod ctx;
mod due;
pub mod egress;
pub mod email;
pub mod entropy;
pub mod erasure;
pub mod error;
pub mod files;
pub mod idempotency;
pub mod ids;
pub mod json;
pub mod keys;
mod kms;
pub mod ledger;
pub mod limits;
pub mod members;
pub mod mfa;
pub mod organisations;
pub mod outbox;
pub mod page;
pub mod policy;
pub mod problem;
pub mod records;
pub mod retention;
pub mod seal;
pub mod service_accounts;
pub mod softlock;
pub mod source;
pub mod sso;
pub mod staff;
pub mod store;
pub mod stored;
pub mod task;
pub mod text;
pub mod unit;
