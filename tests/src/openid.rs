//! An OpenID provider that can be told to get things wrong.
//!
//! Its keys, its endpoints and its checks (client, code, redirect URI, PKCE) are real; what it does wrong is one
//! [`Fault`] at a time. It listens on the machine itself only.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::clock::Clock;
use url::Url;
use url::form_urlencoded::parse as parse_form;

/// Who we are at the provider.
pub const CLIENT_ID: &str = "trackwell-client";

/// What proves it.
pub const CLIENT_SECRET: &str = "s3cret/with+signs=and%more";

/// The algorithm that ID tokens are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with SHA-256.
    Rs256,
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// What the provider gets wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The ID token says this, or says nothing, in place of the right claim.
    Claim(&'static str, Option<Value>),
    /// The ID token's header says this, or says nothing, in place of the right member.
    Header(&'static str, Option<Value>),
    /// The signature has one bit flipped.
    BadSignature,
    /// The signature is left out, and the header says so, in this spelling.
    Unsigned(&'static str),
    /// The signature is a MAC under this: the client secret, the public key, nothing.
    Mac(Vec<u8>),
    /// Another key signs, under the right key's id.
    ForeignKey,
    /// Another key signs, and stands in the header.
    EmbeddedKey,
    /// The signature is zeroes.
    ZeroSignature,
    /// The token has five parts.
    Encrypted,
    /// A new key signs, which is published only now.
    RotatedKey,
    /// A member of the discovery document is this, or is not there.
    Discovery(&'static str, Option<Value>),
    /// The published keys are these.
    Keys(Value),
    /// The answer to the browser carries this parameter with this value, or does not carry it.
    Answer(&'static str, Option<&'static str>),
    /// The token endpoint answers this body.
    Token(Vec<u8>),
    /// The token endpoint redirects to this URL.
    TokenRedirect(String),
}

/// A running provider. It stops when the runtime that it was started on stops.
pub struct Provider {
    /// Its issuer: the origin that it listens on.
    pub issuer: String,
    clock: Arc<dyn Clock>,
    state: Mutex<Inner>,
}

struct Inner {
    fault: Fault,
    algorithm: Algorithm,
    claims: Value,
    generation: usize,
    codes: HashMap<String, Grant>,
    seen: Vec<String>,
}

struct Grant {
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
    fault: Fault,
}

impl Provider {
    /// Starts a provider that signs one person in, by `clock`.
    ///
    /// # Panics
    /// When the machine gives no port.
    pub async fn start(clock: Arc<dyn Clock>, algorithm: Algorithm) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let provider = Arc::new(Self {
            issuer,
            clock,
            state: Mutex::new(Inner {
                fault: Fault::None,
                algorithm,
                claims: json!({
                    "sub": "ada", "email": "ada@customer.example", "email_verified": true,
                }),
                generation: 0,
                codes: HashMap::new(),
                seen: Vec::new(),
            }),
        });
        let routes = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(keys))
            .fallback(get(discovery))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    /// Gets this wrong from now on; a sign-in that is under way keeps the fault it began with.
    pub fn fault(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    /// Says this of whoever signs in, instead of or beside what it says anyway.
    pub fn says(&self, name: &str, value: Value) {
        self.lock().claims[name] = value;
    }

    /// The paths that were asked for since the last time that this was called.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().seen)
    }

    /// What a browser does at the provider: it goes to `url` and is sent to the URL that is returned.
    ///
    /// # Errors
    /// When the request for authorization is wrong.
    pub fn visit(&self, url: &Url) -> Result<Url, String> {
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let value = |name: &str| query.get(name).map(String::as_str).ok_or(format!("no {name}"));
        if value("client_id")? != CLIENT_ID
            || value("response_type")? != "code"
            || value("code_challenge_method")? != "S256"
        {
            return Err("not a request of ours".to_owned());
        }
        let mut back = Url::parse(value("redirect_uri")?).map_err(|error| error.to_string())?;
        let mut inner = self.lock();
        let code = format!("code+{}", inner.codes.len());
        let fault = inner.fault.clone();
        let mut answer = vec![("code", code.clone()), ("state", value("state")?.to_owned())];
        answer.push(("iss", self.issuer.clone()));
        if let Fault::Answer(name, text) = &fault {
            answer.retain(|(known, _)| known != name);
            answer.extend(text.map(|text| (*name, text.to_owned())));
        }
        let grant = Grant {
            redirect_uri: value("redirect_uri")?.to_owned(),
            challenge: value("code_challenge")?.to_owned(),
            nonce: query.get("nonce").cloned(),
            fault,
        };
        inner.codes.insert(code, grant);
        back.query_pairs_mut().extend_pairs(answer);
        Ok(back)
    }

    /// The set of the first so many keys, of which the first one signs until it is rotated.
    pub fn keys(&self, count: usize) -> Value {
        published(self.lock().algorithm, 0..=count - 1)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id_token(&self, inner: &mut Inner, grant: &Grant) -> String {
        let now = self.clock.now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "auth_time": now,
        });
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = json!(nonce);
        }
        for (name, value) in inner.claims.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        if grant.fault == Fault::RotatedKey {
            inner.generation += 1;
        }
        let key = Signer::new(inner.algorithm, inner.generation);
        let mut header = json!({ "alg": key.alg(), "kid": key.kid(), "typ": "JWT" });
        match &grant.fault {
            Fault::Claim(name, value) => put(&mut claims, name, value.as_ref()),
            Fault::Header(name, value) => put(&mut header, name, value.as_ref()),
            Fault::Unsigned(alg) => header["alg"] = json!(alg),
            Fault::Mac(_) => header["alg"] = json!("HS256"),
            Fault::EmbeddedKey => header["jwk"] = Signer::new(inner.algorithm, 9).jwk(),
            _ => {}
        }
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = match &grant.fault {
            Fault::Unsigned(_) => Vec::new(),
            Fault::Mac(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes())
                .as_ref()
                .to_vec(),
            Fault::ForeignKey | Fault::EmbeddedKey => Signer::new(inner.algorithm, 9).sign(&message),
            Fault::ZeroSignature => vec![0; 64],
            Fault::BadSignature => {
                let mut signature = key.sign(&message);
                signature[10] ^= 1;
                signature
            }
            _ => key.sign(&message),
        };
        let signature = URL_SAFE_NO_PAD.encode(signature);
        match grant.fault {
            Fault::Encrypted => format!("{message}.{signature}.AAAA.AAAA"),
            _ => format!("{message}.{signature}"),
        }
    }
}

fn published(algorithm: Algorithm, generations: RangeInclusive<usize>) -> Value {
    let keys = generations.map(|generation| Signer::new(algorithm, generation).jwk());
    json!({ "keys": keys.collect::<Vec<_>>() })
}

fn put(object: &mut Value, name: &str, value: Option<&Value>) {
    match value {
        Some(value) => object[name] = value.clone(),
        None => {
            object.as_object_mut().map(|members| members.remove(name));
        }
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

async fn authorize(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    let url = format!("{}/authorize?{}", provider.issuer, query.unwrap_or_default());
    let back = Url::parse(&url).map_err(|error| error.to_string());
    match back.and_then(|url| provider.visit(&url)) {
        Ok(back) => (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
    }
}

/// The discovery document, under whatever path the issuer has.
async fn discovery(State(provider): State<Arc<Provider>>, uri: Uri) -> Response {
    let mut inner = provider.lock();
    inner.seen.push(uri.path().to_owned());
    let Some(path) = uri.path().strip_suffix("/.well-known/openid-configuration") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let origin = &provider.issuer;
    let mut document = json!({
        "issuer": format!("{origin}{path}"),
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if let Fault::Discovery(name, value) = &inner.fault {
        put(&mut document, name, value.as_ref());
    }
    answer(StatusCode::OK, &document)
}

async fn keys(State(provider): State<Arc<Provider>>) -> Response {
    let mut inner = provider.lock();
    inner.seen.push("/keys".to_owned());
    if let Fault::Keys(keys) = &inner.fault {
        return answer(StatusCode::OK, keys);
    }
    let generations = inner.generation..=inner.generation;
    answer(StatusCode::OK, &published(inner.algorithm, generations))
}

async fn token(State(provider): State<Arc<Provider>>, headers: HeaderMap, body: String) -> Response {
    let mut inner = provider.lock();
    inner.seen.push("/token".to_owned());
    let form: HashMap<_, _> = parse_form(body.as_bytes()).into_owned().collect();
    let value = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let refuse = |error: &str| answer(StatusCode::BAD_REQUEST, &json!({ "error": error }));
    if !is_client(&headers) {
        return refuse("invalid_client");
    }
    // A code is good once.
    let Some(grant) = inner.codes.remove(value("code")) else {
        return refuse("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, value("code_verifier").as_bytes()));
    if grant.redirect_uri != value("redirect_uri") || grant.challenge != challenge {
        return refuse("invalid_grant");
    }
    match &grant.fault {
        Fault::Token(body) => ([(header::CONTENT_TYPE, "application/json")], body.clone()).into_response(),
        Fault::TokenRedirect(to) => (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response(),
        _ => {
            let token = provider.id_token(&mut inner, &grant);
            let tokens = json!({
                "access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300, "id_token": token,
            });
            answer(StatusCode::OK, &tokens)
        }
    }
}

/// Whether the request shows our client id and secret (RFC 6749 §2.3.1: both are form-encoded first).
fn is_client(headers: &HeaderMap) -> bool {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|value| String::from_utf8(STANDARD.decode(value).ok()?).ok());
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    shown == Some(format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)))
}

/// A key of the provider's. The keys of one generation are the same in the whole process: RSA keys take a while.
struct Signer {
    algorithm: Algorithm,
    generation: usize,
}

impl Signer {
    fn new(algorithm: Algorithm, generation: usize) -> Self {
        Self {
            algorithm,
            generation,
        }
    }

    fn kid(&self) -> String {
        format!("{:?}-{}", self.algorithm, self.generation)
    }

    fn alg(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    fn rsa(&self) -> &'static RsaKeyPair {
        static KEYS: [OnceLock<RsaKeyPair>; 2] = [const { OnceLock::new() }; 2];
        KEYS[self.generation % 2].get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    fn ec(&self) -> &'static EcdsaKeyPair {
        static KEYS: [OnceLock<EcdsaKeyPair>; 2] = [const { OnceLock::new() }; 2];
        KEYS[self.generation % 2]
            .get_or_init(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn ed(&self) -> Ed25519KeyPair {
        let seed = [u8::try_from(self.generation).unwrap_or(u8::MAX); 32];
        Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key")
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.algorithm {
            Algorithm::Rs256 => {
                let key = self.rsa();
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
                    .expect("a signature");
                signature
            }
            Algorithm::Es256 => {
                let signature = self.ec().sign(&random, message.as_bytes());
                signature.expect("a signature").as_ref().to_vec()
            }
            Algorithm::EdDsa => self.ed().sign(message.as_bytes()).as_ref().to_vec(),
        }
    }

    fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match self.algorithm {
            Algorithm::Rs256 => {
                let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa().public_key());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
            Algorithm::Es256 => {
                let point: &[u8] = self.ec().public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
            Algorithm::EdDsa => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(self.ed().public_key().as_ref()) })
            }
        };
        key["kid"] = json!(self.kid());
        key["use"] = json!("sig");
        key["alg"] = json!(self.alg());
        key
    }
}
