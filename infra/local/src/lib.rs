//! Trackwell on one machine: the whole service in one process, without Docker, a cloud or the network.
//!
//! [`Stack`] is the door. It starts the stand-ins (tables, buckets, keys, mail), gives each function the context that
//! `template.yaml` gives it and nothing more, and takes requests and tasks to the very handlers that Lambda runs.
//!
//! - [`aws`]: the one front of all stand-ins: who calls, may they, what goes wrong, who answers.
//! - [`gateway`]: from an HTTP request to an API Gateway event, to a handler, and back.
//! - [`schedule`] and [`clock`]: time, which can be moved, and what runs by it.
//! - [`control`]: the pages and calls under `/_local`.
//! - [`keys`]: the keys of a deployment, here and on AWS.
//! - [`kms`], [`ses`], [`mailbox`], [`names`], [`iam`], [`runtime_api`]: the parts.

pub mod aws;
pub mod clock;
pub mod control;
pub mod gateway;
pub mod iam;
pub mod keys;
pub mod kms;
pub mod mailbox;
pub mod names;
pub mod output;
pub mod runtime_api;
pub mod schedule;
pub mod ses;
pub mod verify;

mod account;
mod answer;
mod connector;
mod contents;
mod deployment;
mod dynamodb;
mod error;
mod event;
mod external;
mod machine;
mod secrets;
mod server;
mod stack;
mod tasks;

pub use aws::{Aws, AwsRequest, CallRecord, CallSum, CallSums, Dropped, Fault};
pub use clock::Clocks;
pub use deployment::{general_parameters, general_template, ledger_bucket, logical_id, storage_key};
pub use error::{DataDirectoryError, StartError};
pub use machine::Machine;
pub use stack::{Options, Stack, Storage};
