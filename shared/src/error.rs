//! What can go wrong, in the domain's words. The error knows no HTTP; `problem` turns it into an answer.

use serde::{Deserialize, Serialize};

use crate::ids::ErasureId;

/// The result of a domain operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing that is wrong with the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the body; a parameter is named as `?name`, a header as its name.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl Violation {
    /// A violation at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        // Details are joined and shown to people: each is a sentence.
        if !detail.ends_with(['.', '!', '?']) {
            detail.push('.');
        }
        Self {
            pointer: pointer.into(),
            detail,
        }
    }
}

/// Collects every violation of an input, so that the caller learns all of them at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Takes the value of a check, or notes why there is none.
    pub fn check<T, E: std::fmt::Display>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(pointer, error.to_string());
                None
            }
        }
    }

    /// Notes a violation.
    pub fn push(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Violation::new(pointer, detail));
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error, or `()` when nothing is wrong.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.0))
        }
    }

    /// The error of an input in which at least one check failed.
    pub fn into_error(self) -> Error {
        Error::Invalid(self.0)
    }
}

/// Why an operation did not happen. Messages are for the caller; a cause is for the log only.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// The request cannot be read at all.
    Unreadable(Violation),
    /// There is no valid credential.
    Unauthenticated(&'static str),
    /// The caller may know that the thing exists and may not do this with it.
    Forbidden(&'static str),
    /// The organisation demands two factors, and the session has shown one.
    MfaRequired,
    /// The organisation's members sign in through its identity provider, and the session was begun otherwise.
    SsoRequired,
    /// The action needs a more recent proof that it is still the same person.
    StepUpRequired,
    /// It does not exist, or is not the caller's: the two look the same.
    NotFound,
    /// The route exists and the method does not.
    MethodNotAllowed(Vec<&'static str>),
    /// The data was erased and will not come back.
    Gone {
        /// The erasure that destroyed it, whose receipt anybody with the id can fetch.
        erasure: Option<ErasureId>,
    },
    /// The state of the thing does not allow it.
    Conflict(Violation),
    /// The `If-Match` of the request is not the current version.
    Stale {
        /// The version that is current.
        current: u64,
    },
    /// `If-Match` is missing.
    PreconditionRequired,
    /// The body is longer than the route takes.
    TooLarge {
        /// The route's limit in bytes.
        limit: usize,
    },
    /// The content type is not what the route takes.
    UnsupportedMediaType {
        /// The content type the route takes.
        expected: &'static str,
    },
    /// The input is readable and wrong.
    Invalid(Vec<Violation>),
    /// The same idempotency key came with another request.
    IdempotencyMismatch,
    /// The caller did this too often.
    TooManyRequests {
        /// Seconds after which it may be done again.
        retry_after: i64,
    },
    /// A dependency did not answer in time or refused for load; nothing is half done.
    Unavailable(Cause),
    /// A defect of ours.
    Internal(Cause),
}

/// The cause of a failure, for the log. It holds no personal data and no secret: only operation names and error codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    /// A cause in our own words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error {
    /// A conflict at `pointer`.
    pub fn conflict(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Conflict(Violation::new(pointer, detail))
    }

    /// A single violation.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(pointer, detail)])
    }

    /// An internal failure with its cause.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::Internal(Cause::new(cause))
    }

    /// A dependency's failure with its cause.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::Unavailable(Cause::new(cause))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(cause) => write!(f, "a dependency is unavailable: {cause}"),
            Self::Internal(cause) => write!(f, "internal failure: {cause}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl std::error::Error for Error {}
