//! The calls and the page under `/_local`: what time it is, moving it, running a task, what functions used, what names
//! exist outside.
//!
//! They answer on this machine's own names only, and to pages of their own only: otherwise any page in the browser
//! could move the clock.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post, put};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::error::Error;

use crate::answer::{self, problem};
use crate::clock::ClockError;
use crate::machine::Machine;
use crate::mailbox::is_this_machine;
use crate::names::Records;

mod page;
#[cfg(test)]
mod tests;

type Shared = State<Arc<Machine>>;

/// The routes under `/_local`.
pub(crate) fn router(machine: Arc<Machine>) -> Router {
    Router::new()
        .route("/_local", get(index))
        .route("/_local/clock", get(clock).post(move_clock))
        .route("/_local/tasks/{name}", post(run_task))
        .route("/_local/usage", get(usage))
        .route("/_local/items", get(items))
        .route("/_local/objects", get(objects))
        .route("/_local/dns/{name}", put(set_name))
        .layer(middleware::from_fn(guard))
        .with_state(machine)
}

/// Refuses foreign host names and foreign pages, and says what a browser must not do with the answer.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = if is_own(request.headers()) {
        next.run(request).await
    } else {
        problem(
            StatusCode::FORBIDDEN,
            "The local controls answer on this machine's own names and pages only.",
        )
    };
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            page::CONTENT_SECURITY_POLICY.as_str(),
        ),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST);
    let from_own_page = text(header::ORIGIN).is_none_or(|origin| {
        origin
            .strip_prefix("http://")
            .is_some_and(|of| Some(of) == host && is_this_machine(of))
    });
    host.is_none_or(is_this_machine) && from_own_page
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTable {
    table: String,
}

/// The items of a table as they lie there, without what is sealed: evidence that something is, or is not, there.
async fn items(State(machine): Shared, Query(query): Query<OfTable>) -> Response {
    match machine.items(&query.table).await {
        Ok(items) => axum::Json(json!({ "data": items })).into_response(),
        Err(message) => problem(StatusCode::BAD_REQUEST, &message),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfBucket {
    bucket: String,
}

/// The versions and delete markers of a bucket.
async fn objects(State(machine): Shared, Query(query): Query<OfBucket>) -> Response {
    match machine.object_versions(&query.bucket).await {
        Ok(versions) => axum::Json(json!({ "data": versions })).into_response(),
        Err(message) => problem(StatusCode::BAD_REQUEST, &message),
    }
}

/// Gives a name of the outside world these records in place of those that it has.
async fn set_name(State(machine): Shared, Path(name): Path<String>, body: Bytes) -> Response {
    match serde_json::from_slice::<Records>(&body) {
        Ok(records) => {
            machine.names.set(&name, records);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

async fn index(State(machine): Shared) -> Response {
    page::index(&machine).await.into_response()
}

async fn clock(State(machine): Shared) -> Response {
    answer::of(&now(&machine))
}

fn now(machine: &Machine) -> Value {
    json!({ "now": machine.now().to_string(), "offset_seconds": machine.time.offset().as_secs() })
}

/// Where the clock is to go: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance: Option<String>,
    set: Option<String>,
}

async fn move_clock(State(machine): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let from_page = is_form(&headers, &body);
    let target = match read_move(from_page, &body).and_then(|wanted| target(&machine, &wanted)) {
        Ok(target) => target,
        Err(detail) => return problem(StatusCode::UNPROCESSABLE_ENTITY, &detail),
    };
    // Once begun it goes through, also when whoever asked goes away.
    let mover = Arc::clone(&machine);
    match tokio::spawn(async move { mover.move_clock(target).await }).await {
        Ok(Ok(_)) if from_page => Redirect::to("/_local").into_response(),
        Ok(Ok(ran)) => {
            let mut answer = now(&machine);
            answer["ran"] = json!(ran);
            answer::of(&answer)
        }
        Ok(Err(error @ ClockError::NotSaved(_))) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
        Ok(Err(error)) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn read_move(from_page: bool, body: &[u8]) -> Result<Move, String> {
    if !from_page {
        return serde_json::from_slice(body).map_err(|error| error.to_string());
    }
    let mut wanted = Move {
        advance: None,
        set: None,
    };
    for (name, value) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            "advance" => wanted.advance = Some(value.into_owned()),
            "set" => wanted.set = Some(value.into_owned()),
            other => return Err(format!("There is no field {other:?}.")),
        }
    }
    Ok(wanted)
}

fn target(machine: &Machine, wanted: &Move) -> Result<Timestamp, String> {
    match (&wanted.advance, &wanted.set) {
        (Some(span), None) => {
            let span: Span = span
                .trim()
                .parse()
                .map_err(|error| format!("{span:?} is not a period such as P18M or PT1H: {error}."))?;
            machine.instant_after(span).map_err(|error| error.to_string())
        }
        (None, Some(instant)) => instant
            .trim()
            .parse()
            .map_err(|error| format!("{instant:?} is not an instant such as 2028-05-20T00:00:00Z: {error}.")),
        _ => Err("Give either \"advance\" (a period such as P18M) or \"set\" (an instant).".to_owned()),
    }
}

async fn run_task(
    State(machine): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let from_page = is_form(&headers, &body);
    let input = if from_page || body.is_empty() {
        Ok(json!({}))
    } else {
        serde_json::from_slice(&body)
    };
    let input: Value = match input {
        Ok(input) => input,
        Err(error) => {
            return problem(
                StatusCode::BAD_REQUEST,
                &format!("The body is not JSON: {error}."),
            );
        }
    };
    let runner = Arc::clone(&machine);
    let ran = tokio::spawn(async move {
        let budget = runner.budget(&name);
        runner.run_task(&name, input, budget).await
    });
    match ran.await {
        Ok(Ok(_)) if from_page => Redirect::to("/_local").into_response(),
        Ok(Ok(report)) => answer::of(&report),
        Ok(Err(error)) => problem(status_of(&error), &error.to_string()),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// A task has no HTTP on AWS; here its errors get the status that tells a script whose fault it is.
fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Gone { .. } => StatusCode::GONE,
        Error::Conflict(_) | Error::Stale { .. } => StatusCode::CONFLICT,
        Error::Unreadable(_) | Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn usage(State(machine): Shared) -> Response {
    answer::of(&machine.usage())
}

/// Whether a request comes from the page. `curl -d` calls everything a form, also what is JSON.
fn is_form(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    kind.starts_with("application/x-www-form-urlencoded") && !body.trim_ascii_start().starts_with(b"{")
}
