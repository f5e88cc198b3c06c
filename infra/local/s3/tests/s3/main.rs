//! The server as the AWS SDK sees it, and as requests made by hand see it.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to fail its test")]

mod checksums;
mod client;
mod config;
mod durability;
mod encryption;
mod listing;
mod locks;
mod multipart;
mod objects;
mod signatures;
mod versions;
