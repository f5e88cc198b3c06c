//! A service outside this process that does what AWS does, in the eyes of other people: a second opinion.
//!
//! Only who serves a call differs then. Policies, faults, clock and the log of calls are the front's as before, and the
//! request goes on as it was signed: each function has temporary credentials there, as on Lambda.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::entropy::{self, SystemEntropy};

use crate::deployment::{FILES_BUCKET, LEDGER_BUCKET, TABLES, logical_id, mail_domain, names};
use crate::dynamodb;
use crate::kms::{ALIASES, REGION};
use crate::secrets::Identity;
use crate::ses::{Message, Ses};

/// The secret key of every account, as emulators have it.
const SECRET_KEY: &str = "test";

/// An account of its own in that service.
#[derive(Clone)]
pub(crate) struct External {
    inner: Arc<Inner>,
}

struct Inner {
    address: String,
    client: Client<HttpConnector, Full<Bytes>>,
    id: String,
    keys: HashMap<&'static str, String>,
    identities: HashMap<String, Identity>,
    /// Which key made which ciphertext, which only the service could tell from the bytes.
    ciphertexts: Mutex<HashMap<Vec<u8>, String>>,
}

/// A mail as the service noted it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Noted {
    message_id: String,
    source: String,
    to: Vec<String>,
    #[serde(rename = "CC")]
    cc: Vec<String>,
    #[serde(rename = "BCC")]
    bcc: Vec<String>,
    subject: String,
    body_text: Option<String>,
    body_html: Option<String>,
}

impl External {
    /// Sets up an account: what `infra/data.yaml` describes, and an identity for each function.
    ///
    /// # Errors
    /// When the service does not do it.
    pub(crate) async fn start(address: &str) -> Result<Self, String> {
        let number = u64::from_le_bytes(entropy::bytes(&SystemEntropy)) % 1_000_000_000_000;
        let mut account = Inner {
            address: address.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            id: format!("{number:012}"),
            keys: HashMap::new(),
            identities: HashMap::new(),
            ciphertexts: Mutex::default(),
        };
        account.create_tables().await?;
        account.create_buckets().await?;
        account.create_keys().await?;
        account.verify_sender().await?;
        account.assume_roles().await?;
        Ok(Self {
            inner: Arc::new(account),
        })
    }

    /// Answers one request as the service does. A mail that it took is put into the mailbox as it noted it.
    pub(crate) async fn call(
        &self,
        service: &str,
        request: Request<Bytes>,
        mailbox: &Ses,
    ) -> Response<Bytes> {
        if service != "ses" {
            return self.inner.forward(request).await.unwrap_or_else(unavailable);
        }
        if let Some(throttled) = mailbox.throttled() {
            return throttled;
        }
        self.send_mail(request, mailbox).await.unwrap_or_else(unavailable)
    }

    /// The items of the tables. What lies in the buckets cannot be read without the keys that requests carry.
    pub(crate) async fn raw_bytes(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let scan = async |request: Value| {
            self.inner
                .json("dynamodb", "DynamoDB_20120810.Scan", &request)
                .await
        };
        dynamodb::raw_bytes(scan).await
    }

    async fn send_mail(&self, request: Request<Bytes>, mailbox: &Ses) -> Result<Response<Bytes>, String> {
        let response = self.inner.forward(request).await?;
        if response.status().is_success() {
            let answer: Value = parse(response.body())?;
            let uri = format!("/_ministack/ses/messages?account={}", self.inner.id);
            let listed = self
                .inner
                .forward(Request::get(uri).body(Bytes::new()).map_err(text)?)
                .await?;
            let listed: Value = parse(listed.body())?;
            let noted: Vec<Noted> =
                serde_json::from_value(listed["messages"][&self.inner.id].clone()).map_err(text)?;
            let mail = noted
                .into_iter()
                .find(|mail| answer["MessageId"] == mail.message_id.as_str())
                .ok_or("a mail was taken and not noted")?;
            mailbox.note(|sequence, received_at| Message {
                id: mail.message_id,
                sequence,
                received_at,
                from: mail.source,
                to: mail.to,
                cc: mail.cc,
                bcc: mail.bcc,
                subject: mail.subject,
                text: mail.body_text,
                html: mail.body_html,
                mime: String::new(),
            });
        }
        Ok(response)
    }

    pub(crate) fn id(&self) -> &str {
        &self.inner.id
    }

    pub(crate) fn bucket(&self, which: &str) -> String {
        self.inner.bucket(which)
    }

    /// The credentials of a function, or else those of the account.
    pub(crate) fn identity(&self, id: &str) -> Identity {
        let account = || Identity {
            access_key: self.inner.id.clone(),
            secret_key: SECRET_KEY.to_owned(),
            session_token: None,
        };
        self.inner.identities.get(id).cloned().unwrap_or_else(account)
    }

    pub(crate) fn key_arn(&self, alias: &str) -> Option<String> {
        self.inner.keys.get(alias).cloned()
    }

    pub(crate) fn made_by(&self, ciphertext: &[u8]) -> Option<String> {
        let made = self
            .inner
            .ciphertexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        made.get(ciphertext).cloned()
    }

    /// Encrypts in the name of the account, and notes which key made the ciphertext.
    pub(crate) async fn encrypt(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let answer = self.inner.send("kms", request).await?;
        let output: Value = parse(&answer)?;
        let blob = output["CiphertextBlob"].as_str().unwrap_or_default();
        let key = output["KeyId"].as_str().unwrap_or_default().to_owned();
        let mut made = self
            .inner
            .ciphertexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        made.insert(BASE64.decode(blob).map_err(text)?, key);
        Ok(Response::new(answer))
    }
}

impl Inner {
    fn bucket(&self, which: &str) -> String {
        format!("trackwell-{which}-{}", self.id)
    }

    async fn create_tables(&self) -> Result<(), String> {
        for (parameter, name) in TABLES {
            let definition = dynamodb::definition(name, parameter == "CoreTable");
            self.json("dynamodb", "DynamoDB_20120810.CreateTable", &definition)
                .await?;
        }
        Ok(())
    }

    async fn create_buckets(&self) -> Result<(), String> {
        const XMLNS: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
        let region = format!(
            "<CreateBucketConfiguration {XMLNS}><LocationConstraint>{REGION}</LocationConstraint>\
             </CreateBucketConfiguration>"
        );
        let versioning =
            format!("<VersioningConfiguration {XMLNS}><Status>Enabled</Status></VersioningConfiguration>");
        let lock = format!(
            "<ObjectLockConfiguration {XMLNS}><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
             <Mode>COMPLIANCE</Mode><Years>10</Years></DefaultRetention></Rule></ObjectLockConfiguration>"
        );
        let (files, ledger) = (self.bucket(FILES_BUCKET), self.bucket(LEDGER_BUCKET));
        for (path, locked, body) in [
            (format!("/{files}"), false, region.clone()),
            (format!("/{files}?versioning="), false, versioning),
            (format!("/{ledger}"), true, region),
            (format!("/{ledger}?object-lock="), false, lock),
        ] {
            let mut request = Request::put(path);
            if locked {
                request = request.header("x-amz-bucket-object-lock-enabled", "true");
            }
            self.send("s3", request.body(body.into()).map_err(text)?).await?;
        }
        Ok(())
    }

    async fn create_keys(&mut self) -> Result<(), String> {
        for alias in ALIASES {
            let made = self
                .json("kms", "TrentService.CreateKey", &json!({ "Description": alias }))
                .await?;
            let arn = made["KeyMetadata"]["Arn"]
                .as_str()
                .ok_or("a key without an ARN")?;
            let named = json!({ "AliasName": alias, "TargetKeyId": arn });
            self.json("kms", "TrentService.CreateAlias", &named).await?;
            self.keys.insert(alias, arn.to_owned());
        }
        Ok(())
    }

    async fn verify_sender(&self) -> Result<(), String> {
        let request = Request::post("/v2/email/identities").header("content-type", "application/json");
        let body = json!({ "EmailIdentity": mail_domain() }).to_string();
        self.send("ses", request.body(body.into()).map_err(text)?).await?;
        Ok(())
    }

    async fn assume_roles(&mut self) -> Result<(), String> {
        for name in names() {
            let id = logical_id(name);
            let body = format!(
                "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A{}%3Arole%2F{id}\
                 &RoleSessionName={id}&DurationSeconds=900",
                self.id
            );
            let request =
                Request::post("/").header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
            let answer = self.send("sts", request.body(body.into()).map_err(text)?).await?;
            let answer = String::from_utf8_lossy(&answer);
            let part = |name: &str| {
                let (_, rest) = answer.split_once(&format!("<{name}>"))?;
                rest.split_once('<').map(|(value, _)| value.to_owned())
            };
            let identity = match (part("AccessKeyId"), part("SecretAccessKey")) {
                (Some(access_key), Some(secret_key)) => Identity {
                    access_key,
                    secret_key,
                    session_token: part("SessionToken"),
                },
                _ => return Err(format!("the role of {name} was not assumed: {answer}")),
            };
            self.identities.insert(id, identity);
        }
        Ok(())
    }

    async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value, String> {
        let version = if service == "dynamodb" { "1.0" } else { "1.1" };
        let request = Request::post("/")
            .header("x-amz-target", target)
            .header("content-type", format!("application/x-amz-json-{version}"));
        let answer = self
            .send(service, request.body(body.to_string().into()).map_err(text)?)
            .await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        parse(&answer)
    }

    /// Sends a request in the name of the account; anything but success is an error.
    async fn send(&self, service: &str, request: Request<Bytes>) -> Result<Bytes, String> {
        let response = self.forward(self.sign(service, request)?).await?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            Ok(body)
        } else {
            Err(format!(
                "{service}: {} {}",
                parts.status,
                String::from_utf8_lossy(&body)
            ))
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the service has the time of the day, whatever the clock of the stack says"
    )]
    fn sign(&self, service: &str, mut request: Request<Bytes>) -> Result<Request<Bytes>, String> {
        let host = HeaderValue::from_str(&self.address).map_err(text)?;
        request.headers_mut().insert(HOST, host);
        let identity = Credentials::new(&self.id, SECRET_KEY, None, None, "account").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(text)?
            .into();
        let uri = format!("http://{}{}", self.address, request.uri());
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body).map_err(text)?;
        let (instructions, _) = sign(signable, &params).map_err(text)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// Hands a request on as it is. The `Host` that was signed stays, wherever the service listens.
    async fn forward(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (mut parts, body) = request.into_parts();
        if let (false, Some(host)) = (parts.headers.contains_key(HOST), parts.uri.authority()) {
            let host = HeaderValue::from_str(host.as_str()).map_err(text)?;
            parts.headers.insert(HOST, host);
        }
        parts.uri = Uri::builder()
            .scheme("http")
            .authority(self.address.as_str())
            .path_and_query(parts.uri.path_and_query().map_or("/", |path| path.as_str()))
            .build()
            .map_err(text)?;
        let answer = self
            .client
            .request(Request::from_parts(parts, Full::new(body)))
            .await
            .map_err(text)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(text)?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("{error}: {}", String::from_utf8_lossy(body)))
}

pub(crate) fn unavailable(error: String) -> Response<Bytes> {
    tracing::error!(error, "the external service does not answer");
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}
