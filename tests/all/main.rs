//! Trackwell's promises as tests: the real handlers, through the gateway's events, against real emulators.

#![expect(
    unreachable_pub,
    reason = "the harness is shared by the modules of one binary"
)]

mod canary;
mod crash;
mod erasure;
mod harness;
mod names;
mod retention;
