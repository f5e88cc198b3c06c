//! The one list of routes and tasks. The binaries, `template.yaml`, the OpenAPI document, the local stack and the tests
//! are all checked against it.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};
use serde_json::json;
use shared::auth::{Action, Member};
use shared::ctx::Ctx;
use shared::error::{Error, Result};
use shared::idempotency::Idempotency;
use shared::ids::UserId;
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

/// Answers a public request.
pub type PublicHandler = fn(Call) -> BoxFuture<'static, Result<Answer>>;

/// Answers a member's request.
pub type MemberHandler = fn(MemberCall) -> BoxFuture<'static, Result<Answer>>;

/// The keys that a member's request needs, from its path.
pub type NeedsOf = fn(Tenant, UserId, &Request) -> Result<Vec<Key>>;

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

fn needs_nothing(_: Tenant, _: UserId, _: &Request) -> Result<Vec<Key>> {
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

        /// Every route.
        pub static ROUTES: &[&Route] = &[$(&declared::$id),*];

        /// Every route as a description, without its handler: a function that only talks about routes must not carry
        /// the code of them all.
        pub(crate) static DESCRIBED: &[Route] = &[$(described(&declared::$id)),*];
    };
}

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

macro_rules! task {
    ($($path:tt)*) => { |ctx, input, deadline| Box::pin(crate::$($path)*::run(ctx, input, deadline)) };
}

use crate::{attachments, auth, billing, erasures, imports, me, organisation, policy, records};

routes! {
    AUTH_REGISTER = Route {
        name: "auth-register", method: "POST", path: "/v1/auth/register",
        summary: "Registers a person and an organisation. An address that is taken looks the same as a new one.",
        access: public!(auth::register), body: JSON, request: Some(shape::<auth::register::RegisterRequest>),
        rate: Rate::Sensitive, success: &[(202, Some(shape::<auth::Accepted>))], ..ROUTE
    };
    AUTH_VERIFY_EMAIL = Route {
        name: "auth-verify-email", method: "POST", path: "/v1/auth/verify-email",
        summary: "Shows with the code from the mail that the address is one's own.",
        access: public!(auth::verify_email), body: JSON, request: Some(shape::<auth::verify_email::VerifyEmailRequest>),
        rate: Rate::Sensitive, success: &[(204, None)], ..ROUTE
    };
    AUTH_RESEND_VERIFICATION = Route {
        name: "auth-resend-verification", method: "POST", path: "/v1/auth/resend-verification",
        summary: "Sends the code again, if there is an account that waits for it.",
        access: public!(auth::resend_verification), body: JSON,
        request: Some(shape::<auth::resend_verification::ResendVerificationRequest>),
        rate: Rate::Sensitive, success: &[(202, Some(shape::<auth::Accepted>))], ..ROUTE
    };
    AUTH_LOGIN = Route {
        name: "auth-login", method: "POST", path: "/v1/auth/login",
        summary: "Signs in with address and password.",
        access: public!(auth::login), body: JSON, request: Some(shape::<auth::login::LoginRequest>),
        rate: Rate::Sensitive, success: &[(200, Some(shape::<auth::TokensResponse>))], problems: &[401], ..ROUTE
    };
    AUTH_REFRESH = Route {
        name: "auth-refresh", method: "POST", path: "/v1/auth/refresh",
        summary: "Gives new tokens for a refresh token, which is good once.",
        access: public!(auth::refresh), body: JSON, request: Some(shape::<auth::refresh::RefreshRequest>),
        rate: Rate::Sensitive, success: &[(200, Some(shape::<auth::TokensResponse>))], problems: &[401], ..ROUTE
    };
    AUTH_LOGOUT = Route {
        name: "auth-logout", method: "POST", path: "/v1/auth/logout",
        summary: "Ends the session. Its tokens are refused from the next request on.",
        access: member!(UseOwnAccount, needs_nothing, auth::logout), success: &[(204, None)], ..ROUTE
    };
    JWKS_GET = Route {
        name: "jwks-get", path: "/.well-known/jwks.json",
        summary: "The keys that verify access tokens (RFC 7517).",
        access: public!(jwks::get), success: &[(200, Some(shape::<shared::accounts::token::PublicKeys>))], ..ROUTE
    };
    OPENAPI_GET = Route {
        name: "openapi-get", path: "/openapi.json",
        summary: "This API as an OpenAPI 3.1 document.",
        access: public!(openapi::get), success: &[(200, Some(any_object))], ..ROUTE
    };
    SECURITY_CONTACT = Route {
        name: "security-contact", path: "/.well-known/security.txt",
        summary: "Where to report a vulnerability (RFC 9116).",
        access: public!(security::contact), media_type: "text/plain", success: &[(200, Some(any_text))], ..ROUTE
    };
    SECURITY_GET = Route {
        name: "security-get", path: "/security",
        summary: "How data is protected, and how to report a vulnerability; a page.",
        access: public!(security::get), media_type: "text/html", success: &[(200, Some(any_text))], ..ROUTE
    };
    POLICY_GET = Route {
        name: "policy-get", path: "/v1/policy",
        summary: "The privacy policy that is executed: categories, purposes, periods, processors, cookies.",
        access: public!(policy::get), success: &[(200, Some(shape::<policy::get::PolicyResponse>))], ..ROUTE
    };
    ME_GET = Route {
        name: "me-get", path: "/v1/me",
        summary: "The own account.",
        access: member!(UseOwnAccount, me::needs, me::get),
        success: &[(200, Some(shape::<me::MeResponse>)), (304, None)], problems: &[404], ..ROUTE
    };
    ME_UPDATE = Route {
        name: "me-update", method: "PATCH", path: "/v1/me",
        summary: "Changes the own account.",
        access: member!(UseOwnAccount, me::needs, me::update), body: PATCH,
        request: Some(shape::<me::update::MePatch>),
        success: &[(200, Some(shape::<me::MeResponse>))], problems: &[404, 412], ..ROUTE
    };
    ME_DELETE = Route {
        name: "me-delete", method: "DELETE", path: "/v1/me",
        summary: "Deletes the own account at once and for good: when this answers, nothing of it is readable.",
        access: member!(DeleteOwnAccount, me::delete::needs, me::delete),
        success: &[(202, Some(shape::<erasures::ErasureBegun>))], problems: &[409], ..ROUTE
    };
    ORGANISATION_GET = Route {
        name: "organisation-get", path: "/v1/organisation",
        summary: "The own organisation and its subscription.",
        access: member!(ReadOrganisation, needs_nothing, organisation::get),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>)), (304, None)], ..ROUTE
    };
    ORGANISATION_UPDATE = Route {
        name: "organisation-update", method: "PATCH", path: "/v1/organisation",
        summary: "Changes the organisation.",
        access: member!(UpdateOrganisation, needs_nothing, organisation::update), body: PATCH,
        request: Some(shape::<organisation::update::OrganisationPatch>),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>))], problems: &[412], ..ROUTE
    };
    ORGANISATION_DELETE = Route {
        name: "organisation-delete", method: "DELETE", path: "/v1/organisation",
        summary: "Closes the organisation: its data is unreadable when this answers, except what a statute or a hold keeps.",
        access: member!(CloseOrganisation, needs_nothing, organisation::delete),
        success: &[(202, Some(shape::<erasures::ErasureBegun>))], ..ROUTE
    };
    ORGANISATION_CANCEL = Route {
        name: "organisation-cancel", method: "POST", path: "/v1/organisation/cancel",
        summary: "Cancels the subscription. The answer says when which data is erased.",
        access: member!(ManageSubscription, needs_nothing, organisation::cancel),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>))], problems: &[409], ..ROUTE
    };
    ORGANISATION_RESUME = Route {
        name: "organisation-resume", method: "POST", path: "/v1/organisation/resume",
        summary: "Resumes a cancelled subscription: no period runs any more.",
        access: member!(ManageSubscription, needs_nothing, organisation::resume),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>))], problems: &[409], ..ROUTE
    };
    BILLING_GET = Route {
        name: "billing-get", path: "/v1/organisation/billing",
        summary: "To whom invoices go.",
        access: member!(ReadBilling, billing::needs, billing::get),
        success: &[(200, Some(shape::<billing::BillingResponse>)), (304, None)], problems: &[404], ..ROUTE
    };
    BILLING_PUT = Route {
        name: "billing-put", method: "PUT", path: "/v1/organisation/billing",
        summary: "Says to whom invoices go. Never a card: the payment provider has that.",
        access: member!(UpdateBilling, billing::needs, billing::put), body: JSON,
        request: Some(shape::<shared::organisations::model::BillingDetails>),
        success: &[(200, Some(shape::<billing::BillingResponse>))], problems: &[412], ..ROUTE
    };
    RECORDS_CREATE = Route {
        name: "records-create", method: "POST", path: "/v1/records",
        summary: "Creates a record of a kind.",
        access: member!(WriteRecords, needs_nothing, records::create), body: JSON,
        request: Some(shape::<records::create::CreateRequest>), idempotency_key: KeyUse::Optional,
        success: &[(201, Some(shape::<records::RecordResponse>))], problems: &[409], ..ROUTE
    };
    RECORDS_LIST = Route {
        name: "records-list", path: "/v1/records",
        summary: "Lists the records of a kind.",
        access: member!(ReadRecords, needs_nothing, records::list),
        query: &[
            Parameter {
                name: "kind", description: "Which records.", required: true,
                schema: || json!({ "type": "string", "enum": ["asset", "licence", "employee", "domain"] }),
            },
            Parameter {
                name: "status", description: "Only assets of these statuses, separated by commas.", required: false,
                schema: || json!({ "type": "string", "pattern": "^[a-z]+(,[a-z]+)*$" }),
            },
            Parameter {
                name: "sort", description: "In which order; - is newest first.", required: false,
                schema: || {
                    let orders = ["created_at", "-created_at", "updated_at", "-updated_at"];
                    json!({ "type": "string", "enum": orders, "default": "created_at" })
                },
            },
            LIMIT,
            CURSOR,
        ],
        success: &[(200, Some(shape::<records::list::ListResponse>))], ..ROUTE
    };
    RECORDS_GET = Route {
        name: "records-get", path: "/v1/records/{record_id}",
        summary: "One record.",
        access: member!(ReadRecords, records::needs, records::get),
        success: &[(200, Some(shape::<records::RecordResponse>)), (304, None)], problems: &[404], ..ROUTE
    };
    RECORDS_UPDATE = Route {
        name: "records-update", method: "PATCH", path: "/v1/records/{record_id}",
        summary: "Changes a record's fields (JSON Merge Patch). Needs If-Match.",
        access: member!(WriteRecords, records::needs, records::update), body: PATCH,
        request: Some(shape::<records::update::UpdateRequest>),
        success: &[(200, Some(shape::<records::RecordResponse>))], problems: &[404, 409, 412, 428], ..ROUTE
    };
    RECORDS_DELETE = Route {
        name: "records-delete", method: "DELETE", path: "/v1/records/{record_id}",
        summary: "Deletes a record with its attachments and the values in its timeline. Needs If-Match.",
        access: member!(DeleteRecords, records::needs, records::delete),
        success: &[(204, None)], problems: &[404, 412, 428], ..ROUTE
    };
    RECORDS_TIMELINE = Route {
        name: "records-timeline", path: "/v1/records/{record_id}/events",
        summary: "What happened to a record, oldest first.",
        access: member!(ReadRecords, records::needs, records::timeline), query: &[LIMIT, CURSOR],
        success: &[(200, Some(shape::<records::timeline::TimelineResponse>))], problems: &[404], ..ROUTE
    };
    ATTACHMENTS_CREATE = Route {
        name: "attachments-create", method: "POST", path: "/v1/records/{record_id}/attachments",
        summary: "Attaches a link, or announces a file and gets the request that uploads it.",
        access: member!(WriteRecords, records::needs, attachments::create), body: JSON,
        request: Some(shape::<attachments::create::CreateRequest>), idempotency_key: KeyUse::Optional,
        success: &[(201, Some(shape::<attachments::AttachmentResponse>))], problems: &[404, 409], ..ROUTE
    };
    ATTACHMENTS_COMPLETE = Route {
        name: "attachments-complete", method: "POST",
        path: "/v1/records/{record_id}/attachments/{attachment_id}/complete",
        summary: "Completes an upload after looking at what arrived.",
        access: member!(WriteRecords, attachments::needs, attachments::complete),
        success: &[(200, Some(shape::<attachments::AttachmentResponse>))], problems: &[404, 409, 422], ..ROUTE
    };
    ATTACHMENTS_LIST = Route {
        name: "attachments-list", path: "/v1/records/{record_id}/attachments",
        summary: "The attachments of a record.",
        access: member!(ReadRecords, records::needs, attachments::list),
        success: &[(200, Some(shape::<attachments::list::ListResponse>))], problems: &[404], ..ROUTE
    };
    ATTACHMENTS_GET = Route {
        name: "attachments-get", path: "/v1/records/{record_id}/attachments/{attachment_id}",
        summary: "One attachment, with the request that downloads it.",
        access: member!(ReadRecords, attachments::needs, attachments::get),
        success: &[(200, Some(shape::<attachments::AttachmentResponse>))], problems: &[404], ..ROUTE
    };
    ATTACHMENTS_DELETE = Route {
        name: "attachments-delete", method: "DELETE", path: "/v1/records/{record_id}/attachments/{attachment_id}",
        summary: "Deletes an attachment with all versions of its bytes.",
        access: member!(DeleteRecords, attachments::needs, attachments::delete),
        success: &[(204, None)], problems: &[404], ..ROUTE
    };
    IMPORTS_CREATE = Route {
        name: "imports-create", method: "POST", path: "/v1/imports",
        summary: "Creates up to 5,000 records from a CSV file and answers for each line. Needs Idempotency-Key.",
        access: member!(WriteRecords, needs_nothing, imports::create), body: Body::Csv(3 * KB * KB),
        request: Some(csv_file), query: &[Parameter {
            name: "kind", description: "What the lines are.", required: true,
            schema: || json!({ "type": "string", "enum": ["asset"] }),
        }],
        idempotency_key: KeyUse::Required,
        success: &[(201, Some(shape::<imports::ImportResponse>))], problems: &[400, 409], ..ROUTE
    };
    IMPORTS_GET = Route {
        name: "imports-get", path: "/v1/imports/{import_id}",
        summary: "The answer of an import again.",
        access: member!(ReadRecords, imports::needs, imports::get),
        success: &[(200, Some(shape::<imports::ImportResponse>))], problems: &[404], ..ROUTE
    };
    ERASURES_GET = Route {
        name: "erasures-get", path: "/v1/erasures/{erasure_id}",
        summary: "Where an erasure stands, and its receipt. The id is all that is needed: the account may be gone.",
        access: public!(erasures::get),
        success: &[(200, Some(shape::<erasures::get::ErasureResponse>))], problems: &[404], ..ROUTE
    };
    LEDGER_GET = Route {
        name: "ledger-get", path: "/v1/ledger",
        summary: "The erasure ledger's newest checkpoint and the key that verifies it and every receipt.",
        access: public!(ledger::get), success: &[(200, Some(shape::<crate::ledger::get::LedgerResponse>))], ..ROUTE
    };
    FALLBACK_ANSWER = Route {
        name: "fallback-answer", method: "ANY", path: "/{proxy+}",
        summary: "Answers what no route takes: 404, or 405 with the methods that the path has.",
        access: public!(fallback::answer), body: Body::None, ..ROUTE
    };
}

tasks! {
    RETENTION_PLAN = Task {
        name: "retention-plan", summary: "Erases every unit that is due.", schedule: Some("rate(15 minutes)"),
        handler: task!(retention::plan),
    };
    ERASURE_PURGE = Task {
        name: "erasure-purge", summary: "Deletes what is left of erased units, verifies and signs the receipts.",
        schedule: Some("rate(1 minute)"), handler: task!(erasure::purge),
    };
    LEDGER_SEAL = Task {
        name: "ledger-seal", summary: "Gives ledger entries their index and publishes a signed checkpoint.",
        schedule: Some("rate(1 minute)"), handler: task!(ledger::seal),
    };
    LEDGER_VERIFY = Task {
        name: "ledger-verify", summary: "Reads the published ledger again and holds it against its signed checkpoint.",
        schedule: Some("rate(1 day)"), handler: task!(ledger::verify),
    };
    MAIL_RETRY = Task {
        name: "mail-retry", summary: "Sends mails that could not be sent when they were written.",
        schedule: Some("rate(5 minutes)"), handler: task!(mail::retry),
    };
    HOLDS_PLACE = Task {
        name: "holds-place", summary: "Places a legal hold on a unit; the operator runs it.", schedule: None,
        handler: task!(holds::place),
    };
    HOLDS_RELEASE = Task {
        name: "holds-release", summary: "Releases a legal hold; the operator runs it.", schedule: None,
        handler: task!(holds::release),
    };
}

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
