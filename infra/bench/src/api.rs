//! A client of the API: plain HTTP/1.1 to this machine, a connection per request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Result;

/// An answer takes no longer than the gateway's limit and a little for the way.
const LIMIT: Duration = Duration::from_secs(35);

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request to wherever its URL says.
pub(crate) async fn send(request: Request<Bytes>) -> Result<Reply> {
    let what = format!("{} {}", request.method(), request.uri().path());
    match tokio::time::timeout(LIMIT, exchange(request)).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(format!("{what}: {error}")),
        Err(_) => Err(format!("{what}: no answer within {LIMIT:?}")),
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(mut request: Request<Bytes>) -> std::result::Result<Reply, Failure> {
    let authority = request.uri().authority().ok_or("the URL names no host")?.clone();
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    *request.uri_mut() = path.parse::<Uri>()?;
    let host = HeaderValue::from_str(authority.as_str())?;
    request.headers_mut().entry(HOST).or_insert(host);
    let stream = TcpStream::connect(authority.as_str()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let work = async {
        let response = sender.send_request(request.map(Full::new)).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    };
    tokio::pin!(work);
    // The connection has to be driven for the request to go anywhere. When it ends, what is left of the answer has
    // arrived.
    tokio::select! {
        reply = &mut work => reply,
        _ = connection => work.await,
    }
}

/// A caller of the API, with a token or without.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) origin: String,
    pub(crate) token: Option<String>,
}

impl Client {
    /// Somebody whom nobody knows.
    pub(crate) fn anonymous(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            token: None,
        }
    }

    /// Sends a request.
    pub(crate) async fn call(&self, request: Call) -> Result<Reply> {
        let mut request = request;
        request.token = request.token.or_else(|| self.token.clone());
        send(request.at(&self.origin)?).await
    }

    /// Gets a path, which must answer 200.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Call::new(Method::GET, path))
            .await?
            .must_be(200)?
            .json()
    }

    /// Posts JSON to a path, which must answer with this status.
    pub(crate) async fn post(&self, path: &str, body: &Value, status: u16) -> Result<Reply> {
        self.call(Call::new(Method::POST, path).json(body))
            .await?
            .must_be(status)
    }

    /// Sends the signed request to S3 that an answer holds, with a body.
    pub(crate) async fn upload(&self, signed: &Value, content: &str) -> Result<()> {
        let method = text(signed, "/method")?
            .parse::<Method>()
            .map_err(|error| error.to_string())?;
        let mut request = Request::builder().method(method).uri(text(signed, "/url")?);
        for (name, value) in signed["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let request = request.body(Bytes::copy_from_slice(content.as_bytes()));
        send(request.map_err(|error| error.to_string())?)
            .await?
            .must_be(200)?;
        Ok(())
    }
}

/// A request before it is known who sends it and where to.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Call {
    /// A request without anything to it.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            token: None,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// With a body of a type.
    pub(crate) fn with(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.push(("content-type", content_type.to_owned()));
        self.body = body.into();
        self
    }

    /// With a JSON body; none for null.
    pub(crate) fn json(self, body: &Value) -> Self {
        if body.is_null() {
            self
        } else {
            self.with("application/json", body.to_string())
        }
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As an HTTP request to a server.
    pub(crate) fn at(self, origin: &str) -> Result<Request<Bytes>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{origin}{}", self.path));
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request
            .body(self.body)
            .map_err(|error| format!("a request cannot be made: {error}"))
    }
}

impl Reply {
    /// The reply if it has this status.
    pub(crate) fn must_be(self, status: u16) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(format!("{status} was expected, and {} came: {body}", self.status))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = self.headers.get(CONTENT_TYPE);
            format!("an answer of type {kind:?} is not JSON: {error}")
        })
    }

    /// A text in the body.
    pub(crate) fn text(&self, pointer: &str) -> Result<String> {
        text(&self.json()?, pointer)
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Result<String> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value
            .map(str::to_owned)
            .ok_or_else(|| format!("an answer has no header {name}"))
    }
}

/// A text in a JSON value.
pub(crate) fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| format!("there is no text at {pointer} in {value}"))
}
