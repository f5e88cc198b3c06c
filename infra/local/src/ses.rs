//! A stand-in for Amazon SES v2: it takes `SendEmail`, renders the mail that would go out, and keeps it.
//!
//! The mailbox plays the outside world: what lies in it has left the service, so erasure does not reach it.
//! A parameter that the stand-in does not act on is refused, because a mail that only looks right here is worse than
//! an error.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use input::{Content, Mailbox, Outbound, Simple};

mod input;
mod mime;
#[cfg(test)]
mod tests;

/// Where the stand-in asks for the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The path of SES v2's `SendEmail`.
pub const SEND_EMAIL_PATH: &str = "/v2/email/outbound-emails";

/// A mail that was accepted for sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What `SendEmail` answered, and the local part of the mail's `Message-ID`.
    pub id: String,
    /// The position in the mailbox; the first mail has 1.
    pub sequence: u64,
    /// When the stand-in took the mail.
    pub received_at: Timestamp,
    /// The sender, with the display name if there is one.
    pub from: String,
    /// The bare addresses of the visible recipients.
    pub to: Vec<String>,
    /// The bare addresses of those who get a copy.
    pub cc: Vec<String>,
    /// The bare addresses of those who get a copy that the mail does not show.
    pub bcc: Vec<String>,
    /// The subject, decoded.
    pub subject: String,
    /// The plain text, decoded.
    pub text: Option<String>,
    /// The HTML, decoded.
    pub html: Option<String>,
    /// The mail as it would go over the wire. Bytes of a raw mail that are not UTF-8 are replaced.
    pub mime: String,
}

impl Message {
    /// Whether an address is among the recipients, visible or not; the comparison ignores case.
    #[must_use]
    pub fn is_for(&self, address: &str) -> bool {
        let mut all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.any(|recipient| recipient.eq_ignore_ascii_case(address))
    }
}

/// The SES stand-in; clones share one mailbox.
#[derive(Clone)]
pub struct Ses {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    dir: Option<PathBuf>,
    messages: Mutex<Vec<Arc<Message>>>,
    throttled: AtomicU32,
    verified: OnceLock<String>,
}

/// An error that the SDK recognises by its name.
#[derive(Debug)]
struct Failure {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Failure {
    fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "BadRequestException",
            message: message.into(),
        }
    }

    fn answer(&self) -> Response<Bytes> {
        respond(self.status, Some(self.kind), &json!({ "message": self.message }))
    }
}

impl Ses {
    /// A mailbox that lives as long as the value does.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        Self::of(clock, None, Vec::new())
    }

    /// A mailbox kept in `<dir>/mailbox/`, one JSON file for each mail.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or holds a mail that this version cannot read.
    pub fn open(dir: &Path, clock: Clock) -> io::Result<Self> {
        let dir = dir.join("mailbox");
        std::fs::create_dir_all(&dir)?;
        let mut messages = Vec::new();
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            // A file of another name is one that a kill left half written; its mail was never acknowledged.
            if path.extension().is_some_and(|extension| extension == "json") {
                messages.push(Arc::new(read_message(&path)?));
            }
        }
        messages.sort_by_key(|message| message.sequence);
        Ok(Self::of(clock, Some(dir), messages))
    }

    fn of(clock: Clock, dir: Option<PathBuf>, messages: Vec<Arc<Message>>) -> Self {
        let inner = Inner {
            clock,
            dir,
            messages: Mutex::new(messages),
            throttled: AtomicU32::new(0),
            verified: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// All mails, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.lock().clone()
    }

    /// One mail.
    #[must_use]
    pub fn message(&self, id: &str) -> Option<Arc<Message>> {
        self.lock().iter().find(|message| message.id == id).cloned()
    }

    /// From now on takes mail only from addresses of this domain, the one verified identity of the account.
    #[must_use]
    pub fn verified(self, domain: &str) -> Self {
        self.inner.verified.get_or_init(|| domain.to_ascii_lowercase());
        self
    }

    /// Makes the next `sends` sends fail with `TooManyRequestsException`, for drills.
    pub fn throttle(&self, sends: u32) {
        self.inner.throttled.store(sends, Ordering::SeqCst);
    }

    /// Answers one request of the SES v2 protocol.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        if let Some(refused) = self.throttled() {
            return refused;
        }
        match self.route(&request) {
            Ok(id) => respond(StatusCode::OK, None, &json!({ "MessageId": id })),
            Err(failure) => failure.answer(),
        }
    }

    /// The refusal of a send that is to fail.
    pub(crate) fn throttled(&self) -> Option<Response<Bytes>> {
        let one_less = |left: u32| left.checked_sub(1);
        let throttled = &self.inner.throttled;
        throttled
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .ok()?;
        let failure = Failure {
            status: StatusCode::TOO_MANY_REQUESTS,
            kind: "TooManyRequestsException",
            message: "Maximum sending rate exceeded.".to_owned(),
        };
        Some(failure.answer())
    }

    /// Puts a mail into the mailbox that another service took.
    pub(crate) fn note(&self, make: impl FnOnce(u64, Timestamp) -> Message) {
        let received_at = (self.inner.clock)();
        let mut messages = self.lock();
        let sequence = messages.last().map_or(1, |last| last.sequence + 1);
        messages.push(Arc::new(make(sequence, received_at)));
    }

    fn route(&self, request: &Request<Bytes>) -> Result<String, Failure> {
        if request.method() != Method::POST || request.uri().path() != SEND_EMAIL_PATH {
            return Err(Failure {
                status: StatusCode::NOT_FOUND,
                kind: "UnknownOperationException",
                message: format!(
                    "The local SES has no {} {}.",
                    request.method(),
                    request.uri().path()
                ),
            });
        }
        let outbound = Outbound::parse(request.body()).map_err(Failure::bad_request)?;
        self.check_sender(&outbound.from.address)?;
        self.accept(&outbound)
    }

    fn check_sender(&self, address: &str) -> Result<(), Failure> {
        let Some(verified) = self.inner.verified.get() else {
            return Ok(());
        };
        let address = address.to_ascii_lowercase();
        let domain = address.rsplit('@').next().unwrap_or_default();
        // A verified domain covers its subdomains.
        let prefix = domain.strip_suffix(verified.as_str());
        if prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.')) {
            return Ok(());
        }
        Err(Failure {
            kind: "MessageRejected",
            ..Failure::bad_request(format!(
                "Email address is not verified. The following identities failed the check: {address}"
            ))
        })
    }

    fn accept(&self, outbound: &Outbound) -> Result<String, Failure> {
        let received_at = (self.inner.clock)();
        // The lock is held until the mail is stored, so that sequence numbers and files agree.
        let mut messages = self.lock();
        let sequence = messages.last().map_or(1, |last| last.sequence + 1);
        let id = format!(
            "{:016x}-{sequence:012x}-000000",
            received_at.as_millisecond().max(0)
        );
        let message = mime::message(outbound, id.clone(), sequence, received_at).map_err(internal)?;
        if let Some(dir) = &self.inner.dir {
            write_message(dir, &message).map_err(internal)?;
        }
        messages.push(Arc::new(message));
        Ok(id)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Message>>> {
        // No code panics while it holds the lock, so a poisoned list is still a whole one.
        self.inner.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn internal(error: io::Error) -> Failure {
    tracing::error!(%error, "the local SES cannot keep a mail");
    Failure {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        kind: "InternalServiceErrorException",
        message: "The mail could not be kept.".to_owned(),
    }
}

fn read_message(path: &Path) -> io::Result<Message> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is not a mail: {error}", path.display()),
        )
    })
}

fn write_message(dir: &Path, message: &Message) -> io::Result<()> {
    let path = dir.join(format!("{:012}.json", message.sequence));
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, serde_json::to_vec_pretty(message)?)?;
    std::fs::rename(&temporary, &path)
}

fn respond(status: StatusCode, error: Option<&'static str>, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    if let Some(kind) = error {
        headers.insert("x-amzn-errortype", header::HeaderValue::from_static(kind));
    }
    response
}
