//! Mail.

pub(crate) mod retry;
