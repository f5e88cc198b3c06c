//! The identities at providers that sign the own account in.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
