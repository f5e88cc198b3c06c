//! Mail that is to be sent: written with the change that causes it, sent at most once.

pub mod model;
pub mod send;
pub mod templates;
