//! `warm`: what a request costs a function that is running already, beside the bare binary that reads one item.

use http::Method;
use local::output::say;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::Call;
use crate::boot::event;
use crate::customer;
use crate::results::rounded;
use crate::rig::{Case, Rig, UNIT, any_event, read_its_item};
use crate::stage::Stage;
use crate::{Result, build, cases, results};

/// How often each function is asked.
const REQUESTS: usize = 200;

/// How often one is asked that hashes a password, writes a hundred records, or has a limit that takes no more.
const HEAVY_REQUESTS: usize = 30;

/// How often it is asked before, so that connections, keys and caches are there.
const WARMING: usize = 10;

/// What cannot be repeated, and why. The cold table has each of these once per start.
const LEFT_OUT: [(&str, &[&str]); 5] = [
    (
        "works on something that is gone or changed for good afterwards",
        &[
            "auth-verify-email",
            "auth-logout",
            "auth-reset-password",
            "auth-confirm-email",
            "auth-mfa",
            "auth-passkey-finish",
            "auth-sso-callback",
            "me-email-cancel",
            "me-password",
            "me-step-up",
            "me-join",
            "me-switch",
            "sessions-delete",
            "factors-totp-confirm",
            "factors-totp-delete",
            "factors-passkey-confirm",
            "factors-passkey-delete",
            "identities-delete",
            "members-delete",
            "members-leave",
            "members-reset-factors",
            "invitations-accept",
            "invitations-delete",
            "roles-delete",
            "organisation-transfer",
            "services-delete",
            "keys-delete",
            "access-approve",
            "access-decide",
            "access-end",
            "staff-invite",
            "staff-remove",
            "me-delete",
            "organisation-delete",
            "organisation-cancel",
            "organisation-resume",
            "records-delete",
            "sso-connections-delete",
            "sso-domains-delete",
            "attachments-complete",
            "attachments-delete",
            "holds-place",
            "holds-release",
        ],
    ),
    ("a record takes 20 attachments", &["attachments-create"]),
    (
        "an organisation and a service account have only so many of them",
        &[
            "invitations-create",
            "roles-create",
            "services-create",
            "keys-create",
            "sso-connections-create",
            "sso-domains-create",
            "access-request",
        ],
    ),
    (
        "a limit lets fewer through",
        &[
            "auth-register",
            "auth-resend-verification",
            "auth-forgot-password",
            "me-email",
            "members-reset-password",
            "invitations-resend",
            "activity-export",
        ],
    ),
    (
        "what it does depends on what waits, and nothing waits the second time",
        &["erasure-purge", "ledger-seal"],
    ),
];

/// A function that was asked often.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: &'static str,
    requests: usize,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
    /// To the bare binary, request by request in turn.
    cpu_ratio: f64,
}

/// The next request; `last` is the body of the answer to the one before.
type Next = fn(&Stage, usize, &Value) -> Call;

/// What has to be different in each request.
const FRESH: [(&str, Next); 7] = [
    ("auth-refresh", |stage, _, last| {
        let token = last["refresh_token"]
            .as_str()
            .unwrap_or(&stage.lasting.refresh_token);
        Call::new(Method::POST, "/v1/auth/refresh").json(&json!({ "refresh_token": token }))
    }),
    ("me-update", |stage, n, _| {
        change(stage, "/v1/me", &json!({ "name": format!("Ada {n}") }))
    }),
    ("organisation-update", |stage, n, _| {
        change(
            stage,
            "/v1/organisation",
            &json!({ "name": format!("Works {n}") }),
        )
    }),
    ("billing-put", |stage, n, _| {
        let details = json!({ "name": format!("Works {n}"), "vat_number": "GB123456789" });
        by_ada(
            stage,
            Call::new(Method::PUT, "/v1/organisation/billing").json(&details),
        )
    }),
    ("records-create", |stage, n, _| {
        by_ada(
            stage,
            Call::new(Method::POST, "/v1/records").json(&customer::asset(&format!("warm-{n}"))),
        )
    }),
    ("records-update", |stage, n, last| {
        let (id, version) = &stage.changing;
        let version = last["version"]
            .as_u64()
            .map_or_else(|| version.clone(), |version| format!("\"{version}\""));
        let notes = json!({ "fields": { "notes": format!("On desk {n}") } });
        change(stage, &format!("/v1/records/{id}"), &notes).header("if-match", version)
    }),
    ("imports-create", |stage, n, _| {
        let name = format!("warm-{n}");
        let call =
            Call::new(Method::POST, "/v1/imports?kind=asset").with("text/csv", customer::csv(&name, 100));
        by_ada(stage, call.header("idempotency-key", name))
    }),
];

/// Functions that are asked less often, because each request takes long or a limit lets fewer through.
const HEAVY: [&str; 3] = ["auth-login", "auth-refresh", "imports-create"];

fn change(stage: &Stage, path: &str, change: &Value) -> Call {
    let call = Call::new(Method::PATCH, path).with("application/merge-patch+json", change.to_string());
    by_ada(stage, call)
}

fn by_ada(stage: &Stage, mut call: Call) -> Call {
    call.token = Some(stage.ada.token());
    call
}

/// Measures what can be repeated.
pub(crate) async fn run(smoke: bool) -> Result<bool> {
    cases::complete()?;
    let rig = Rig::start(!smoke).await?;
    let mut rows = Vec::new();
    for case in Case::all() {
        let name = case.name();
        if LEFT_OUT.iter().any(|(_, names)| names.contains(&name)) {
            continue;
        }
        // Each has a stage of its own: a token is good for minutes, and nobody finds what another left.
        let stage = Stage::set(&rig.stack, &format!("Warm{}", name.replace('-', ""))).await?;
        let requests = match (smoke, HEAVY.contains(&name)) {
            (true, _) => 2,
            (_, true) => HEAVY_REQUESTS,
            _ => REQUESTS,
        };
        rows.push(measure(&rig, &case, &stage, requests).await?);
        say(&format!("{name}: {requests} requests"));
    }
    if smoke {
        return Ok(true);
    }
    let circumstances = build::circumstances();
    let text = markdown(&circumstances, &rows);
    results::keep("warm", &circumstances, &rows, &text)?;
    say(&text);
    Ok(true)
}

async fn measure(rig: &Rig, case: &Case, stage: &Stage, requests: usize) -> Result<Row> {
    let unit = rig.bare(UNIT, stage).await?;
    let function = rig.function(case.name()).await?;
    let fresh = FRESH
        .iter()
        .find(|(name, _)| *name == case.name())
        .map(|(_, next)| *next);
    let mut last = Value::Null;
    let mut walls = Vec::new();
    let mut before = None;
    for n in 0..WARMING + requests {
        if n == WARMING {
            before = Some((function.used().await?.cpu, unit.used().await?.cpu));
        }
        let (answer, _) = unit.ask(any_event()).await?;
        read_its_item(UNIT, &answer)?;
        let event = match fresh {
            Some(next) => event::of(&next(stage, n, &last).at(rig.stack.origin())?)?,
            None => case.event(rig, stage)?,
        };
        let (answer, took) = function.ask(event).await?;
        case.check(&answer)?;
        last = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        if n >= WARMING {
            walls.push(took.as_secs_f64() * 1_000.0);
        }
    }
    let (own, bare) = before.ok_or("nothing was measured")?;
    let own = (function.used().await?.cpu.saturating_sub(own)).as_secs_f64();
    let bare = (unit.used().await?.cpu.saturating_sub(bare)).as_secs_f64();
    walls.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        walls
            .get((walls.len() - 1) * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    let each = f64::from(u32::try_from(requests).unwrap_or(u32::MAX));
    Ok(Row {
        name: case.name(),
        requests,
        p50_ms: rounded(at(50)),
        p99_ms: rounded(at(99)),
        cpu_us: rounded(own / each * 1e6).round(),
        cpu_ratio: rounded(own / bare),
    })
}

fn markdown(circumstances: &Value, rows: &[Row]) -> String {
    let mut text = results::title("What a request costs a running function", "warm", circumstances);
    text.push_str(&format!(
        "Each function as a process of its own against a Lambda Runtime API, with AWS over TLS, after {WARMING} requests that do\n\
         not count. Time includes the stand-ins, in the same machine and unoptimised, so it is no latency of AWS; CPU is the\n\
         function's own. The ratio is to the CPU of the bare binary that reads one item, asked in turn. Tasks find nothing to\n\
         do. Load when it ended: {}.\n\nLeft out:\n\n",
        results::load(),
    ));
    for (why, names) in LEFT_OUT {
        text.push_str(&format!("- {}: {why}.\n", names.join(", ")));
    }
    text.push_str("\nTheir first requests are in [cold.md](cold.md).\n\n");
    let headings = ["Function", "Requests", "p50 ms", "p99 ms", "CPU µs", "CPU ratio"];
    let lines = rows.iter().map(|row| {
        vec![
            row.name.to_owned(),
            row.requests.to_string(),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            format!("{:.0}", row.cpu_us),
            format!("{:.2}", row.cpu_ratio),
        ]
    });
    text.push_str(&results::table(&headings, lines.collect()));
    text
}

/// Whether the lists name functions that exist.
#[cfg(test)]
mod tests {
    use super::{Case, FRESH, HEAVY, LEFT_OUT};

    #[test]
    fn every_name_in_the_lists_is_a_functions() {
        let known: Vec<_> = Case::all().map(|case| case.name()).collect();
        let fresh = FRESH.iter().map(|(name, _)| name);
        let left_out = LEFT_OUT.iter().flat_map(|(_, names)| *names);
        for name in fresh.chain(left_out).chain(&HEAVY) {
            assert!(known.contains(name), "{name}");
        }
    }
}
