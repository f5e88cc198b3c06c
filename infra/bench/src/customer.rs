//! Customers: registering, confirming, signing in, and what they enter, all over HTTP as a customer does it.

use http::Method;
use serde_json::{Value, json};
use tests::authenticator::Authenticator;
use url::form_urlencoded;

use crate::Result;
use crate::api::{Call, Client, Reply, text};

pub(crate) const PASSWORD: &str = "a quiet harbour at dawn 7";

/// The length of an invitation's code.
const INVITATION_CODE: usize = 86;

/// A customer who is signed in.
pub(crate) struct Customer {
    pub(crate) client: Client,
    pub(crate) email: String,
    pub(crate) refresh_token: String,
}

/// The registration of a person by that name.
pub(crate) async fn registration(anonymous: &Client, name: &str) -> Result<Value> {
    let policy = anonymous.get("/v1/policy").await?;
    Ok(json!({
        "name": name, "email": address(name), "company": format!("{name} Works"), "password": PASSWORD,
        "age_confirmed": 18, "policy_version": text(&policy, "/version")?,
    }))
}

/// The acceptance of an invitation by a person of that name.
pub(crate) async fn acceptance(anonymous: &Client, code: &str, name: &str) -> Result<Value> {
    let policy = anonymous.get("/v1/policy").await?;
    Ok(json!({
        "code": code, "name": name, "password": PASSWORD, "age_confirmed": 18,
        "policy_version": text(&policy, "/version")?,
    }))
}

/// The address of a person by that name.
pub(crate) fn address(name: &str) -> String {
    format!("{}@customer.example", name.to_lowercase())
}

/// The code in the newest mail to an address.
pub(crate) async fn code(anonymous: &Client, email: &str) -> Result<String> {
    newest(anonymous, email, |word| {
        word.starts_with("user_") && word.contains('.')
    })
    .await
}

/// The code of the newest invitation to an address.
pub(crate) async fn invitation_code(anonymous: &Client, email: &str) -> Result<String> {
    newest(anonymous, email, |word| word.len() == INVITATION_CODE).await
}

async fn newest(anonymous: &Client, email: &str, is_code: fn(&str) -> bool) -> Result<String> {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("to", email)
        .finish();
    let mails = anonymous.get(&format!("/_mailbox/messages?{query}")).await?;
    let mail = text(&mails, "/data/0/text")?;
    let code = mail.split_whitespace().find(|word| is_code(word));
    code.map(str::to_owned)
        .ok_or_else(|| format!("the mail to {email} has no code: {mail}"))
}

impl Customer {
    /// Registers somebody, confirms the address and signs in.
    pub(crate) async fn register(origin: &str, name: &str) -> Result<Self> {
        let anonymous = Client::anonymous(origin);
        let registration = registration(&anonymous, name).await?;
        anonymous.post("/v1/auth/register", &registration, 202).await?;
        let email = address(name);
        let code = code(&anonymous, &email).await?;
        anonymous
            .post("/v1/auth/verify-email", &json!({ "code": code }), 204)
            .await?;
        Self::sign_in(origin, email).await
    }

    /// Signs in; each time it is a session of its own.
    pub(crate) async fn sign_in(origin: &str, email: String) -> Result<Self> {
        let anonymous = Client::anonymous(origin);
        let credentials = json!({ "email": email, "password": PASSWORD });
        let tokens = anonymous.post("/v1/auth/login", &credentials, 200).await?;
        let token = Some(tokens.text("/access_token")?);
        Ok(Self {
            client: Client { token, ..anonymous },
            email,
            refresh_token: tokens.text("/refresh_token")?,
        })
    }

    /// Invites somebody who has no account, who accepts; nobody signs in. Gives the address.
    pub(crate) async fn invite(&self, name: &str, role: &str) -> Result<String> {
        let (invitation, email) = (self.invitation(&address(name), role).await?, address(name));
        let anonymous = Client::anonymous(&self.client.origin);
        let code = invitation_code(&anonymous, &invitation.text("/email")?).await?;
        let acceptance = acceptance(&anonymous, &code, name).await?;
        let path = "/v1/auth/accept-invitation";
        anonymous.post(path, &acceptance, 201).await?;
        Ok(email)
    }

    /// Sends an invitation, which waits then.
    pub(crate) async fn invitation(&self, email: &str, role: &str) -> Result<Reply> {
        let wanted = json!({ "email": email, "role": role });
        self.client.post("/v1/invitations", &wanted, 201).await
    }

    /// Invites somebody, who accepts and signs in.
    pub(crate) async fn joined(&self, name: &str) -> Result<Self> {
        let email = self.invite(name, "viewer").await?;
        Self::sign_in(&self.client.origin, email).await
    }

    /// The id of the own account.
    pub(crate) async fn id(&self) -> Result<String> {
        text(&self.client.get("/v1/me").await?, "/id")
    }

    /// The id of the own organisation.
    pub(crate) async fn organisation(&self) -> Result<String> {
        text(&self.client.get("/v1/organisation").await?, "/id")
    }

    /// Goes on with the session of an answer.
    pub(crate) fn take(&mut self, reply: &Reply) -> Result<()> {
        self.client.token = Some(reply.text("/access_token")?);
        self.refresh_token = reply.text("/refresh_token")?;
        Ok(())
    }

    /// Answers the options of a new passkey: the authenticator that has it, and what confirms it.
    pub(crate) async fn offer_passkey(&self) -> Result<(Authenticator, Value)> {
        let mut authenticator = Authenticator::new(&self.client.origin.replace("127.0.0.1", "localhost"));
        let path = "/v1/me/factors/passkeys";
        let options = self.client.post(path, &Value::Null, 200).await?.json()?;
        let answer = authenticator.create(&options["publicKey"]);
        Ok((authenticator, json!({ "name": "Laptop", "answer": answer })))
    }

    /// Registers a passkey, and goes on with a session that has shown two factors.
    pub(crate) async fn add_passkey(&mut self) -> Result<Authenticator> {
        let (authenticator, confirmation) = self.offer_passkey().await?;
        let path = "/v1/me/factors/confirm-passkey";
        let reply = self.client.post(path, &confirmation, 200).await?;
        self.take(&reply)?;
        Ok(authenticator)
    }

    /// Another session of the same person.
    pub(crate) async fn again(&self) -> Result<Self> {
        Self::sign_in(&self.client.origin, self.email.clone()).await
    }

    /// The token.
    pub(crate) fn token(&self) -> String {
        self.client.token.clone().unwrap_or_default()
    }

    /// Creates an asset.
    pub(crate) async fn asset(&self, tag: &str) -> Result<String> {
        self.client
            .post("/v1/records", &asset(tag), 201)
            .await?
            .text("/id")
    }

    /// Announces a small file and uploads it.
    pub(crate) async fn upload(&self, record: &str, name: &str) -> Result<String> {
        let content = format!("This is {name}.\n");
        let path = format!("/v1/records/{record}/attachments");
        let announced = self
            .client
            .post(&path, &announcement(name, &content), 201)
            .await?;
        self.client.upload(&announced.json()?["upload"], &content).await?;
        announced.text("/id")
    }

    /// Attaches a small file.
    pub(crate) async fn attach(&self, record: &str, name: &str) -> Result<String> {
        let id = self.upload(record, name).await?;
        let path = format!("/v1/records/{record}/attachments/{id}/complete");
        self.client.post(&path, &Value::Null, 200).await?;
        Ok(id)
    }

    /// Imports assets; gives the import.
    pub(crate) async fn import(&self, name: &str, lines: usize) -> Result<String> {
        let call = Call::new(Method::POST, "/v1/imports?kind=asset")
            .header("idempotency-key", name)
            .with("text/csv", csv(name, lines));
        self.client.call(call).await?.must_be(201)?.text("/id")
    }

    /// Says to whom invoices go.
    pub(crate) async fn bill(&self) -> Result<()> {
        let call = Call::new(Method::PUT, "/v1/organisation/billing").json(&billing());
        self.client.call(call).await?.must_be(200)?;
        Ok(())
    }
}

/// An asset to create.
pub(crate) fn asset(tag: &str) -> Value {
    json!({ "kind": "asset", "fields": { "asset_tag": tag, "serial": format!("S-{tag}"), "name": "Laptop" } })
}

/// The announcement of a text file.
pub(crate) fn announcement(name: &str, content: &str) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    json!({ "name": name, "content_type": "text/plain", "size": content.len(), "sha256": hex::encode(digest) })
}

/// A file of assets.
pub(crate) fn csv(name: &str, lines: usize) -> String {
    let mut text = "asset_tag,name,serial,model,purchase_date,notes\n".to_owned();
    for line in 1..=lines {
        text.push_str(&format!(
            "{name}-{line},Laptop {line},{name}-S{line},Model 7,2026-01-05,On desk {line}\n"
        ));
    }
    text
}

/// Billing details.
pub(crate) fn billing() -> Value {
    json!({ "name": "Example Works", "vat_number": "GB123456789" })
}
