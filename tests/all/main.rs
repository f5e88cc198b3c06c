//! Trackwell's promises as tests: the real handlers, through the gateway's events, against real emulators.

#![expect(
    unreachable_pub,
    reason = "the harness is shared by the modules of one binary"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod accounts;
mod activity;
mod answers;
mod api_keys;
mod attachments;
mod browsers;
mod canary;
mod colleagues;
mod connections;
mod crash;
mod defence;
mod deletion;
mod domains;
mod egress;
mod erasure;
mod factors;
mod faults;
mod fields;
mod harness;
mod http;
mod idempotency;
mod identities;
mod imports;
mod invitations;
mod jwt;
mod lists;
mod lost_factors;
mod mails;
mod matrix;
mod members;
mod membership;
mod monitoring;
mod names;
mod open_sessions;
mod openid;
mod outages;
mod owners;
mod passkeys;
mod passwords;
mod records;
mod recovery;
mod retention;
mod roles;
mod seldom;
mod services;
mod sessions;
mod settings;
mod sign_on;
mod sso_only;
mod staff;
mod staff_access;
mod support;
mod tenants;
mod unique;
mod uploads;
