//! Answers: a status, a few headers, JSON.

use http::HeaderValue;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, LINK,
    LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;
use shared::auth::COOKIE;
use shared::error::{Error, Result};
use shared::idempotency::StoredAnswer;
use shared::problem::{Problem, RETRY_AFTER_SECONDS};

use super::request::etag;

/// The headers that every answer has, whatever happened.
const ALWAYS: [(HeaderName, &str); 6] = [
    (STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("x-frame-options"), "DENY"),
];

/// A handler's answer.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(HeaderName, String)>,
    body: String,
}

/// The form in which an answer is kept for a repetition of the request.
pub type Stored = StoredAnswer;

impl Answer {
    /// An answer with a JSON body.
    ///
    /// # Errors
    /// Only when the body does not encode.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body)
            .map_err(|error| Error::internal(format!("an answer does not encode: {error}")))?;
        Ok(Self {
            status,
            headers: vec![(CONTENT_TYPE, "application/json; charset=utf-8".to_owned())],
            body,
        })
    }

    /// An answer with a text body.
    pub fn text(body: String) -> Self {
        Self::of_type("text/plain; charset=utf-8", body)
    }

    /// An answer that is a page.
    pub fn html(body: String) -> Self {
        Self::of_type("text/html; charset=utf-8", body)
    }

    /// An answer that is a CSV file, to be kept under a name of ours and not shown (RFC 6266).
    pub fn csv(name: &'static str, body: String) -> Self {
        let mut answer = Self::of_type("text/csv; charset=utf-8", body);
        let disposition = format!("attachment; filename=\"{name}\"");
        answer.headers.push((CONTENT_DISPOSITION, disposition));
        answer
    }

    fn of_type(content_type: &str, body: String) -> Self {
        Self {
            status: 200,
            headers: vec![(CONTENT_TYPE, content_type.to_owned())],
            body,
        }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// 304: the caller has this version already.
    pub fn not_modified(version: u64) -> Self {
        Self {
            status: 304,
            headers: vec![(ETAG, etag(version))],
            body: String::new(),
        }
    }

    /// 303: the browser goes on to a page of ours.
    pub fn see_other(path: &str) -> Self {
        Self {
            status: 303,
            headers: vec![(LOCATION, path.to_owned())],
            body: String::new(),
        }
    }

    /// Names the version in the `ETag`.
    #[must_use]
    pub fn etag(mut self, version: u64) -> Self {
        self.headers.push((ETAG, etag(version)));
        self
    }

    /// Says where the created thing is.
    #[must_use]
    pub fn location(mut self, path: String) -> Self {
        self.headers.push((LOCATION, path));
        self
    }

    /// Links to the next page (RFC 8288).
    #[must_use]
    pub fn next(mut self, path: Option<String>) -> Self {
        if let Some(path) = path {
            self.headers.push((LINK, format!("<{path}>; rel=\"next\"")));
        }
        self
    }

    /// Sets a cookie that the browser keeps to this host, sends over TLS only, hides from scripts, and leaves out of
    /// requests that another site causes, but for following a link (RFC 6265bis; ASVS 3.3).
    #[must_use]
    pub fn cookie(mut self, name: &str, value: &str, max_age: i64) -> Self {
        let cookie = format!("{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax");
        self.headers.push((SET_COOKIE, cookie));
        self
    }

    /// Makes the browser forget what it keeps of this host (ASVS 14.3.1).
    #[must_use]
    pub fn clear_site_data(mut self) -> Self {
        let everything = "\"cache\", \"cookies\", \"storage\"".to_owned();
        self.headers
            .push((HeaderName::from_static("clear-site-data"), everything));
        self.cookie(COOKIE, "", 0)
    }

    /// May be kept by anybody for `seconds`; everything else may be kept by nobody.
    #[must_use]
    pub fn public_for(mut self, seconds: u32) -> Self {
        self.headers
            .push((CACHE_CONTROL, format!("public, max-age={seconds}")));
        self
    }

    /// The answer as it is kept for a repetition.
    pub fn stored(&self) -> Stored {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        Stored {
            status: self.status,
            headers,
            body: self.body.clone(),
        }
    }

    /// A kept answer, marked as such.
    pub fn replayed(stored: Stored) -> Self {
        let mut headers: Vec<_> = stored
            .headers
            .into_iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, value)))
            .collect();
        headers.push((HeaderName::from_static("idempotency-replayed"), "true".to_owned()));
        Self {
            status: stored.status,
            headers,
            body: stored.body,
        }
    }

    /// The answer to an error.
    pub fn problem(error: &Error, request_id: &str) -> Self {
        let problem = Problem::new(error, request_id);
        let mut headers = vec![(CONTENT_TYPE, "application/problem+json; charset=utf-8".to_owned())];
        match error {
            Error::Unauthenticated(_) => headers.push((WWW_AUTHENTICATE, "Bearer".to_owned())),
            Error::Unavailable(_) => headers.push((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())),
            Error::TooManyRequests { retry_after } => headers.push((RETRY_AFTER, retry_after.to_string())),
            Error::MethodNotAllowed(allowed) => headers.push((ALLOW, allowed.join(", "))),
            _ => {}
        }
        // A problem is made of text; it always encodes.
        let body = serde_json::to_string(&problem).unwrap_or_default();
        Self {
            status: problem.status,
            headers,
            body,
        }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The answer as the gateway takes it.
    pub fn into_response(self) -> http::Response<lambda_http::Body> {
        let mut response = http::Response::new(lambda_http::Body::from(self.body));
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                if name == SET_COOKIE {
                    headers.append(name, value);
                } else {
                    headers.insert(name, value);
                }
            }
        }
        response
    }
}
