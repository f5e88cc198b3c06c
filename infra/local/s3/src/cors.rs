//! Cross-origin requests: preflights and the headers on answers to browsers.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use http::request::Parts;
use s3s::dto::{CORSConfiguration, CORSRule};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::ops::config;
use crate::store::Store;
use crate::store::meta;

/// What a browser asks about.
pub(crate) struct Question {
    bucket: String,
    origin: String,
    method: String,
    headers: Vec<String>,
}

impl Question {
    /// Reads a preflight, or the cross-origin side of any other request; `None` when there is none.
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let headers = text(ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let headers = headers.split(',').map(|name| name.trim().to_ascii_lowercase());
        Some(Self {
            bucket: parts
                .uri
                .path()
                .trim_start_matches('/')
                .split('/')
                .next()?
                .to_owned(),
            origin: text(ORIGIN)?.to_owned(),
            method: text(ACCESS_CONTROL_REQUEST_METHOD)
                .unwrap_or(parts.method.as_str())
                .to_owned(),
            headers: headers.filter(|name| !name.is_empty()).collect(),
        })
    }

    fn answered_by(&self, rule: &CORSRule) -> Option<HeaderMap> {
        let pattern = rule
            .allowed_origins
            .iter()
            .find(|pattern| wildcard(pattern, &self.origin))?;
        if !rule.allowed_methods.contains(&self.method) {
            return None;
        }
        let allowed = rule.allowed_headers.as_deref().unwrap_or_default();
        let accepted = |name: &String| {
            allowed
                .iter()
                .any(|pattern| wildcard(&pattern.to_ascii_lowercase(), name))
        };
        if !self.headers.iter().all(accepted) {
            return None;
        }
        let any = pattern == "*";
        let mut answer = HeaderMap::new();
        let mut say = |name: HeaderName, value: String| {
            if !value.is_empty()
                && let Ok(value) = HeaderValue::try_from(value)
            {
                answer.insert(name, value);
            }
        };
        say(
            ACCESS_CONTROL_ALLOW_ORIGIN,
            if any { "*".to_owned() } else { self.origin.clone() },
        );
        if !any {
            say(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned());
        }
        say(ACCESS_CONTROL_ALLOW_METHODS, rule.allowed_methods.join(", "));
        say(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.join(", "));
        say(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            rule.expose_headers.as_deref().unwrap_or_default().join(", "),
        );
        say(
            ACCESS_CONTROL_MAX_AGE,
            rule.max_age_seconds
                .map(|age| age.to_string())
                .unwrap_or_default(),
        );
        let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
        say(VARY, vary.to_owned());
        Some(answer)
    }

    /// The headers of the first rule that allows this; `None` when no rule does.
    pub(crate) fn answer(&self, store: &Store) -> S3Result<Option<HeaderMap>> {
        let found: Option<CORSConfiguration> =
            store.read(|connection| config::get(connection, &self.bucket, config::CORS))?;
        let rules = found.map(|found| found.cors_rules).unwrap_or_default();
        Ok(rules.iter().find_map(|rule| self.answered_by(rule)))
    }

    /// The answer to a preflight.
    pub(crate) fn preflight(&self, store: &Store) -> S3Result<HeaderMap> {
        if store
            .read(|connection| Ok(meta::bucket(connection, &self.bucket)?))?
            .is_none()
        {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        }
        self.answer(store)?.ok_or_else(|| {
            let message = "CORSResponse: This CORS request is not allowed.";
            let mut error = S3Error::with_message(S3ErrorCode::Custom("AccessForbidden".into()), message);
            error.set_status_code(http::StatusCode::FORBIDDEN);
            error
        })
    }
}

/// Matches a pattern with at most one `*`.
fn wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn a_star_stands_for_any_text_but_does_not_overlap() {
        assert!(wildcard("http://*.test", "http://a.b.test"));
        assert!(wildcard("*", ""));
        assert!(!wildcard("ab*ba", "aba"));
        assert!(!wildcard("http://app.test", "http://app.test.evil"));
    }
}
