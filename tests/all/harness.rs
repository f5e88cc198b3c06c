//! A world to test in: a stack in memory, a clock that stands still, customers with a client each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use jiff::{SignedDuration, Timestamp};
use local::{Clocks, Fault, Options, Stack, Storage};
use serde_json::{Value, json};
use shared::clock::ManualClock;
use shared::policy::Profile;
use tests::authenticator::Authenticator;
use tokio::sync::Notify;

/// When every world begins: an ordinary Monday noon.
pub const START: &str = "2026-11-23T12:00:00Z";

/// The origin of pages that show passkeys; on this machine it has a name.
pub const PAGE: &str = "http://localhost:8787";

pub const PASSWORD: &str = "a quiet harbour at dawn 7";

/// A stack in memory with every call checked against `template.yaml`, and a clock that moves when it is told to.
pub struct World {
    pub stack: Stack,
    pub clock: Arc<ManualClock>,
}

impl World {
    /// A world in memory, or in an external service when there is one.
    pub async fn new(profile: Profile) -> Self {
        Self::stored(profile, external().map_or(Storage::Memory, Storage::External)).await
    }

    pub async fn stored(profile: Profile, storage: Storage) -> Self {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        let options = Options {
            profile,
            storage,
            clock: Clocks::Manual(Arc::clone(&clock)),
            port: None,
            enforce_policies: true,
            schedules: false,
        };
        let stack = Stack::start(options).await.unwrap();
        Self { stack, clock }
    }

    pub fn now(&self) -> Timestamp {
        self.stack.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn anonymous(&self) -> Client {
        Client {
            stack: self.stack.clone(),
            token: None,
            cookie: None,
        }
    }

    /// Registers, confirms and signs in a customer whose every text carries `word`.
    pub async fn customer(&self, word: &str) -> Customer {
        let email = format!("{}@customer.example", word.to_lowercase());
        let anonymous = self.anonymous();
        let version = self.stack.profile().policy().version().to_string();
        let registration = json!({
            "name": format!("Ada {word}"), "email": email, "company": format!("{word} Works"), "password": PASSWORD,
            "age_confirmed": 18, "policy_version": version,
        });
        let reply = anonymous.post("/v1/auth/register", &registration).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let code = self.code(&email);
        let reply = anonymous
            .post("/v1/auth/verify-email", &json!({ "code": code }))
            .await;
        assert_eq!(reply.status, 204, "{reply:?}");
        let mut customer = Customer {
            client: anonymous,
            refresh_token: String::new(),
            email,
            passkey: None,
        };
        customer.sign_in().await;
        if self.stack.profile() == Profile::Ocktra {
            // Administrators can do nothing there without a second factor.
            customer.enrol_passkey().await;
        }
        customer
    }

    /// One of the operator's staff, who has signed in with two factors.
    pub async fn staff(&self, word: &str, role: &str) -> Customer {
        let mut staff = self.customer(word).await;
        let (user, organisation) = (staff.user().await, staff.organisation().await);
        // A customer's account becomes one that was made for staff: its password is known.
        let client = self.stack.operator().dynamodb();
        let text = |value: String| AttributeValue::S(value);
        for (partition, sort) in [
            (format!("ORG#{organisation}"), format!("MEMBER#{user}")),
            (format!("USER#{user}"), organisation),
        ] {
            let delete = client.delete_item().table_name("trackwell-core");
            let delete = delete.key("pk", text(partition)).key("sk", text(sort));
            delete.send().await.unwrap();
        }
        let none = text("org_00000000000000000000000000".to_owned());
        let update = client.update_item().table_name("trackwell-core");
        let update = update
            .key("pk", text(format!("USER#{user}")))
            .key("sk", text("A".to_owned()))
            .update_expression("SET org = :org")
            .expression_attribute_values(":org", none);
        update.send().await.unwrap();
        let input = json!({ "email": staff.email, "name": word, "role": role });
        let invited = self.task_with("staff-invite", input).await;
        assert_eq!(invited["user"], json!(user));
        self.sign_in_staff(&mut staff).await;
        staff
    }

    /// Signs staff in with two factors.
    pub async fn sign_in_staff(&self, staff: &mut Customer) {
        staff.sign_in().await;
        self.raise(&staff.user().await).await;
    }

    /// Makes every session of a user one with two factors.
    pub async fn raise(&self, user: &str) {
        self.set_level(user, "aal2").await;
    }

    /// Sets how sure every session of a user is.
    pub async fn set_level(&self, user: &str, level: &str) {
        let client = self.stack.operator().dynamodb();
        let partition = format!("SESSION#{user}");
        for item in self.items("ephemeral").await {
            let sort = item["sk"].as_str().unwrap();
            if item["pk"] != json!(partition) || !sort.starts_with("session_") {
                continue;
            }
            let update = client.update_item().table_name("trackwell-ephemeral");
            let update = update
                .key("pk", AttributeValue::S(partition.clone()))
                .key("sk", AttributeValue::S(sort.to_owned()))
                .update_expression("SET #level = :level")
                .expression_attribute_names("#level", "level")
                .expression_attribute_values(":level", AttributeValue::S(level.to_owned()));
            update.send().await.unwrap();
        }
    }

    /// Makes a user one whose address is not confirmed.
    pub async fn set_unverified(&self, user: &str) {
        let client = self.stack.operator().dynamodb();
        let update = client.update_item().table_name("trackwell-core");
        let update = update
            .key("pk", AttributeValue::S(format!("USER#{user}")))
            .key("sk", AttributeValue::S("A".to_owned()))
            .update_expression("SET verified = :no")
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        update.send().await.unwrap();
    }

    /// The code in the newest mail to an address.
    pub fn code(&self, email: &str) -> String {
        let mails = self.stack.mails().messages();
        let mail = mails
            .iter()
            .rev()
            .find(|mail| mail.is_for(email))
            .expect("there is a mail");
        let text = mail.text.as_deref().unwrap_or_default();
        let code = text
            .split_whitespace()
            .find(|word| word.starts_with("user_") && word.contains('.'));
        code.expect("the mail has a code").to_owned()
    }

    /// Runs a task with no time to wait in it.
    pub async fn task(&self, name: &str) -> Value {
        self.task_with(name, json!({})).await
    }

    pub async fn task_with(&self, name: &str, input: Value) -> Value {
        self.stack
            .run_task(name, input, SignedDuration::from_secs(20))
            .await
            .unwrap()
    }

    /// Lets the schedules do their work, with enough time between for what waits.
    pub async fn settle(&self) {
        for _ in 0..4 {
            self.task("retention-plan").await;
            self.task("erasure-purge").await;
            self.task("mail-retry").await;
            self.advance(61);
            self.task("ledger-seal").await;
        }
    }

    /// Stops the next call of `operation` by `function`, says when it has come, and lets it go on when told to.
    pub fn pause_at(&self, function: &'static str, operation: &'static str) -> (Arc<Notify>, Arc<Notify>) {
        let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (signal, wait, once) = (Arc::clone(&reached), Arc::clone(&go_on), AtomicBool::new(true));
        self.stack.set_fault(move |request| {
            let meant = request.function == function && request.operation == operation;
            if meant && once.swap(false, Ordering::SeqCst) {
                signal.notify_one();
                return Fault::Pause(Arc::clone(&wait));
            }
            Fault::None
        });
        (reached, go_on)
    }

    /// The raw items of a table, read as its operator.
    pub async fn items(&self, table: &str) -> Vec<Value> {
        self.stack.items(table).await.unwrap()
    }

    /// The versions and delete markers of the files bucket.
    pub async fn object_versions(&self) -> usize {
        self.stack.object_versions("files").await.unwrap().len()
    }
}

/// The address of the service that takes the calls to AWS instead of our stand-ins (`infra/second-opinion.sh`).
#[expect(
    clippy::disallowed_methods,
    reason = "nothing reads the environment of tests but this"
)]
pub fn external() -> Option<String> {
    std::env::var("TRACKWELL_AWS").ok()
}

/// A client of the API.
#[derive(Clone)]
pub struct Client {
    stack: Stack,
    pub token: Option<String>,
    /// The cookies of a browser that shows a page of ours.
    cookie: Option<String>,
}

/// A customer who is signed in.
pub struct Customer {
    pub client: Client,
    pub refresh_token: String,
    pub email: String,
    /// The authenticator of who has a passkey, with which they sign in then.
    pub passkey: Option<Mutex<Authenticator>>,
}

impl std::ops::Deref for Customer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Customer {
    pub async fn sign_in(&mut self) {
        let reply = self.try_sign_in().await;
        self.take(&reply);
    }

    /// Goes on with the session of an answer.
    pub fn take(&mut self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{reply:?}");
        self.client.token = reply.json()["access_token"].as_str().map(str::to_owned);
        self.refresh_token = reply.json()["refresh_token"].as_str().unwrap().to_owned();
    }

    /// Registers a passkey, and goes on with a session that has shown two factors.
    pub async fn enrol_passkey(&mut self) {
        let mut authenticator = Authenticator::new(PAGE);
        let options = self.post("/v1/me/factors/passkeys", &Value::Null).await;
        assert_eq!(options.status, 200, "{options:?}");
        let answer = authenticator.create(&options.json()["publicKey"]);
        let body = json!({ "name": "Laptop", "answer": answer });
        let reply = self.post("/v1/me/factors/confirm-passkey", &body).await;
        self.take(&reply);
        self.passkey = Some(Mutex::new(authenticator));
    }

    /// Shows the password, and the passkey where it is asked for.
    pub async fn try_sign_in(&self) -> Reply {
        let reply = self.try_password().await;
        let Some(authenticator) = self.passkey.as_ref().filter(|_| reply.status == 202) else {
            return reply;
        };
        let waiting = reply.json();
        let answer = authenticator
            .lock()
            .unwrap()
            .get(&waiting["passkey"]["publicKey"]);
        let body = json!({ "mfa_token": waiting["mfa_token"], "passkey": answer });
        self.post("/v1/auth/mfa", &body).await
    }

    pub async fn try_password(&self) -> Reply {
        let anonymous = Client {
            stack: self.stack.clone(),
            token: None,
            cookie: None,
        };
        anonymous
            .post(
                "/v1/auth/login",
                &json!({ "email": self.email, "password": PASSWORD }),
            )
            .await
    }

    /// The id of the own account.
    pub async fn user(&self) -> String {
        self.get("/v1/me").await.json()["id"].as_str().unwrap().to_owned()
    }

    /// The id of the own organisation.
    pub async fn organisation(&self) -> String {
        let reply = self.get("/v1/organisation").await;
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// As staff: asks for access to an organisation's records and gives its id.
    pub async fn ask_for_access(&self, organisation: &str, wanted: &Value) -> String {
        let path = format!("/v1/staff/organisations/{organisation}/access");
        let reply = self.post(&path, wanted).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// As an owner: decides on access of staff.
    pub async fn decide(&self, access: &str, decision: &str) -> Reply {
        let path = format!("/v1/organisation/access/{access}/decision");
        self.post(&path, &json!({ "decision": decision })).await
    }

    /// Creates an asset and gives its id.
    pub async fn asset(&self, fields: Value) -> String {
        let reply = self
            .post("/v1/records", &json!({ "kind": "asset", "fields": fields }))
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// Imports so many assets, each with two values that are unique.
    pub async fn import(&self, name: &str, lines: usize) {
        let mut text = "asset_tag,serial,name\n".to_owned();
        for line in 1..=lines {
            text.push_str(&format!("{name}-{line},{name}-S{line},Laptop\n"));
        }
        let headers = [("content-type", "text/csv"), ("idempotency-key", name)];
        let reply = self
            .send(
                Method::POST,
                "/v1/imports?kind=asset",
                &headers,
                Bytes::from(text),
            )
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }

    /// Attaches a text file to a record: announced, uploaded, completed.
    pub async fn attach(&self, record: &str, name: &str, content: &str) -> String {
        let path = format!("/v1/records/{record}/attachments");
        let reply = self.post(&path, &announcement(name, content)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        let upload = self
            .send_signed(&reply.json()["upload"], content.as_bytes())
            .await;
        assert_eq!(upload.status, 200, "{upload:?}");
        let reply = self.post(&format!("{path}/{id}/complete"), &Value::Null).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        id
    }
}

/// The announcement of a text file.
pub fn announcement(name: &str, content: &str) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    json!({
        "name": name, "content_type": "text/plain", "size": content.len(), "sha256": hex::encode(digest),
    })
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
