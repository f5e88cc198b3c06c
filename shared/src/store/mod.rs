//! The one way to DynamoDB: typed items in, typed items out, every condition explicit.

mod client;
mod expression;
mod item;
mod query;
mod single;
mod transaction;

pub(crate) use client::failure;
pub use client::{Store, TableNames};
pub use expression::{Condition, Update};
pub use item::{Item, Raw};
pub use query::{After, Index, Page, Query};
pub use transaction::{Commit, Rejection, Transaction};
