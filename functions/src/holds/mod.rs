//! Legal holds, which the operator places by running these tasks by hand.

pub(crate) mod place;
pub(crate) mod release;
