//! The mailbox page: what the service mailed, for whoever runs it on their machine.
//!
//! Mails hold what other people typed and links that log somebody in. So the pages run no script and load nothing, a
//! mail's HTML is shown as source only, and a request that reached this machine under a foreign name is refused, or any
//! web page could read the mailbox by pointing its own domain name here.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::answer::{self, problem};
use crate::ses::{Message, Ses};

#[cfg(test)]
mod tests;

/// The page lists this many mails; the JSON list has them all.
const LISTED: usize = 200;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fbfbf9; --line: #dfe2e6; --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa5b4; --paper: #14181e; --line: #2c343f; --link: #8ab8f0; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); margin: 0 0 1.5rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-bottom: 1.5rem; }
label { display: grid; gap: .2rem; flex: 1 1 16rem; font-size: .875rem; color: var(--soft); }
input, button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft);
  border-radius: .4rem; padding: .4rem .7rem; }
ol { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
li { border-bottom: 1px solid var(--line); padding: .7rem 0; }
li a { font-weight: 600; overflow-wrap: anywhere; }
li p, dl { margin: 0; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; }
dd { margin: 0; color: var(--ink); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem; font: .95rem/1.6 ui-monospace, monospace; }
summary { cursor: pointer; padding: .3rem 0; }
";

static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

/// The routes of the mailbox: pages under `/_mailbox`, and `/_mailbox/messages` for programs.
pub fn router(ses: Ses) -> Router {
    Router::new()
        .route("/_mailbox", get(list_page))
        .route("/_mailbox/mail/{id}", get(mail_page))
        .route("/_mailbox/messages", get(list_json))
        .route("/_mailbox/messages/{id}", get(mail_json))
        .layer(middleware::from_fn(guard))
        .with_state(ses)
}

/// Refuses foreign host names, and says with every answer what a browser must not do with it.
async fn guard(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .map(|host| host.to_str().unwrap_or("?"));
    let mut response = if host.is_none_or(is_this_machine) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "The mailbox answers on localhost only.\n").into_response()
    };
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.as_str()),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Whether a `Host` header names this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

async fn list_json(State(ses): State<Ses>, RawQuery(query): RawQuery) -> Response {
    match wanted(query.as_deref()) {
        Ok(to) => {
            let mails: Vec<Value> = newest_first(&ses, to.as_deref())
                .iter()
                .map(|mail| as_json(mail))
                .collect();
            answer::of(&json!({ "data": mails }))
        }
        Err(detail) => problem(StatusCode::BAD_REQUEST, &detail),
    }
}

async fn mail_json(State(ses): State<Ses>, Path(id): Path<String>) -> Response {
    match ses.message(&id) {
        Some(mail) => {
            let mut value = as_json(&mail);
            value["mime"] = mail.mime.as_str().into();
            answer::of(&value)
        }
        None => problem(StatusCode::NOT_FOUND, "There is no such mail."),
    }
}

async fn list_page(State(ses): State<Ses>, RawQuery(query): RawQuery) -> Response {
    let to = match wanted(query.as_deref()) {
        Ok(to) => to,
        Err(detail) => {
            return page(
                StatusCode::BAD_REQUEST,
                "Mailbox",
                &format!("<p>{}</p>", escape(&detail)),
            );
        }
    };
    let mails = newest_first(&ses, to.as_deref());
    let mut body = format!(
        "<h1>Mailbox</h1><p class=\"soft\">{}, newest first. Nothing left this machine.</p>\
         <form role=\"search\" method=\"get\"><label>Recipient\
         <input type=\"email\" name=\"to\" value=\"{}\" autocomplete=\"off\"></label>\
         <button>Show</button></form>",
        match mails.len() {
            0 => "No mails".to_owned(),
            1 => "1 mail".to_owned(),
            count if count > LISTED => format!("The last {LISTED} of {count} mails"),
            count => format!("{count} mails"),
        },
        escape(to.as_deref().unwrap_or_default()),
    );
    body.push_str("<ol>");
    for mail in mails.iter().take(LISTED) {
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            "<li><a href=\"/_mailbox/mail/{}\">{}</a><p>To {} · <time datetime=\"{time}\">{time}</time></p></li>",
            escape(&mail.id),
            escape(subject(mail)),
            escape(&mail.to.join(", ")),
            time = mail.received_at,
        );
    }
    body.push_str("</ol>");
    page(StatusCode::OK, "Mailbox", &body)
}

async fn mail_page(State(ses): State<Ses>, Path(id): Path<String>) -> Response {
    let back = "<p><a href=\"/_mailbox\">All mails</a></p>";
    let Some(mail) = ses.message(&id) else {
        let body = format!("<h1>No such mail</h1>{back}");
        return page(StatusCode::NOT_FOUND, "No such mail", &body);
    };
    let mut body = format!("{back}<h1>{}</h1><dl>", escape(subject(&mail)));
    let time = mail.received_at.to_string();
    let fields = [
        ("From", mail.from.clone()),
        ("To", mail.to.join(", ")),
        ("Cc", mail.cc.join(", ")),
        ("Bcc", mail.bcc.join(", ")),
        ("Received", time),
    ];
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(body, "<dt>{name}</dt><dd>{}</dd>", escape(value));
    }
    body.push_str("</dl>");
    match &mail.text {
        Some(text) => {
            let _ = write!(body, "<pre>{}</pre>", with_links(text));
        }
        None => body.push_str("<p>This mail has no plain text.</p>"),
    }
    let sources = [
        ("HTML as source", mail.html.as_deref()),
        ("The mail as sent", Some(mail.mime.as_str())),
    ];
    for (title, source) in sources {
        if let Some(source) = source {
            let _ = write!(
                body,
                "<details><summary>{title}</summary><pre>{}</pre></details>",
                escape(source)
            );
        }
    }
    page(StatusCode::OK, subject(&mail), &body)
}

fn newest_first(ses: &Ses, to: Option<&str>) -> Vec<Arc<Message>> {
    let mut mails = ses.messages();
    mails.retain(|mail| to.is_none_or(|to| mail.is_for(to)));
    mails.reverse();
    mails
}

/// The recipient that a query asks for. A plus sign stays one: it is part of many an address, and a form encodes it.
fn wanted(query: Option<&str>) -> Result<Option<String>, String> {
    let mut to = None;
    for pair in query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("to", value) => {
                let value = percent_decode_str(value)
                    .decode_utf8()
                    .map_err(|error| error.to_string())?;
                to = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            }
            (other, _) => return Err(format!("There is no parameter {other:?}; use to=<address>.")),
        }
    }
    Ok(to)
}

fn as_json(mail: &Message) -> Value {
    json!({
        "id": mail.id,
        "received_at": mail.received_at.to_string(),
        "from": mail.from,
        "to": mail.to,
        "cc": mail.cc,
        "bcc": mail.bcc,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
    })
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape(title),
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn subject(mail: &Message) -> &str {
    if mail.subject.trim().is_empty() {
        "(no subject)"
    } else {
        &mail.subject
    }
}

/// Makes a text safe inside HTML, in attributes too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes a text and makes what looks like a web address clickable.
fn with_links(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = ["https://", "http://"]
        .iter()
        .filter_map(|scheme| rest.find(scheme))
        .min()
    {
        let (before, from) = rest.split_at(start);
        let is_end = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
        let link = &from[..from.find(is_end).unwrap_or(from.len())];
        // What ends the sentence does not belong to the address.
        let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', ']']);
        html.push_str(&escape(before));
        let shown = escape(link);
        let _ = write!(
            html,
            "<a href=\"{shown}\" rel=\"noopener noreferrer\">{shown}</a>"
        );
        rest = &from[link.len()..];
    }
    html.push_str(&escape(rest));
    html
}
