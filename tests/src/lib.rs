//! The promises as tests: see `all/`. What tests of several packages need is here.

pub mod authenticator;
