//! The one way out: whatever is not AWS is asked through [`Egress`], and by nothing else.
//!
//! Who is asked is often a customer's choice (an identity provider, later a webhook), so the client trusts neither the
//! URL, nor the name, nor the answer. HTTPS to port 443 only; a name is resolved here, every address it has must be a
//! public one, and the connection goes to an address that was checked, so that a name that changes its mind between
//! check and use gains nothing. Redirects are answers like any other. Time and size are limited.

mod address;
mod client;
mod destination;
pub mod dns;

use std::net::SocketAddr;

use crate::error::Error;

pub use client::{Egress, Limits, public_roots};
pub use destination::Destination;

/// How a function reaches the outside. The default is right wherever nothing stands in for the outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressConfig {
    /// `EGRESS_LOOPBACK=allow`: the machine itself may be asked, also without TLS and at any port. Only set where
    /// something on it stands in for the outside.
    pub loopback: bool,
    /// `DNS_SERVER`: the address and port of the name server, instead of those in `/etc/resolv.conf`. Only set where
    /// something stands in for it.
    pub dns_server: Option<SocketAddr>,
}

/// Why there is no answer. It names neither the destination nor anything of the answer, so it can be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It must not be asked: one of its addresses is not a public one.
    Refused,
    /// Its name has no address, or the name server does not answer.
    Unresolved,
    /// It takes no connection, or drops it.
    Unreachable,
    /// It does not prove who it is (TLS 1.2 or later, a certificate of a public authority for its name).
    Untrusted,
    /// It did not answer in time.
    Slow,
    /// Its answer is larger than is read.
    TooLarge,
    /// Its answer is not HTTP, or not what was asked for.
    Garbled,
    /// It answered with this status where another was due.
    Status(u16),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused => f.write_str("the destination is not a public one"),
            Self::Unresolved => f.write_str("the destination's name does not resolve"),
            Self::Unreachable => f.write_str("the destination takes no connection"),
            Self::Untrusted => f.write_str("the destination does not prove who it is"),
            Self::Slow => f.write_str("the destination did not answer in time"),
            Self::TooLarge => f.write_str("the destination's answer is too large"),
            Self::Garbled => f.write_str("the destination's answer is not what was asked for"),
            Self::Status(status) => write!(f, "the destination answered {status}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::unavailable(format!("egress: {failure}"))
    }
}
