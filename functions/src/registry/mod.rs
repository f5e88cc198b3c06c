//! The one list of routes and tasks. The binaries, `template.yaml`, the OpenAPI document, the local stack and the tests
//! are all checked against it.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};
use serde_json::json;
use shared::auth::{Action, Member, Staff};
use shared::ctx::Ctx;
use shared::error::{Error, Result};
use shared::idempotency::Idempotency;
use shared::ids::{ActorId, UserId};
use shared::keys::{Key, Tenant};
use shared::task::Deadline;

use crate::gateway::{Answer, Body, Request};

/// A request to a public route.
pub struct Call {
    /// What the function works with.
    pub ctx: Arc<Ctx>,
    /// The request.
    pub request: Request,
}

/// A request of a member.
pub struct MemberCall {
    /// What the function works with.
    pub ctx: Arc<Ctx>,
    /// The request.
    pub request: Request,
    /// The member, with what was read in the one round trip.
    pub member: Member,
    /// The request's idempotency, when it has a key.
    pub idempotency: Option<Idempotency>,
}

/// A request of one of the operator's staff.
pub struct StaffCall {
    /// What the function works with.
    pub ctx: Arc<Ctx>,
    /// The request.
    pub request: Request,
    /// The member of staff, with what was read in the one round trip.
    pub staff: Staff,
}

/// Answers a public request.
pub type PublicHandler = fn(Call) -> BoxFuture<'static, Result<Answer>>;

/// Answers a member's request.
pub type MemberHandler = fn(MemberCall) -> BoxFuture<'static, Result<Answer>>;

/// Answers a request of staff.
pub type StaffHandler = fn(StaffCall) -> BoxFuture<'static, Result<Answer>>;

/// The keys that a member's request needs, from its path.
pub type NeedsOf = fn(Tenant, ActorId, &Request) -> Result<Vec<Key>>;

/// The keys that a request of staff needs, from its path.
pub type StaffNeedsOf = fn(UserId, &Request) -> Result<Vec<Key>>;

/// Who may ask.
#[derive(Clone, Copy)]
pub enum Access {
    /// Anybody.
    Public(PublicHandler),
    /// A member of an organisation who may do `action`.
    Member {
        /// What is asked for.
        action: Action,
        /// What else is read in the one round trip.
        needs: NeedsOf,
        /// Answers.
        handler: MemberHandler,
    },
    /// One of the operator's staff who may do `action`. To everybody else there is no such route.
    Staff {
        /// What is asked for.
        action: Action,
        /// What else is read in the one round trip.
        needs: StaffNeedsOf,
        /// Answers.
        handler: StaffHandler,
    },
}

/// How often a route may be asked for; API Gateway counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Passwords, codes and mails.
    Sensitive,
    /// Everything else.
    Ordinary,
}

/// What a route does with an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Nothing: repeating the request has no further effect anyway, or creates nothing.
    None,
    /// The gateway gives the first answer again.
    Optional,
    /// The handler names what it creates by it.
    Required,
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its shape.
    pub schema: fn() -> serde_json::Value,
}

/// The shape of a body.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A route: one Lambda function.
#[derive(Clone, Copy)]
pub struct Route {
    /// Its name: the binary, the operation id, the file (`records-create` is `records/create.rs`).
    pub name: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path, with parameters in braces.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What it takes as a body.
    pub body: Body,
    /// The body's shape.
    pub request: Option<SchemaOf>,
    /// What it takes in the query.
    pub query: &'static [Parameter],
    /// Whether the query may hold parameters that mean nothing here, because somebody else makes it.
    pub other_parameters: bool,
    /// What it does with an `Idempotency-Key`.
    pub idempotency_key: KeyUse,
    /// How often it may be asked for.
    pub rate: Rate,
    /// What its successful answers are.
    pub media_type: &'static str,
    /// Status and shape of its successful answers.
    pub success: &'static [(u16, Option<SchemaOf>)],
    /// Statuses of problems beyond those that follow from the above.
    pub problems: &'static [u16],
}

impl Route {
    /// The names of the path's parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Runs a task.
pub type TaskHandler =
    fn(Arc<Ctx>, serde_json::Value, Deadline) -> BoxFuture<'static, Result<serde_json::Value>>;

/// A task: one Lambda function.
pub struct Task {
    /// Its name: the binary and the file.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// When EventBridge runs it; `None` for what the operator runs by hand.
    pub schedule: Option<&'static str>,
    /// Runs it.
    pub handler: TaskHandler,
}

const NO_QUERY: &[Parameter] = &[];
const KB: usize = 1024;

/// The limit of an ordinary JSON body.
const JSON: Body = Body::Json(64 * KB);
const PATCH: Body = Body::MergePatch(64 * KB);

const LIMIT: Parameter = Parameter {
    name: "limit",
    description: "How many at most.",
    required: false,
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
};
const CURSOR: Parameter = Parameter {
    name: "cursor",
    description: "Where the last page ended: its next_cursor. Opaque.",
    required: false,
    schema: || json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{22,}$" }),
};

/// The pattern of some of these words, separated by commas.
fn list_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words = words.collect::<Vec<_>>().join("|");
    format!("^({words})(,({words}))*$")
}

fn needs_nothing(_: Tenant, _: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(Vec::new())
}

fn shape<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A route that answers nothing.
const fn described(route: &Route) -> Route {
    let access = match route.access {
        Access::Public(_) => ROUTE.access,
        Access::Member { action, .. } => Access::Member {
            action,
            needs: needs_nothing,
            handler: |_| Box::pin(async { Err(Error::NotFound) }),
        },
        Access::Staff { action, .. } => Access::Staff {
            action,
            needs: |_, _| Ok(Vec::new()),
            handler: |_| Box::pin(async { Err(Error::NotFound) }),
        },
    };
    Route { access, ..*route }
}

/// A route that does not describe itself.
const fn served(route: &Route) -> Route {
    Route {
        summary: "",
        request: None,
        success: &[],
        ..*route
    }
}

macro_rules! routes {
    ($($id:ident = $route:expr;)*) => {
        mod declared {
            use super::*;
            $(pub(super) static $id: Route = $route;)*
        }

        $(
            #[doc = "As its function serves it: without the shapes of bodies, whose code no function needs to answer."]
            pub static $id: Route = served(&declared::$id);
        )*

        /// The routes of this area.
        pub(super) static ROUTES: &[&Route] = &[$(&declared::$id),*];

        /// How many they are.
        pub(super) const COUNT: usize = [$(stringify!($id)),*].len();
    };
}

macro_rules! areas {
    ($($area:ident),*) => {
        $(
            mod $area;
            pub use $area::*;
        )*

        const TOTAL: usize = 0 $(+ $area::COUNT)*;

        /// Every route.
        pub static ROUTES: &[&Route] = &joined(&[$($area::ROUTES),*]);
    };
}

const fn joined(areas: &[&[&'static Route]]) -> [&'static Route; TOTAL] {
    let mut all = [areas[0][0]; TOTAL];
    let (mut area, mut next) = (0, 0);
    while area < areas.len() {
        let mut index = 0;
        while index < areas[area].len() {
            all[next] = areas[area][index];
            next += 1;
            index += 1;
        }
        area += 1;
    }
    all
}

/// Every route as a description, without its handler: a function that only talks about routes must not carry the code of
/// them all.
pub(crate) static DESCRIBED: &[Route] = &{
    let mut all = [ROUTE; TOTAL];
    let mut index = 0;
    while index < TOTAL {
        all[index] = described(ROUTES[index]);
        index += 1;
    }
    all
};

macro_rules! tasks {
    ($($id:ident = $task:expr;)*) => {
        $(
            #[doc = "See its `summary`."]
            pub static $id: Task = $task;
        )*

        /// Every task.
        pub static TASKS: &[&Task] = &[$(&$id),*];
    };
}

/// What most routes are; each says what is different.
const ROUTE: Route = Route {
    name: "",
    method: "GET",
    path: "",
    summary: "",
    access: Access::Public(|call| Box::pin(crate::fallback::answer::handle(call))),
    body: Body::None,
    request: None,
    query: NO_QUERY,
    other_parameters: false,
    idempotency_key: KeyUse::None,
    rate: Rate::Ordinary,
    media_type: "application/json",
    success: &[],
    problems: &[],
};

macro_rules! public {
    ($($path:tt)*) => { Access::Public(|call| Box::pin(crate::$($path)*::handle(call))) };
}

macro_rules! member {
    ($action:ident, $needs:path, $($path:tt)*) => {
        Access::Member {
            action: Action::$action,
            needs: $needs,
            handler: |call| Box::pin(crate::$($path)*::handle(call)),
        }
    };
}

macro_rules! staff {
    ($action:ident, $needs:path, $($path:tt)*) => {
        Access::Staff {
            action: Action::$action,
            needs: $needs,
            handler: |call| Box::pin(crate::$($path)*::handle(call)),
        }
    };
}

macro_rules! task {
    ($($path:tt)*) => { |ctx, input, deadline| Box::pin(crate::$($path)*::run(ctx, input, deadline)) };
}

areas!(
    accounts,
    factors,
    sessions,
    members,
    organisations,
    recovery,
    services,
    sso,
    activity,
    records,
    staff,
    public
);

mod tasks;
pub use tasks::*;

fn any_object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object" })
}

fn any_text(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string" })
}

fn csv_file(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string", "description": "A CSV file whose header names fields." })
}

/// The route of that name.
pub fn route(name: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.name == name).copied()
}

/// The task of that name.
pub fn task(name: &str) -> Option<&'static Task> {
    TASKS.iter().find(|task| task.name == name).copied()
}
