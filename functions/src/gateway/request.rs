//! Requests as handlers see them: read once, limits checked, nothing left to the handler's care.

use std::str::FromStr;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, IF_MATCH, IF_NONE_MATCH};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use serde::de::DeserializeOwned;
use shared::config::Config;
use shared::error::{Error, Result, Violation};
use shared::source::Source;

use crate::registry::Route;

/// What a route takes as a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// A JSON object of at most so many bytes.
    Json(usize),
    /// A JSON Merge Patch (RFC 7396) of at most so many bytes.
    MergePatch(usize),
    /// A CSV file of at most so many bytes.
    Csv(usize),
}

impl Body {
    /// The most bytes.
    pub const fn limit(self) -> usize {
        match self {
            Self::None => 0,
            Self::Json(limit) | Self::MergePatch(limit) | Self::Csv(limit) => limit,
        }
    }

    /// The content type to name in an error and in the documentation.
    pub const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json(_) => Some("application/json"),
            Self::MergePatch(_) => Some("application/merge-patch+json"),
            Self::Csv(_) => Some("text/csv"),
        }
    }

    fn accepts(self, essence: &str) -> bool {
        match self {
            Self::None => true,
            Self::Json(_) => essence == "application/json",
            Self::MergePatch(_) => matches!(essence, "application/merge-patch+json" | "application/json"),
            Self::Csv(_) => essence == "text/csv",
        }
    }
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Names the request in logs and answers.
    pub id: String,
    /// HTTP method.
    pub method: http::Method,
    /// The path as it was asked for.
    pub path: String,
    headers: HeaderMap,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Vec<u8>,
    source: Source,
}

impl Request {
    /// Takes over what the gateway delivered.
    pub fn new(raw: &lambda_http::Request, route: &Route, config: &Config) -> Self {
        let id = match raw.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let parameters = raw.path_parameters();
        let params = route
            .parameters()
            .filter_map(|name| Some((name.to_owned(), parameters.first(name)?.to_owned())))
            .collect();
        let query = raw.query_string_parameters();
        Self {
            id,
            method: raw.method().clone(),
            path: raw.raw_http_path().to_owned(),
            headers: raw.headers().clone(),
            params,
            query: query
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: raw.body().to_vec(),
            source: super::source(raw, config),
        }
    }

    /// Where the request comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What limits per source count this request under.
    pub fn limited(&self) -> String {
        super::limited(&self.source)
    }

    /// The value of a cookie that stands once.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let headers = self.headers.get_all(COOKIE).iter();
        let pairs = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let mut values = pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(known, _)| *known == name);
        let (_, value) = values.next()?;
        values.next().is_none().then(|| value.to_owned())
    }

    /// Whether a browser sent this request for a page of `origin`, or nothing can change by it. Browsers say so
    /// themselves, and pages cannot make them say otherwise (Fetch Metadata; OWASP CSRF prevention).
    pub fn is_from_here(&self, origin: &str) -> bool {
        if self.method.is_safe() {
            return true;
        }
        match self.header("sec-fetch-site") {
            Some(site) => site == "same-origin",
            None => self.header("origin") == Some(origin),
        }
    }

    /// Checks what can be checked before anybody is asked who they are: size, type, unknown or repeated parameters.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::UnsupportedMediaType`], [`Error::Invalid`].
    pub fn check(&self, route: &Route) -> Result<()> {
        if self.body.len() > route.body.limit() {
            return Err(Error::TooLarge {
                limit: route.body.limit(),
            });
        }
        if let Some(expected) = route.body.content_type() {
            let given = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
            let (essence, charset) = given.split_once(';').unwrap_or((given, ""));
            let charset = charset.trim().to_ascii_lowercase();
            let utf8 = charset.is_empty() || charset == "charset=utf-8" || charset == "header=present";
            if !route.body.accepts(&essence.trim().to_ascii_lowercase()) || !utf8 {
                return Err(Error::UnsupportedMediaType { expected });
            }
        }
        let mut violations = Vec::new();
        for (index, (name, _)) in self.query.iter().enumerate() {
            let pointer = format!("?{}", shared::text::shown(name));
            let known = route.query.iter().any(|parameter| parameter.name == name);
            if !known && route.other_parameters {
                continue;
            }
            if !known {
                let known: Vec<_> = route.query.iter().map(|parameter| parameter.name).collect();
                let detail = if known.is_empty() {
                    "This route takes no parameters.".to_owned()
                } else {
                    format!("This parameter is not known. Known here: {}.", known.join(", "))
                };
                violations.push(Violation::new(pointer, detail));
            } else if self.query[..index].iter().any(|(earlier, _)| earlier == name) {
                violations.push(Violation::new(pointer, "This parameter stands twice."));
            }
        }
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(violations))
        }
    }

    /// The value of a header that stands once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            None
        } else {
            Some(first)
        }
    }

    /// A typed part of the path. Text that is no id of the type is an id of nothing: 404.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn param<T: FromStr>(&self, name: &str) -> Result<T> {
        self.params
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| value.parse().ok())
            .ok_or(Error::NotFound)
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The path and query of this request with another value of one parameter.
    pub fn path_with(&self, name: &str, value: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (known, old) in self.query.iter().filter(|(known, _)| known != name) {
            query.append_pair(known, old);
        }
        format!("{}?{}", self.path, query.append_pair(name, value).finish())
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as any JSON object.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn object(&self) -> Result<serde_json::Value> {
        shared::json::object(&self.body)
    }

    /// The body as a typed JSON object.
    ///
    /// # Errors
    /// [`Error::Unreadable`], or [`Error::Invalid`] with every violation.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        shared::json::typed(self.object()?, "")
    }

    /// Checks `If-Match` against the current version (RFC 9110 §13.1.1).
    ///
    /// # Errors
    /// [`Error::PreconditionRequired`] when it is missing, [`Error::Stale`] when it names another version.
    pub fn must_match(&self, version: u64) -> Result<()> {
        match self.header(IF_MATCH.as_str()) {
            None => Err(Error::PreconditionRequired),
            Some(value) if matches(value, version) => Ok(()),
            Some(_) => Err(Error::Stale { current: version }),
        }
    }

    /// Checks `If-Match` where it is optional.
    ///
    /// # Errors
    /// [`Error::Stale`] when it names another version.
    pub fn may_match(&self, version: u64) -> Result<()> {
        if self.header(IF_MATCH.as_str()).is_some() {
            self.must_match(version)
        } else {
            Ok(())
        }
    }

    /// Whether the caller has this version already (RFC 9110 §13.1.2).
    pub fn has_already(&self, version: u64) -> bool {
        self.header(IF_NONE_MATCH.as_str())
            .is_some_and(|value| matches_weakly(value, version))
    }
}

/// The ETag of a version.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

fn matches(value: &str, version: u64) -> bool {
    value.trim() == "*" || value.split(',').any(|tag| tag.trim() == etag(version))
}

fn matches_weakly(value: &str, version: u64) -> bool {
    value.trim() == "*"
        || value
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == etag(version))
}
