//! A connection that is kept: a client that opens one for each request runs out of ports within a minute.

use bytes::Bytes;
use http::Request;
use http::header::{HOST, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;
use crate::api::Reply;

/// A connection to the API.
pub(crate) struct Connection {
    authority: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// A connection to an origin, which is opened with the first request.
    pub(crate) fn to(origin: &str) -> Self {
        let authority = origin.trim_start_matches("http://").to_owned();
        Self {
            authority,
            sender: None,
        }
    }

    /// Sends a request; after a failure the next one gets a new connection.
    pub(crate) async fn send(&mut self, request: Request<Bytes>) -> Result<Reply> {
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => self.open().await?,
        };
        let reply = self.exchange(&mut sender, request).await;
        let reply = reply.map_err(|error| error.to_string())?;
        self.sender = Some(sender);
        Ok(reply)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", self.authority);
        let stream = TcpStream::connect(&self.authority)
            .await
            .map_err(|error| failed(&error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        // What goes wrong with the connection, its requests tell.
        drop(tokio::spawn(async move { connection.await.unwrap_or_default() }));
        Ok(sender)
    }

    async fn exchange(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        mut request: Request<Bytes>,
    ) -> std::result::Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        sender.ready().await?;
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        *request.uri_mut() = path.parse()?;
        let host = HeaderValue::from_str(&self.authority)?;
        request.headers_mut().entry(HOST).or_insert(host);
        let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    }
}
