//! From an API Gateway event to a handler and back.

mod answer;
mod dispatch;
mod pager;
mod request;
mod source;

pub use answer::{Answer, Stored};
pub use dispatch::answer;
pub use pager::{Pager, limit, present};
pub use request::{Body, Request};
pub use source::{limited, source};
