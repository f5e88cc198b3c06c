//! The privacy policy.

pub(crate) mod get;
