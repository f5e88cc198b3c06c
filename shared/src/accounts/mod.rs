//! People with a login: registration, credentials, sessions, tokens.

pub(crate) mod codes;
pub mod email_change;
pub mod model;
pub mod open_sessions;
mod owner;
pub mod password;
pub mod password_change;
pub mod refresh;
pub mod reset;
pub mod sessions;
pub mod sign_in;
pub mod store;
pub mod token;
