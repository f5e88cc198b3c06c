//! AWS over TLS: a listener with a certificate of its own in front of the embedded stack, so that a function pays for
//! the handshake and the encryption as it does on AWS.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::Result;

/// The listener; it ends when it is dropped.
pub(crate) struct Tls {
    port: u16,
    /// The certificate authority that signed the listener's certificate, as PEM.
    authority: NamedTempFile,
    porter: JoinHandle<()>,
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.porter.abort();
    }
}

impl Tls {
    /// Begins to listen in front of AWS at an origin.
    pub(crate) async fn before(endpoint: &str) -> Result<Self> {
        let upstream = endpoint.trim_start_matches("http://").to_owned();
        let (config, pem) = certified().map_err(|error| format!("no certificate can be made: {error}"))?;
        let failed = |error: std::io::Error| format!("TLS cannot be offered: {error}");
        let authority = NamedTempFile::new().map_err(failed)?;
        std::fs::write(authority.path(), pem).map_err(failed)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let porter = tokio::spawn(open(listener, TlsAcceptor::from(Arc::new(config)), upstream));
        Ok(Self {
            port,
            authority,
            porter,
        })
    }

    /// Sends a function here. Its trust store is then the one certificate that `SSL_CERT_FILE` names, so that reading it
    /// costs no more than reading the few that are embedded.
    pub(crate) fn redirect(&self, environment: &mut HashMap<String, String>) {
        let variables = [
            ("AWS_ENDPOINT_URL", format!("https://localhost:{}", self.port)),
            // On AWS each service has a host of its own, and a connection to each has to be made.
            ("BARE_KMS_ENDPOINT", format!("https://127.0.0.1:{}", self.port)),
            ("SSL_CERT_FILE", self.authority.path().display().to_string()),
            ("TLS_ROOTS", "system".to_owned()),
        ];
        environment.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    }
}

/// What the server shows, and the certificate of who vouches for it.
fn certified() -> std::result::Result<(ServerConfig, String), Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, authority.pem()))
}

async fn open(listener: TcpListener, acceptor: TlsAcceptor, upstream: String) {
    // Connections end with the listener.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        connections.spawn(async move {
            // Small pieces must not wait for one another's acknowledgement.
            stream.set_nodelay(true)?;
            // A handshake that fails is the client's to report.
            let mut stream = acceptor.accept(stream).await?;
            let mut aws = TcpStream::connect(upstream).await?;
            aws.set_nodelay(true)?;
            copy_bidirectional(&mut stream, &mut aws).await
        });
    }
}
