//! The promises as tests: see `all/`. Here is what stands in for the outside, and what tests of several packages need.

pub mod authenticator;
pub mod openid;
