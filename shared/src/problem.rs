//! Errors as answers: problem details for HTTP APIs (RFC 9457).

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Violation};

/// The body of every answer that is not a success, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what would be right.
    pub detail: String,
    /// The request that met the problem.
    pub instance: String,
    /// Each thing that is wrong, with a pointer to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
}

/// Seconds after which a caller may try again when a dependency is out.
pub const RETRY_AFTER_SECONDS: u32 = 2;

impl Problem {
    /// The answer to `error` for the request `request_id`.
    pub fn new(error: &Error, request_id: &str) -> Self {
        let (status, kind, title, detail, violations) = parts(error);
        Self {
            kind: format!("urn:trackwell:problem:{kind}"),
            title: title.to_owned(),
            status,
            detail,
            instance: format!("urn:trackwell:request:{request_id}"),
            violations,
        }
    }
}

type Parts = (u16, &'static str, &'static str, String, Vec<Violation>);

fn parts(error: &Error) -> Parts {
    let plain =
        |status, kind, title, detail: &str| -> Parts { (status, kind, title, detail.to_owned(), vec![]) };
    match error {
        Error::Unreadable(violation) => (
            400,
            "unreadable",
            "The request cannot be read",
            violation.detail.clone(),
            vec![violation.clone()],
        ),
        Error::Unauthenticated(detail) => {
            plain(401, "unauthenticated", "A valid credential is needed", detail)
        }
        Error::Forbidden(detail) => plain(403, "forbidden", "This is not allowed", detail),
        Error::MfaRequired => plain(
            403,
            "mfa-required",
            "A second factor is needed",
            "Your organisation demands a second factor: set one up under /v1/me/factors, then sign in with it.",
        ),
        Error::SsoRequired => plain(
            403,
            "sso-required",
            "A sign-in through your organisation's identity provider is needed",
            "Link your identity there with POST /v1/me/identities, if you have not, then sign in at POST /v1/auth/sso.",
        ),
        Error::StepUpRequired => plain(
            403,
            "step-up-required",
            "Show once more that it is you",
            "This needs a sign-in of the last five minutes: send a factor to POST /v1/me/step-up, then repeat the request.",
        ),
        Error::NotFound => plain(
            404,
            "not-found",
            "Not found",
            "There is nothing here, or it is not yours to see.",
        ),
        Error::MethodNotAllowed(allowed) => (
            405,
            "method-not-allowed",
            "The method is not allowed here",
            format!("Allowed here: {}.", allowed.join(", ")),
            vec![],
        ),
        Error::Gone { erasure } => (
            410,
            "erased",
            "The data was erased",
            match erasure {
                Some(erasure) => {
                    format!(
                        "It cannot be brought back. The receipt of its erasure is at /v1/erasures/{erasure}."
                    )
                }
                None => "It cannot be brought back.".to_owned(),
            },
            vec![],
        ),
        Error::Conflict(violation) => (
            409,
            "conflict",
            "The current state does not allow this",
            violation.detail.clone(),
            vec![violation.clone()],
        ),
        Error::Stale { current } => (
            412,
            "stale",
            "The resource has changed",
            format!("Its ETag is now \"{current}\": read it again and repeat the change."),
            vec![],
        ),
        Error::PreconditionRequired => plain(
            428,
            "precondition-required",
            "If-Match is needed",
            "Send the ETag of the version that you mean to change in If-Match.",
        ),
        Error::TooLarge { limit } => (
            413,
            "too-large",
            "The body is too large",
            format!("This route takes at most {limit} bytes."),
            vec![],
        ),
        Error::UnsupportedMediaType { expected } => (
            415,
            "unsupported-media-type",
            "The content type is not supported",
            format!("Send {expected}."),
            vec![],
        ),
        Error::Invalid(violations) => (
            422,
            "invalid",
            "The input is not valid",
            violations
                .iter()
                .map(|violation| violation.detail.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            violations.clone(),
        ),
        Error::IdempotencyMismatch => plain(
            422,
            "idempotency-mismatch",
            "The idempotency key was used for another request",
            "Use a new Idempotency-Key for a new request; repeat the first request unchanged to get its answer again.",
        ),
        Error::TooManyRequests { retry_after } => (
            429,
            "too-many-requests",
            "Too many requests",
            format!("Try again in {retry_after} seconds."),
            vec![],
        ),
        Error::Unavailable(_) => plain(
            503,
            "unavailable",
            "Try again shortly",
            "Nothing was changed. Repeat the same request, with the same Idempotency-Key if it had one.",
        ),
        Error::Internal(_) => plain(
            500,
            "internal",
            "Something went wrong on our side",
            "It was recorded under this instance.",
        ),
    }
}
