//! People with a login: registration, credentials, sessions, tokens.

pub mod model;
pub mod open_sessions;
pub mod password;
pub mod refresh;
pub mod sessions;
pub mod sign_in;
pub mod store;
pub mod token;
