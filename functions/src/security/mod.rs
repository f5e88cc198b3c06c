//! What is said in public about security (ITT-13).

pub(crate) mod contact;
pub(crate) mod get;
