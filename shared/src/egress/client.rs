//! One request over one connection of its own: what is asked this way is asked seldom.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONNECTION, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::dns::{Dns, Domain};
use super::{Destination, EgressConfig, Failure};

/// The most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1_024;

/// What one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest wait for a connection to one address.
    pub connect: Duration,
    /// The longest time for everything.
    pub whole: Duration,
    /// The largest body of an answer, in bytes.
    pub body: usize,
}

impl Default for Limits {
    /// Two requests fit into a function's ten seconds.
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(1_500),
            whole: Duration::from_millis(4_000),
            body: 256 * 1_024,
        }
    }
}

/// The client for everything that is not AWS.
pub struct Egress {
    tls: TlsConnector,
    dns: Dns,
    loopback: bool,
    limits: Limits,
}

/// The certificate authorities that browsers trust (Mozilla's list).
pub fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

impl Egress {
    /// A client that trusts `roots`.
    pub fn new(config: &EgressConfig, roots: RootCertStore, limits: Limits) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            tls: TlsConnector::from(Arc::new(tls)),
            dns: Dns::new(config.dns_server),
            loopback: config.loopback,
            limits,
        }
    }

    /// Reads a URL that may be asked here.
    ///
    /// # Errors
    /// Says what such a URL looks like.
    pub fn destination(&self, text: &str) -> Result<Destination, String> {
        Destination::parse(text, self.loopback)
    }

    /// The TXT records that stand for a domain's challenge; none where none are published.
    ///
    /// # Errors
    /// When no name server answers.
    pub async fn challenges(&self, domain: &Domain) -> Result<Vec<String>, Failure> {
        self.dns.texts(&domain.challenge_name()).await
    }

    /// Fetches JSON.
    ///
    /// # Errors
    /// Any status but 200 is one, and so is a body that is not such JSON.
    pub async fn get_json<T: serde::de::DeserializeOwned>(&self, to: &Destination) -> Result<T, Failure> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let answer = self.send(to, Method::GET, headers, Vec::new()).await?;
        if answer.status() != StatusCode::OK {
            return Err(Failure::Status(answer.status().as_u16()));
        }
        serde_json::from_slice(answer.body()).map_err(|_| Failure::Garbled)
    }

    /// Sends one request, once: nothing is repeated, and a redirect is an answer like any other.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn send(
        &self,
        to: &Destination,
        method: Method,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response<Vec<u8>>, Failure> {
        let request = request(to, method, headers, body)?;
        let exchange = async {
            let stream = self.connect(&self.resolve(to).await?).await?;
            if !to.is_tls() {
                return exchange(stream, request, self.limits.body).await;
            }
            let name = ServerName::try_from(to.host().to_owned()).map_err(|_| Failure::Refused)?;
            let stream = self.tls.connect(name, stream).await;
            exchange(stream.map_err(|_| Failure::Untrusted)?, request, self.limits.body).await
        };
        timeout(self.limits.whole, exchange)
            .await
            .unwrap_or(Err(Failure::Slow))
    }

    /// The addresses that may be connected to. All of a name's addresses must be public: a name with one that is not
    /// was made to reach something inside.
    async fn resolve(&self, to: &Destination) -> Result<Vec<SocketAddr>, Failure> {
        let addresses = if to.is_loopback() {
            // Destinations like this one are only made where loopback is allowed, and no name server is asked for them.
            if !self.loopback {
                return Err(Failure::Refused);
            }
            vec![to.host().parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))]
        } else {
            let addresses = self.dns.addresses(to.host()).await?;
            if !addresses.iter().copied().all(is_public) {
                return Err(Failure::Refused);
            }
            addresses
        };
        let addresses = addresses.into_iter().take(MAX_ADDRESSES);
        Ok(addresses
            .map(|address| SocketAddr::new(address, to.port()))
            .collect())
    }

    /// Connects to the first of the addresses that takes a connection.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
        let mut failure = Failure::Unresolved;
        for address in addresses {
            match timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(_)) => failure = Failure::Unreachable,
                Err(_) => failure = Failure::Slow,
            }
        }
        Err(failure)
    }
}

fn request(
    to: &Destination,
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let host = HeaderValue::from_str(to.authority()).map_err(|_| Failure::Refused)?;
    let mut request = Request::builder()
        .method(method)
        .uri(to.path_and_query())
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| Failure::Refused)?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, host);
    request
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static("Trackwell"));
    request
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<Response<Vec<u8>>, Failure> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Failure::Unreachable)?;
    // The connection is driven beside the request, and dropped with this set whatever comes of it.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| why(&error))?;
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(head, read(body, limit).await?))
}

async fn read(body: Incoming, limit: usize) -> Result<Vec<u8>, Failure> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge),
        Err(_) => Err(Failure::Garbled),
    }
}

fn why(error: &hyper::Error) -> Failure {
    if error.is_parse_too_large() {
        Failure::TooLarge
    } else if error.is_parse() {
        Failure::Garbled
    } else {
        Failure::Unreachable
    }
}
