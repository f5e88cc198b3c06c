//! Service accounts and their API keys: what acts for an organisation and is no person.

pub mod api_keys;
pub mod model;
pub mod rules;
pub mod store;
pub mod warn;
