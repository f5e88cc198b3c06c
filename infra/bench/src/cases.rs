//! What each function is tried with and how it must answer, by its name. None may be missing.

use functions::registry::{self, FALLBACK_ANSWER, ROUTES, TASKS};
use http::Method;
use local::gateway::matched;
use serde_json::{Value, json};

use crate::Result;
use crate::api::Call;
use crate::customer::{self, Customer, PASSWORD};
use crate::stage::Stage;

/// A route, the status that it must answer with, and the request.
pub(crate) struct RouteCase {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    call: fn(&Stage) -> Call,
}

/// A task and its input.
pub(crate) struct TaskCase {
    pub(crate) name: &'static str,
    pub(crate) input: fn(&Stage) -> Value,
}

/// Every route. No case takes away what another needs, so they work in any order.
#[rustfmt::skip]
pub(crate) static ROUTE_CASES: &[RouteCase] = &[
    route("auth-register", 202, |s| post("/v1/auth/register").json(&s.registration)),
    route("auth-verify-email", 204, |s| post("/v1/auth/verify-email").json(&json!({ "code": s.code }))),
    route("auth-resend-verification", 202, |s| {
        post("/v1/auth/resend-verification").json(&json!({ "email": s.forgetful }))
    }),
    route("auth-login", 200, |s| {
        post("/v1/auth/login").json(&json!({ "email": s.ada.email, "password": PASSWORD }))
    }),
    route("auth-refresh", 200, |s| {
        post("/v1/auth/refresh").json(&json!({ "refresh_token": s.lasting.refresh_token }))
    }),
    route("auth-logout", 204, |s| post("/v1/auth/logout").by(&s.ending)),
    route("jwks-get", 200, |_| get("/.well-known/jwks.json")),
    route("openapi-get", 200, |_| get("/openapi.json")),
    route("security-contact", 200, |_| get("/.well-known/security.txt")),
    route("security-get", 200, |_| get("/security")),
    route("policy-get", 200, |_| get("/v1/policy")),
    route("me-get", 200, |s| get("/v1/me").by(&s.ada)),
    route("me-update", 200, |s| patch("/v1/me", &json!({ "name": "Ada Example" })).by(&s.ada)),
    route("me-delete", 202, |s| delete("/v1/me").by(&s.closed)),
    route("organisation-get", 200, |s| get("/v1/organisation").by(&s.ada)),
    route("organisation-update", 200, |s| {
        patch("/v1/organisation", &json!({ "name": "Example Works" })).by(&s.ada)
    }),
    route("organisation-delete", 202, |s| delete("/v1/organisation").by(&s.closing)),
    route("organisation-cancel", 200, |s| post("/v1/organisation/cancel").by(&s.leaving)),
    route("organisation-resume", 200, |s| post("/v1/organisation/resume").by(&s.cancelled)),
    route("billing-get", 200, |s| get("/v1/organisation/billing").by(&s.ada)),
    route("billing-put", 200, |s| {
        Call::new(Method::PUT, "/v1/organisation/billing").json(&customer::billing()).by(&s.ada)
    }),
    route("records-create", 201, |s| post("/v1/records").json(&customer::asset("new")).by(&s.ada)),
    route("records-list", 200, |s| get("/v1/records?kind=asset").by(&s.ada)),
    route("records-get", 200, |s| get(&record(s)).by(&s.ada)),
    route("records-update", 200, |s| {
        let (id, version) = &s.changing;
        let change = json!({ "fields": { "notes": "On the other desk" } });
        patch(&format!("/v1/records/{id}"), &change).header("if-match", version).by(&s.ada)
    }),
    route("records-delete", 204, |s| {
        let (id, version) = &s.doomed;
        delete(&format!("/v1/records/{id}")).header("if-match", version).by(&s.ada)
    }),
    route("records-timeline", 200, |s| get(&format!("{}/events", record(s))).by(&s.ada)),
    route("attachments-create", 201, |s| {
        let announcement = customer::announcement("new.txt", "What is in it.\n");
        post(&format!("{}/attachments", record(s))).json(&announcement).by(&s.ada)
    }),
    route("attachments-complete", 200, |s| {
        post(&format!("{}/attachments/{}/complete", record(s), s.uploaded)).by(&s.ada)
    }),
    route("attachments-list", 200, |s| get(&format!("{}/attachments", record(s))).by(&s.ada)),
    route("attachments-get", 200, |s| get(&format!("{}/attachments/{}", record(s), s.attachment)).by(&s.ada)),
    route("attachments-delete", 204, |s| delete(&format!("{}/attachments/{}", record(s), s.spare)).by(&s.ada)),
    route("imports-create", 201, |s| {
        let import = post("/v1/imports?kind=asset").header("idempotency-key", "bench-import");
        import.with("text/csv", customer::csv("bench", 100)).by(&s.ada)
    }),
    route("imports-get", 200, |s| get(&format!("/v1/imports/{}", s.import)).by(&s.ada)),
    route("erasures-get", 200, |s| get(&format!("/v1/erasures/{}", s.erasure))),
    route("ledger-get", 200, |_| get("/v1/ledger")),
    route("fallback-answer", 404, |_| get("/v1/nothing-is-here")),
];

/// Every task.
pub(crate) static TASK_CASES: &[TaskCase] = &[
    task("retention-plan", |_| json!({})),
    task("erasure-purge", |_| json!({})),
    task("ledger-seal", |_| json!({})),
    task("ledger-verify", |_| json!({})),
    task("mail-retry", |_| json!({})),
    task(
        "holds-place",
        |stage| json!({ "unit": stage.unit, "reason": "Another case before the court" }),
    ),
    task(
        "holds-release",
        |stage| json!({ "unit": stage.held.0, "hold": stage.held.1 }),
    ),
];

const fn route(name: &'static str, status: u16, call: fn(&Stage) -> Call) -> RouteCase {
    RouteCase { name, status, call }
}

const fn task(name: &'static str, input: fn(&Stage) -> Value) -> TaskCase {
    TaskCase { name, input }
}

fn get(path: &str) -> Call {
    Call::new(Method::GET, path)
}

fn post(path: &str) -> Call {
    Call::new(Method::POST, path)
}

fn delete(path: &str) -> Call {
    Call::new(Method::DELETE, path)
}

fn patch(path: &str, change: &Value) -> Call {
    Call::new(Method::PATCH, path).with("application/merge-patch+json", change.to_string())
}

fn record(stage: &Stage) -> String {
    format!("/v1/records/{}", stage.record)
}

impl Call {
    fn by(mut self, customer: &Customer) -> Self {
        self.token = Some(customer.token());
        self
    }
}

impl RouteCase {
    /// The request, which is one to this route.
    pub(crate) fn call(&self, stage: &Stage) -> Result<Call> {
        let call = (self.call)(stage);
        let path = call.path.split('?').next().unwrap_or_default();
        let taken_by = matched(call.method.as_str(), path).route.name;
        if taken_by == self.name {
            Ok(call)
        } else {
            Err(format!("the case of {} is a request to {taken_by}", self.name))
        }
    }
}

/// Whether every function of the registry has its case, and every case its function and a status of success.
pub(crate) fn complete() -> Result<()> {
    let mut wrong = Vec::new();
    for route in ROUTES {
        if ROUTE_CASES.iter().filter(|case| case.name == route.name).count() != 1 {
            wrong.push(format!("{} needs one case", route.name));
        }
    }
    for task in TASKS {
        if TASK_CASES.iter().filter(|case| case.name == task.name).count() != 1 {
            wrong.push(format!("{} needs one case", task.name));
        }
    }
    for case in ROUTE_CASES {
        let succeeds = registry::route(case.name).is_some_and(|route| {
            case.name == FALLBACK_ANSWER.name
                || route.success.iter().any(|(status, _)| *status == case.status)
        });
        if !succeeds {
            wrong.push(format!(
                "the registry has no {} that succeeds with {}",
                case.name, case.status
            ));
        }
    }
    for case in TASK_CASES {
        if registry::task(case.name).is_none() {
            wrong.push(format!("the registry has no {}", case.name));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}
