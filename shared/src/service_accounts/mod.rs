//! Service accounts and their API keys: what acts for an organisation and is no person.

pub mod model;
pub mod store;
