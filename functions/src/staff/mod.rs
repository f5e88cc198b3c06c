//! What the operator's staff see of organisations, and the tasks by which the operator says who is staff.

pub(crate) mod invite;
pub(crate) mod lookup;
pub(crate) mod organisations;
pub(crate) mod remove;
