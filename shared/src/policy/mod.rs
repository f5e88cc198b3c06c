//! The operator's privacy policy, as a manifest that is executed.
//!
//! A manifest is a TOML file of `infra/policies/`. [`Policy::parse`] turns it into types or into the list of all its
//! inconsistencies with file and line; whatever runs on the policy (retention, erasure, notices, legal pages) reads
//! those types. Each number that a person can hold the operator to names the promise it comes from, or says that it
//! is the operator's choice.

mod category;
mod check;
mod error;
mod model;
mod parse;
mod parse_category;
mod parse_lists;
mod profile;
mod raw;
mod registry;
mod values;
mod words;

#[cfg(test)]
mod inconsistencies;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod sound;
#[cfg(test)]
mod unkeepable;

pub use self::category::{Category, Fate, ItemFloor};
pub use self::error::{ManifestError, ManifestErrors};
pub use self::model::{Authority, Controller, Cookie, Policy, Processor, Purpose};
pub use self::registry::check_registry;
pub use self::values::{
    Country, Id, Lifetime, Mailbox, Origin, Phrase, PolicyVersion, Prefix, PromiseId, Stated, ValueError,
};
pub use self::words::{
    Anchor, Channel, Class, CookieCategory, HoldScope, LawfulBasis, LifecycleEvent, PasswordScheme, Profile,
    Role, Safeguard, UnknownWord,
};
