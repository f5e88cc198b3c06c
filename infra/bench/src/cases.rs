//! What each function is tried with and what it must answer, by its name: one line for each, and none may be missing.

use functions::registry::{self, FALLBACK_ANSWER, ROUTES, TASKS};
use http::Method;
use local::gateway::matched;
use serde_json::{Value, json};

use crate::Result;
use crate::api::Call;
use crate::calls::Ask;
use crate::customer::{self, Customer, PASSWORD};
use crate::stage::Stage;

/// A route, the status that it must answer with, and the request.
pub(crate) struct RouteCase {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    ask: fn(&Stage) -> Ask,
}

/// A task and its input.
pub(crate) struct TaskCase {
    pub(crate) name: &'static str,
    pub(crate) input: fn(&Stage) -> Value,
}

const fn route(name: &'static str, status: u16, ask: fn(&Stage) -> Ask) -> RouteCase {
    RouteCase { name, status, ask }
}

const fn task(name: &'static str, input: fn(&Stage) -> Value) -> TaskCase {
    TaskCase { name, input }
}
