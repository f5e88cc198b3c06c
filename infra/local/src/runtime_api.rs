//! The Lambda Runtime API on a port of this machine, and a process that runs a Lambda binary against it.
//!
//! With it the very binaries that are deployed can be started and asked, without Docker: the binary long-polls for an
//! event, answers it, and polls again, just as it does on Lambda.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use bootstrap::Bootstrap;

mod bootstrap;
#[cfg(test)]
mod tests;

/// Lambda takes no larger answer than this (6 MiB and a little for the envelope).
const MAX_ANSWER: usize = 6 * 1024 * 1024 + 100 * 1024;

/// By when an invocation has to be answered.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// The instant that the function is told.
    pub at: Timestamp,
    /// How long the caller waits.
    pub within: Duration,
}

impl Deadline {
    /// The deadline that is a while after an instant, or at the end of time if that is sooner.
    #[must_use]
    pub fn after(now: Timestamp, within: Duration) -> Self {
        Self {
            at: now.checked_add(within).unwrap_or(Timestamp::MAX),
            within,
        }
    }
}

/// Why an invocation has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokeError {
    /// The function did not answer before the deadline.
    TimedOut,
    /// The function reported an error for this event.
    Function {
        /// The kind of error.
        error_type: String,
        /// What went wrong.
        message: String,
    },
    /// The function reported that it cannot start.
    Init {
        /// The kind of error.
        error_type: String,
        /// What went wrong.
        message: String,
    },
    /// The function's process ended; the text says how.
    Exited(String),
    /// The function answered something that is not JSON.
    NotJson(String),
}

impl std::fmt::Display for InvokeError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimedOut => out.write_str("the function did not answer in time"),
            Self::Function { error_type, message } => {
                write!(out, "the function failed: {error_type}: {message}")
            }
            Self::Init { error_type, message } => {
                write!(out, "the function could not start: {error_type}: {message}")
            }
            Self::Exited(how) => write!(out, "the function's process ended: {how}"),
            Self::NotJson(error) => write!(out, "the function's answer is not JSON: {error}"),
        }
    }
}

impl std::error::Error for InvokeError {}

type Answer = Result<Value, InvokeError>;

struct Invocation {
    id: String,
    deadline: Timestamp,
    event: String,
}

struct Shared {
    function: String,
    queue: mpsc::UnboundedSender<Invocation>,
    // Only one poll at a time gets an event, as there is one container.
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    pending: Mutex<Pending>,
    counter: AtomicU64,
}

#[derive(Default)]
struct Pending {
    answers: HashMap<String, oneshot::Sender<Answer>>,
    // What every invocation from now on is answered with: a container that cannot start, or is gone.
    dead: Option<InvokeError>,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // No code panics while it holds the lock, so a poisoned table is still a whole one.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, id: &str, answer: Answer) -> bool {
        let waiting = self.pending().answers.remove(id);
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
    }

    /// Fails what waits for an answer, and what will be asked later.
    fn fail_all(&self, error: &InvokeError) {
        let mut pending = self.pending();
        pending.dead.get_or_insert_with(|| error.clone());
        for (_, waiting) in pending.answers.drain() {
            // A caller who no longer waits needs no answer.
            let _ = waiting.send(Err(error.clone()));
        }
    }
}

/// A Runtime API for one function; it ends when the value is dropped.
pub struct RuntimeApi {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Starts to listen for a function without a name of its own.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::start_for("function").await
    }

    /// Starts to listen for the named function.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start_for(function: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (queue, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            function: function.to_owned(),
            queue,
            waiting: tokio::sync::Mutex::new(waiting),
            pending: Mutex::default(),
            counter: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(MAX_ANSWER))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the Runtime API ended");
            }
        });
        Ok(Self {
            shared,
            address,
            server,
        })
    }

    /// Where the API listens: the value of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name of the function that this API is for.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.shared.function
    }

    /// Hands one event to the function and waits for its answer.
    ///
    /// # Errors
    /// When the function fails, ends or does not answer in time.
    pub async fn invoke(&self, event: Value, deadline: Deadline) -> Result<Value, InvokeError> {
        let id = request_id(self.shared.counter.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        {
            let mut pending = self.shared.pending();
            if let Some(error) = &pending.dead {
                return Err(error.clone());
            }
            pending.answers.insert(id.clone(), sender);
        }
        let invocation = Invocation {
            id: id.clone(),
            deadline: deadline.at,
            event: event.to_string(),
        };
        if self.shared.queue.send(invocation).is_err() {
            return Err(InvokeError::Exited("the Runtime API has ended".to_owned()));
        }
        match tokio::time::timeout(deadline.within, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(InvokeError::Exited("the Runtime API has ended".to_owned())),
            Err(_) => {
                self.shared.pending().answers.remove(&id);
                Err(InvokeError::TimedOut)
            }
        }
    }
}

/// An id in the form of a UUID. It only has to be new within this process.
fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let mut waiting = shared.waiting.lock().await;
    loop {
        let Some(invocation) = waiting.recv().await else {
            return refuse(StatusCode::GONE, "Runtime.Ended", "There will be no more events.");
        };
        // Nobody waits for the answer of an event that timed out in the queue, so the function is spared it.
        if !shared.pending().answers.contains_key(&invocation.id) {
            continue;
        }
        let arn = format!(
            "arn:aws:lambda:eu-west-2:000000000000:function:{}",
            shared.function
        );
        let headers = [
            ("lambda-runtime-aws-request-id", invocation.id),
            (
                "lambda-runtime-deadline-ms",
                invocation.deadline.as_millisecond().to_string(),
            ),
            ("lambda-runtime-invoked-function-arn", arn),
            (
                "lambda-runtime-trace-id",
                "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned(),
            ),
            (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
        ];
        return (headers, invocation.event).into_response();
    }
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    let answer = serde_json::from_slice(&body).map_err(|error| InvokeError::NotJson(error.to_string()));
    accept(shared.answer(&id, answer))
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (error_type, message) = reported(&headers, &body);
    accept(shared.answer(&id, Err(InvokeError::Function { error_type, message })))
}

async fn init_error(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let (error_type, message) = reported(&headers, &body);
    shared.fail_all(&InvokeError::Init { error_type, message });
    accept(true)
}

/// The kind and the text of an error that a runtime reports, from the body or else from the header.
fn reported(headers: &HeaderMap, body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let header = headers
        .get("lambda-runtime-function-error-type")
        .and_then(|value| value.to_str().ok());
    let error_type = body["errorType"].as_str().or(header).unwrap_or("Unhandled");
    (
        error_type.to_owned(),
        body["errorMessage"].as_str().unwrap_or_default().to_owned(),
    )
}

fn accept(known: bool) -> Response {
    if known {
        let headers = [(header::CONTENT_TYPE, "application/json")];
        (
            StatusCode::ACCEPTED,
            headers,
            json!({ "status": "OK" }).to_string(),
        )
            .into_response()
    } else {
        refuse(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "No event of this id waits for an answer.",
        )
    }
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Response {
    let body = json!({ "errorType": error_type, "errorMessage": message });
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}
