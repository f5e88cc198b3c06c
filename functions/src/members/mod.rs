//! The members of an organisation.

pub(crate) mod sessions_delete;
