//! The way out, over real sockets: names that lead inside, answers without an end, servers that prove nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local::names::{Names, Records};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use shared::egress::dns::Domain;
use shared::egress::{Egress, EgressConfig, Failure, Limits, public_roots};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// Short, so that what never ends ends soon.
const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    whole: Duration::from_millis(1_000),
    body: 64 * 1_024,
};

async fn name_server() -> (Names, EgressConfig) {
    let (names, socket) = (Names::default(), UdpSocket::bind(("127.0.0.1", 0)).await.unwrap());
    let config = EgressConfig {
        loopback: true,
        dns_server: Some(socket.local_addr().unwrap()),
    };
    tokio::spawn(names.clone().serve(socket));
    (names, config)
}

fn leads_to(names: &Names, name: &str, addresses: &[&str]) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let txt = Vec::new();
    names.set(name, Records { txt, addresses });
}

fn egress(roots: RootCertStore) -> Egress {
    let config = EgressConfig {
        loopback: true,
        dns_server: None,
    };
    Egress::new(&config, roots, LIMITS)
}

async fn fetch(egress: &Egress, url: &str) -> Result<Value, Failure> {
    egress.get_json(&egress.destination(url).unwrap()).await
}

#[tokio::test]
async fn l_05_l_06_a_name_of_which_any_address_leads_inside_is_refused_after_one_look() {
    let (names, config) = name_server().await;
    let egress = Egress::new(&config, public_roots(), LIMITS);
    let name = "id.customer.example";
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["fd00:ec2::254"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["1.1.1.1", "192.168.0.1"],
        &["192.168.0.1", "1.1.1.1"],
        &["1.1.1.1", "::1"],
        &["2606:4700::1111", "10.0.0.1"],
    ] {
        leads_to(&names, name, addresses);
        let before = names.asked(name);
        let failure = fetch(&egress, &format!("https://{name}/keys")).await;
        assert_eq!(failure, Err(Failure::Refused), "{addresses:?}");
        // Once for each family, and not once more for the connection: there is no second answer to be taken in by.
        assert_eq!(names.asked(name) - before, 2, "{addresses:?}");
    }
    leads_to(&names, name, &[]);
    assert_eq!(
        fetch(&egress, &format!("https://{name}/")).await,
        Err(Failure::Unresolved)
    );
}

#[tokio::test]
async fn challenges_are_read_whole_and_only_where_they_belong() {
    let (names, config) = name_server().await;
    let egress = Egress::new(&config, public_roots(), LIMITS);
    let domain = Domain::parse("customer.example").unwrap();
    assert_eq!(egress.challenges(&domain).await, Ok(vec![]));
    let long = "a".repeat(700);
    let txt = vec!["first".to_owned(), long];
    let records = Records {
        txt: txt.clone(),
        addresses: Vec::new(),
    };
    names.set("customer.example", records.clone());
    assert_eq!(egress.challenges(&domain).await, Ok(vec![]));
    names.set("_Trackwell-Challenge.customer.example", records);
    assert_eq!(egress.challenges(&domain).await, Ok(txt));
    leads_to(&names, "_trackwell-challenge.customer.example", &["1.1.1.1"]);
    assert_eq!(egress.challenges(&domain).await, Ok(vec![]));
    let nobody = EgressConfig {
        loopback: true,
        dns_server: Some("127.0.0.1:1".parse().unwrap()),
    };
    let failure = Egress::new(&nobody, public_roots(), LIMITS)
        .challenges(&domain)
        .await;
    assert!(
        matches!(failure, Err(Failure::Unresolved | Failure::Slow)),
        "{failure:?}"
    );
}

/// How a server behaves: what it says once it was asked, and what it goes on saying for ever.
#[derive(Debug, Clone, Default)]
struct Manner {
    says: Vec<u8>,
    repeats: Vec<u8>,
    every: Duration,
    stays: bool,
}

impl Manner {
    fn says(text: impl Into<Vec<u8>>) -> Self {
        let says = text.into();
        Self {
            says,
            ..Self::default()
        }
    }

    async fn act(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut question = [0; 4_096];
        // What the question is does not matter, only that there is one.
        let _ = stream.read(&mut question).await?;
        stream.write_all(&self.says).await?;
        stream.flush().await?;
        while !self.repeats.is_empty() {
            stream.write_all(&self.repeats).await?;
            tokio::time::sleep(self.every).await;
        }
        if self.stays {
            std::future::pending::<()>().await;
        }
        stream.shutdown().await
    }
}

/// A server of this manner, with TLS if there is a certificate; gives its port, and how many connections it had.
async fn server(manner: Manner, tls: Option<ServerConfig>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, acceptor) = (
        Arc::clone(&connections),
        tls.map(|config| TlsAcceptor::from(Arc::new(config))),
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            // A client that goes away in the middle is what most of these tests are about.
            tokio::spawn(serve(manner.clone(), stream, acceptor.clone()));
        }
    });
    (port, connections)
}

async fn serve(manner: Manner, stream: TcpStream, acceptor: Option<TlsAcceptor>) -> std::io::Result<()> {
    match acceptor {
        Some(acceptor) => manner.act(acceptor.accept(stream).await?).await,
        None => manner.act(stream).await,
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn l_07_a_redirect_is_not_followed() {
    let (inside, connections) = server(Manner::says(ok("{}")), None).await;
    for status in [301, 302, 303, 307, 308] {
        for target in [
            format!("http://127.0.0.1:{inside}/"),
            "file:///etc/passwd".to_owned(),
        ] {
            let says = format!("HTTP/1.1 {status} Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
            let (port, asked) = server(Manner::says(says), None).await;
            let answer = fetch(&egress(public_roots()), &format!("http://127.0.0.1:{port}/")).await;
            assert_eq!(answer, Err(Failure::Status(status)), "{target}");
            assert_eq!(asked.load(Ordering::SeqCst), 1, "{target}");
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn l_13_an_answer_that_is_too_large_too_slow_or_none_is_cut_off_in_time() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\n";
    let endless = |says: String, repeats: Vec<u8>, every: u64| Manner {
        says: says.into_bytes(),
        repeats,
        every: Duration::from_millis(every),
        stays: true,
    };
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4_096)).into_bytes();
    let long_header = format!("{HEAD}x-long: {}\r\n\r\n", "a".repeat(1_024 * 1_024));
    let many_headers = format!("{HEAD}{}\r\n", "a: b\r\n".repeat(10_000));
    let silent = Manner {
        stays: true,
        ..Manner::default()
    };
    // Ten bytes that unpack to JSON would be JSON, if anybody unpacked them.
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let mut bomb = format!("{HEAD}content-encoding: gzip\r\ncontent-length: 10\r\n\r\n").into_bytes();
    bomb.extend(packed);
    for (what, manner, failure) in [
        (
            "a gigabyte that is announced",
            endless(
                format!("{HEAD}content-length: 1073741824\r\n\r\n"),
                vec![b' '; 4_096],
                0,
            ),
            Failure::TooLarge,
        ),
        (
            "chunks without an end",
            endless(format!("{HEAD}transfer-encoding: chunked\r\n\r\n"), chunk, 0),
            Failure::TooLarge,
        ),
        (
            "one byte more than is read",
            Manner::says(ok(&" ".repeat(LIMITS.body + 1))),
            Failure::TooLarge,
        ),
        (
            "a header of a megabyte",
            Manner::says(long_header),
            Failure::TooLarge,
        ),
        (
            "ten thousand headers",
            Manner::says(many_headers),
            Failure::TooLarge,
        ),
        (
            "a head byte by byte",
            endless(HEAD.to_owned(), b"a".to_vec(), 50),
            Failure::Slow,
        ),
        (
            "a body byte by byte",
            endless(format!("{HEAD}content-length: 9999\r\n\r\n"), b" ".to_vec(), 50),
            Failure::Slow,
        ),
        ("silence", silent, Failure::Slow),
        ("nothing", Manner::default(), Failure::Unreachable),
        (
            "half a body",
            Manner::says(format!("{HEAD}content-length: 99\r\n\r\n{{")),
            Failure::Garbled,
        ),
        (
            "no HTTP",
            Manner::says("SSH-2.0-OpenSSH\r\n\r\n"),
            Failure::Garbled,
        ),
        ("a compressed body", Manner::says(bomb), Failure::Garbled),
        ("no JSON", Manner::says(ok("<html>")), Failure::Garbled),
        (
            "an error",
            Manner::says("HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n{}"),
            Failure::Status(500),
        ),
    ] {
        let (port, connections) = server(manner, None).await;
        let client = egress(public_roots());
        let url = format!("http://127.0.0.1:{port}/");
        let answer = tokio::time::timeout(LIMITS.whole * 3, fetch(&client, &url)).await;
        assert_eq!(answer, Ok(Err(failure)), "{what}: in time");
        assert_eq!(
            connections.load(Ordering::SeqCst),
            1,
            "{what}: nothing is tried again"
        );
    }
    let (port, _) = server(Manner::says(ok("{\"a\":1}")), None).await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(fetch(&egress(public_roots()), &url).await, Ok(json!({ "a": 1 })));
    let (port, _) = server(
        Manner::says(ok(&format!("{{}}{}", " ".repeat(LIMITS.body - 2)))),
        None,
    )
    .await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(
        fetch(&egress(public_roots()), &url).await,
        Ok(json!({})),
        "as much as is read"
    );
}

/// A certificate authority.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a server shows: a certificate for `name` until the end of `year`.
fn certified(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, year: i32) -> ServerConfig {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    shown(certificate.der().clone(), &key)
}

fn shown(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap()
}

/// The answer of a server that speaks TLS 1.0 and nothing newer (RFC 2246 §7.4.1.3).
fn tls_1_0() -> Manner {
    let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    Manner {
        stays: true,
        ..Manner::says(hello)
    }
}

#[tokio::test]
async fn l_14_a_server_that_does_not_prove_its_name_is_not_asked() {
    let (known, stranger) = (authority(), authority());
    let mut roots = RootCertStore::empty();
    roots.add(known.der().clone()).unwrap();
    let egress = egress(roots);
    let good = Manner::says(ok("{}"));
    let ask = async |manner: &Manner, tls: Option<ServerConfig>| {
        let (port, _) = server(manner.clone(), tls).await;
        fetch(&egress, &format!("https://localhost:{port}/")).await
    };
    let right = certified(&known, "localhost", 2099);
    assert_eq!(
        ask(&good, Some(right)).await,
        Ok(json!({})),
        "the others lack one thing each"
    );
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    for (what, tls) in [
        ("expired", Some(certified(&known, "localhost", 2024))),
        ("of another name", Some(certified(&known, "other.example", 2099))),
        (
            "of an authority that nobody knows",
            Some(certified(&stranger, "localhost", 2099)),
        ),
        ("signed by itself", Some(shown(own.der().clone(), &key))),
        ("without TLS", None),
    ] {
        assert_eq!(ask(&good, tls).await, Err(Failure::Untrusted), "{what}");
    }
    assert_eq!(ask(&tls_1_0(), None).await, Err(Failure::Untrusted), "TLS 1.0");
}
