//! Activity logs: what happened to an organisation and in a user's own account (TDO-5, ASVS 16.3).
//!
//! An organisation's log says who did what to what, in ids. A user's own log also says from where, sealed with the
//! user's key. Entries are kept for eighteen months, between the 12 and 24 that policies promise for logs (OCK-12): a
//! reader leaves older ones out, and the table deletes them some days later.

pub mod export;
pub mod model;
pub mod read;
pub mod store;
