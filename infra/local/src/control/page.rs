//! The page at `/_local`: where everything is, what time it is, and buttons to move it.

use std::fmt::Write as _;
use std::sync::{LazyLock, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::Html;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::machine::Machine;
use crate::mailbox::escape;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fbfbf9; --line: #dfe2e6; --link: #0b57a4;
  --bad: #a3262a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa5b4; --paper: #14181e; --line: #2c343f; --link: #8ab8f0; --bad: #ff9b9b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.soft { color: var(--soft); margin: 0 0 1rem; }
.now { font-size: 1.4rem; font-variant-numeric: tabular-nums; margin: 0; }
.bad { color: var(--bad); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 0; padding: 0; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: .75rem 0; }
form.inline { margin: 0; }
label { display: grid; gap: .2rem; flex: 1 1 14rem; font-size: .875rem; color: var(--soft); }
input, button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft);
  border-radius: .4rem; padding: .4rem .7rem; }
button { cursor: pointer; }
button:hover { border-color: var(--link); }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); padding: .5rem .75rem .5rem 0; }
th { font-size: .875rem; color: var(--soft); }
code { font: .9rem ui-monospace, monospace; overflow-wrap: anywhere; }
";

pub(super) static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// Steps that the retention periods make worth a button.
const STEPS: [(&str, &str); 6] = [
    ("PT1H", "1 hour"),
    ("P1D", "1 day"),
    ("P1M", "1 month"),
    ("P18M", "18 months"),
    ("P2Y", "2 years"),
    ("P6Y", "6 years"),
];

pub(super) async fn index(machine: &Machine) -> Html<String> {
    let mut body = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        body,
        "<h1>Trackwell on this machine</h1>\
         <p class=\"soft\">Profile <b>{profile}</b> · policy version {version} · data in {data}</p>\
         <nav aria-label=\"Places\"><ul><li><a href=\"/_mailbox\">Mailbox</a></li>\
         <li><a href=\"/openapi.json\">OpenAPI document</a></li>\
         <li><a href=\"/v1/policy\">The policy</a></li><li><a href=\"/v1/ledger\">Ledger</a></li>\
         <li><a href=\"/_local/usage\">What functions used</a></li></ul></nav>",
        profile = escape(machine.profile.as_str()),
        version = escape(&machine.policy.version().to_string()),
        data = machine.directory.as_deref().map_or_else(
            || "memory".to_owned(),
            |path| format!("<code>{}</code>", escape(&path.display().to_string()))
        ),
    );
    clock(machine, &mut body);
    schedules(machine, &mut body).await;
    runs(machine, &mut body);
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Trackwell on this machine</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    ))
}

fn clock(machine: &Machine, body: &mut String) {
    let now = machine.now();
    let shown = now
        .to_zoned(machine.policy.time_zone().clone())
        .strftime("%A, %-d %B %Y, %H:%M:%S %Z");
    let _ = write!(
        body,
        "<h2>Clock</h2><p class=\"now\"><time datetime=\"{now}\">{}</time></p>\
         <p class=\"soft\">Ahead of this machine's clock by {} s. It only goes forward; what became due runs at once, \
         which can take a minute.</p><form method=\"post\" action=\"/_local/clock\" aria-label=\"Steps\">",
        escape(&shown.to_string()),
        machine.time.offset().as_secs(),
    );
    for (period, name) in STEPS {
        let _ = write!(
            body,
            "<button name=\"advance\" value=\"{period}\">+ {name}</button>"
        );
    }
    body.push_str(
        "</form><form method=\"post\" action=\"/_local/clock\"><label>Advance by a period\
         <input name=\"advance\" required placeholder=\"P1Y6M\" autocomplete=\"off\"></label>\
         <button>Advance</button></form><form method=\"post\" action=\"/_local/clock\"><label>Set to an instant\
         <input name=\"set\" required placeholder=\"2028-05-20T00:00:00Z\" autocomplete=\"off\"></label>\
         <button>Set</button></form>",
    );
}

async fn schedules(machine: &Machine, body: &mut String) {
    body.push_str("<h2>Schedules</h2>");
    let Some(schedule) = &machine.schedule else {
        body.push_str("<p>They are off: tasks run by hand only.</p>");
        return;
    };
    let Ok(schedule) = schedule.try_lock() else {
        body.push_str("<p>Tasks are running now. Load the page again in a moment.</p>");
        return;
    };
    body.push_str(
        "<div class=\"table\"><table><thead><tr><th scope=\"col\">Task</th><th scope=\"col\">Next</th>\
         <th scope=\"col\">By hand</th></tr></thead><tbody>",
    );
    for (task, next) in schedule.upcoming() {
        let _ = write!(
            body,
            "<tr><td><code>{name}</code><br>{}</td><td><time datetime=\"{next}\">{next}</time></td><td>\
             <form class=\"inline\" method=\"post\" action=\"/_local/tasks/{name}\">\
             <button aria-label=\"Run {name}\">Run</button></form></td></tr>",
            escape(task.summary),
            name = escape(task.name),
        );
    }
    body.push_str("</tbody></table></div>");
}

fn runs(machine: &Machine, body: &mut String) {
    let runs = machine.runs.lock().unwrap_or_else(PoisonError::into_inner);
    if runs.is_empty() {
        return;
    }
    body.push_str(
        "<h2>Last runs</h2><div class=\"table\"><table><thead><tr><th scope=\"col\">Task</th>\
         <th scope=\"col\">At</th><th scope=\"col\">Report</th></tr></thead><tbody>",
    );
    for ran in runs.iter().rev() {
        let report = match (&ran.report, &ran.error) {
            (_, Some(error)) => format!("<span class=\"bad\">{}</span>", escape(error)),
            (Some(report), None) => format!("<code>{}</code>", escape(&report.to_string())),
            (None, None) => String::new(),
        };
        let _ = write!(
            body,
            "<tr><td><code>{}</code></td><td><time datetime=\"{at}\">{at}</time></td><td>{report}</td></tr>",
            escape(ran.task),
            at = ran.at,
        );
    }
    body.push_str("</tbody></table></div>");
}
