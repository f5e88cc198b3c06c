//! Trackwell's promises as tests: the real handlers, through the gateway's events, against real emulators.

#![expect(
    unreachable_pub,
    reason = "the harness is shared by the modules of one binary"
)]

mod accounts;
mod attachments;
mod canary;
mod crash;
mod erasure;
mod faults;
mod harness;
mod http;
mod idempotency;
mod imports;
mod lists;
mod names;
mod records;
mod retention;
mod sessions;
mod support;
mod tenants;
