//! A client of the API, and the answers that it gets.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use local::Stack;
use serde_json::Value;

/// A client of the API.
#[derive(Clone)]
pub struct Client {
    pub(super) stack: Stack,
    pub token: Option<String>,
    /// The cookies of a browser that shows a page of ours.
    pub(super) cookie: Option<String>,
}

impl Client {
    /// The same client as a browser with a cookie.
    pub fn with_cookie(mut self, cookie: &str) -> Self {
        self.cookie = Some(cookie.to_owned());
        self
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    pub async fn delete(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::DELETE, path, headers, Bytes::new()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, body, &[]).await
    }

    pub async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        self.json(Method::POST, path, body, headers).await
    }

    pub async fn json(&self, method: Method, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let bytes = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(method, path, &all, bytes).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1{path}"));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(cookie) = &self.cookie {
            request = request
                .header("cookie", cookie)
                .header("sec-fetch-site", "same-origin");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(self.stack.request(request.body(body).unwrap()).await)
    }

    /// Sends a signed request to S3 as it was handed out.
    pub async fn send_signed(&self, signed: &Value, body: &[u8]) -> Reply {
        let mut request = Request::builder()
            .method(signed["method"].as_str().unwrap())
            .uri(signed["url"].as_str().unwrap());
        for (name, value) in signed["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        Reply::of(
            self.stack
                .aws()
                .call(request.body(Bytes::copy_from_slice(body)).unwrap())
                .await,
        )
    }
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Reply {
    fn of(response: http::Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status, kind of problem, and the pointers of its violations, after checking that the body is one.
    pub fn problem(&self) -> (u16, String, Vec<String>) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json; charset=utf-8"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(body["status"], self.status, "{self:?}");
        for name in ["title", "detail", "instance"] {
            assert!(
                body[name].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {self:?}"
            );
        }
        let kind = body["type"]
            .as_str()
            .unwrap()
            .trim_start_matches("urn:trackwell:problem:")
            .to_owned();
        let violations = body["violations"].as_array().cloned().unwrap_or_default();
        let pointers = violations
            .iter()
            .map(|violation| violation["pointer"].as_str().unwrap().to_owned())
            .collect();
        (self.status, kind, pointers)
    }
}
