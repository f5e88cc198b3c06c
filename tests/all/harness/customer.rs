//! People with an account: customers, and the operator's staff.

use std::sync::Mutex;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::authenticator::Authenticator;

use super::{Client, PAGE, PASSWORD, Reply};

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
