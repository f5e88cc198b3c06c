//! The promises as tests: see `all/`. Here is what stands in for the outside.

pub mod openid;
