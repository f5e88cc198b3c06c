//! What each function is tried with and how it must answer, by its name. None may be missing.

use functions::registry::{self, FALLBACK_ANSWER, ROUTES, TASKS};
use http::Method;
use local::gateway::matched;
use serde_json::{Value, json};

use crate::Result;
use crate::api::Call;
use crate::customer::{self, Customer, PASSWORD};
use crate::stage::{Stage, desk};

/// What a password is changed to.
const OTHER_PASSWORD: &str = "seven lanterns beside the mill";

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
        put("/v1/organisation/billing", &customer::billing()).by(&s.ada)
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
    route("auth-forgot-password", 202, |s| {
        post("/v1/auth/forgot-password").json(&json!({ "email": s.ada.email }))
    }),
    route("auth-reset-password", 204, |s| {
        let chosen = json!({ "code": s.team.reset_code, "new_password": OTHER_PASSWORD });
        post("/v1/auth/reset-password").json(&chosen)
    }),
    route("auth-confirm-email", 204, |s| {
        post("/v1/auth/confirm-email").json(&json!({ "code": s.team.email_code }))
    }),
    route("auth-mfa", 200, |s| post("/v1/auth/mfa").json(&s.factors.second)),
    route("auth-passkey-begin", 200, |_| post("/v1/auth/passkeys")),
    route("auth-passkey-finish", 200, |s| post("/v1/auth/passkeys/finish").json(&s.factors.sign_in)),
    route("me-password", 200, |s| {
        let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
        put("/v1/me/password", &change).by(&s.team.careful)
    }),
    route("me-email", 202, |s| {
        let other = json!({ "email": format!("other.{}", s.ada.email) });
        post("/v1/me/email").json(&other).by(&s.ada)
    }),
    route("me-email-cancel", 204, |s| delete("/v1/me/email").by(&s.team.staying)),
    route("me-activity", 200, |s| get("/v1/me/activity").by(&s.ada)),
    route("me-step-up", 200, |s| {
        post("/v1/me/step-up").json(&json!({ "password": PASSWORD })).by(&s.team.stepping)
    }),
    route("me-step-up-begin", 200, |s| post("/v1/me/step-up/passkey").by(&s.factors.holder)),
    route("me-organisations", 200, |s| get("/v1/me/organisations").by(&s.ada)),
    route("me-join", 201, |s| {
        post("/v1/me/organisations").json(&json!({ "code": s.team.join_code })).by(&s.ada)
    }),
    route("me-switch", 200, |s| {
        post(&format!("/v1/me/organisations/{}/switch", s.team.other)).by(&s.team.between)
    }),
    route("sessions-list", 200, |s| get("/v1/me/sessions").by(&s.ada)),
    route("sessions-delete", 204, |s| delete(&format!("/v1/me/sessions/{}", s.team.spare_session)).by(&s.ada)),
    route("sessions-delete-all", 200, |s| delete("/v1/me/sessions").by(&s.team.scattered)),
    route("factors-list", 200, |s| get("/v1/me/factors").by(&s.factors.holder)),
    route("factors-totp-create", 201, |s| post("/v1/me/factors/totp").by(&s.ada)),
    route("factors-totp-confirm", 200, |s| {
        let code = json!({ "code": s.factors.code(&s.stack) });
        post("/v1/me/factors/totp/confirm").json(&code).by(&s.factors.unconfirmed)
    }),
    route("factors-totp-delete", 204, |s| delete("/v1/me/factors/totp").by(&s.factors.app)),
    route("factors-passkey-create", 200, |s| post("/v1/me/factors/passkeys").by(&s.ada)),
    route("factors-passkey-confirm", 200, |s| {
        post("/v1/me/factors/confirm-passkey").json(&s.factors.confirmation).by(&s.factors.offering)
    }),
    route("factors-passkey-delete", 204, |s| {
        let (who, id) = &s.factors.removing;
        delete(&format!("/v1/me/factors/passkeys/{id}")).by(who)
    }),
    route("factors-recovery-create", 201, |s| post("/v1/me/factors/recovery-codes").by(&s.factors.writing)),
    route("members-list", 200, |s| get("/v1/members").by(&s.ada)),
    route("members-get", 200, |s| get(&format!("/v1/members/{}", s.team.changing)).by(&s.ada)),
    route("members-update", 200, |s| {
        let change = patch(&format!("/v1/members/{}", s.team.changing), &json!({ "role": "member" }));
        change.header("if-match", "*").by(&s.ada)
    }),
    route("members-delete", 204, |s| delete(&format!("/v1/members/{}", s.team.removable)).by(&s.ada)),
    route("members-leave", 204, |s| post("/v1/organisation/leave").by(&s.team.leaving)),
    route("members-sessions-delete", 200, |s| {
        delete(&format!("/v1/members/{}/sessions", s.team.visited)).by(&s.ada)
    }),
    route("members-reset-password", 202, |s| {
        post(&format!("/v1/members/{}/reset-password", s.team.changing)).by(&s.ada)
    }),
    route("members-reset-factors", 202, |s| {
        post(&format!("/v1/members/{}/reset-factors", s.factors.holder_id)).by(&s.ada)
    }),
    route("invitations-create", 201, |s| {
        let wanted = json!({ "email": s.team.newcomer, "role": "viewer" });
        post("/v1/invitations").json(&wanted).by(&s.ada)
    }),
    route("invitations-list", 200, |s| get("/v1/invitations").by(&s.ada)),
    route("invitations-resend", 200, |s| {
        post(&format!("/v1/invitations/{}/resend", s.team.invitation)).by(&s.ada)
    }),
    route("invitations-delete", 204, |s| {
        delete(&format!("/v1/invitations/{}", s.team.spare_invitation)).by(&s.ada)
    }),
    route("invitations-accept", 201, |s| post("/v1/auth/accept-invitation").json(&s.team.acceptance)),
    route("roles-list", 200, |s| get("/v1/roles").by(&s.ada)),
    route("roles-create", 201, |s| {
        post("/v1/roles").json(&json!({ "name": "Reader", "actions": ["records.read"] })).by(&s.ada)
    }),
    route("roles-update", 200, |s| {
        let change = json!({ "actions": ["records.read", "members.read"] });
        patch(&format!("/v1/roles/{}", s.team.role), &change).header("if-match", "*").by(&s.ada)
    }),
    route("roles-delete", 204, |s| delete(&format!("/v1/roles/{}", s.team.spare_role)).by(&s.ada)),
    route("organisation-transfer", 200, |s| {
        let heir = json!({ "user_id": s.team.between_id });
        post("/v1/organisation/transfer").json(&heir).by(&s.team.other_owner)
    }),
    route("organisation-get-security", 200, |s| get("/v1/organisation/security").by(&s.ada)),
    route("organisation-put-security", 200, |s| {
        put("/v1/organisation/security", &json!({ "mfa": "optional" })).header("if-match", "*").by(&s.ada)
    }),
    route("activity-list", 200, |s| get("/v1/organisation/activity").by(&s.ada)),
    route("activity-export", 200, |s| post("/v1/organisation/activity/exports").by(&s.ada)),
    route("services-list", 200, |s| get("/v1/service-accounts").by(&s.ada)),
    route("services-create", 201, |s| {
        post("/v1/service-accounts").json(&json!({ "name": "Exporter" })).by(&s.ada)
    }),
    route("services-update", 200, |s| {
        patch(&service(s), &json!({ "name": "Importer of files" })).header("if-match", "*").by(&s.ada)
    }),
    route("services-delete", 204, |s| {
        delete(&format!("/v1/service-accounts/{}", s.team.spare_service)).by(&s.ada)
    }),
    route("keys-list", 200, |s| get(&format!("{}/keys", service(s))).by(&s.ada)),
    route("keys-create", 201, |s| post(&format!("{}/keys", service(s))).json(&s.team.new_key).by(&s.ada)),
    route("keys-delete", 204, |s| delete(&format!("{}/keys/{}", service(s), s.team.key)).by(&s.ada)),
    route("sso-connections-list", 200, |s| get("/v1/organisation/connections").by(&s.ada)),
    route("sso-connections-create", 201, |s| {
        post("/v1/organisation/connections").json(&s.sso.wish()).by(&s.ada)
    }),
    route("sso-connections-update", 200, |s| {
        let path = format!("/v1/organisation/connections/{}", s.sso.connection);
        patch(&path, &json!({ "client_id": "other" })).header("if-match", "*").by(&s.ada)
    }),
    route("sso-connections-delete", 204, |s| {
        delete(&format!("/v1/organisation/connections/{}", s.sso.spare_connection)).by(&s.ada)
    }),
    route("auth-sso-begin", 200, |s| post("/v1/auth/sso").json(&s.sso.by_id())),
    route("auth-sso-callback", 303, |s| get(&s.sso.back.0).header("cookie", &s.sso.back.1)),
    route("me-step-up-sso", 200, |s| {
        let call = post("/v1/me/step-up/sso").json(&json!({}));
        call.header("cookie", &s.sso.session).header("sec-fetch-site", "same-origin")
    }),
    route("identities-list", 200, |s| get("/v1/me/identities").by(&s.sso.removing.0)),
    route("identities-create", 200, |s| {
        post("/v1/me/identities").json(&json!({ "connection_id": s.sso.lasting_connection })).by(&s.ada)
    }),
    route("identities-delete", 204, |s| {
        let (person, identity) = &s.sso.removing;
        delete(&format!("/v1/me/identities/{identity}")).by(person)
    }),
    route("sso-domains-list", 200, |s| get("/v1/organisation/domains").by(&s.ada)),
    route("sso-domains-create", 201, |s| {
        post("/v1/organisation/domains").json(&json!({ "name": s.sso.new_domain })).by(&s.ada)
    }),
    route("sso-domains-verify", 200, |s| {
        post(&format!("/v1/organisation/domains/{}/verify", s.sso.domain)).by(&s.ada)
    }),
    route("sso-domains-delete", 204, |s| {
        delete(&format!("/v1/organisation/domains/{}", s.sso.spare_domain)).by(&s.ada)
    }),
    route("staff-lookup", 200, |s| {
        post("/v1/staff/lookup").json(&json!({ "email": s.ada.email })).by(&s.desk.support)
    }),
    route("staff-organisations", 200, |s| {
        get(&format!("/v1/staff/organisations/{}", s.desk.organisation)).by(&s.desk.support)
    }),
    route("access-request", 201, |s| {
        let path = format!("/v1/staff/organisations/{}/access", s.desk.organisation);
        post(&path).json(&desk::wish()).by(&s.desk.support)
    }),
    route("access-get", 200, |s| get(&s.desk.path(&s.desk.allowed, "")).by(&s.desk.support)),
    route("access-approve", 200, |s| post(&s.desk.path(&s.desk.asked, "/approve")).by(&s.desk.lead)),
    route("access-end", 200, |s| post(&s.desk.path(&s.desk.ending, "/end")).by(&s.desk.support)),
    route("access-records-list", 200, |s| {
        get(&s.desk.path(&s.desk.allowed, "/records?kind=asset")).by(&s.desk.support)
    }),
    route("access-records-get", 200, |s| {
        get(&s.desk.path(&s.desk.allowed, &format!("/records/{}", s.record))).by(&s.desk.support)
    }),
    route("access-list", 200, |s| get("/v1/organisation/access").by(&s.ada)),
    route("access-decide", 200, |s| {
        let path = format!("/v1/organisation/access/{}/decision", s.desk.undecided);
        post(&path).json(&json!({ "decision": "refuse" })).by(&s.ada)
    }),
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
    task("keys-warn", |_| json!({})),
    task("invitations-expire", |_| json!({})),
    task("staff-invite", |stage| stage.desk.newcomer.clone()),
    task("staff-remove", |stage| json!({ "user_id": stage.desk.removable })),
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

fn put(path: &str, body: &Value) -> Call {
    Call::new(Method::PUT, path).json(body)
}

fn record(stage: &Stage) -> String {
    format!("/v1/records/{}", stage.record)
}

fn service(stage: &Stage) -> String {
    format!("/v1/service-accounts/{}", stage.team.service)
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
