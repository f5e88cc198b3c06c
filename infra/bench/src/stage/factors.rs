//! Those with factors besides the password.

use data_encoding::BASE32_NOPAD;
use local::Stack;
use serde_json::{Value, json};
use shared::mfa::totp::{Algorithm, code_at, step_at};

use crate::Result;
use crate::api::{Client, text};
use crate::customer::{Customer, PASSWORD};

/// The digits of an authenticator app's codes.
const DIGITS: usize = 6;

/// People with factors, each for what can be done with them once.
pub(crate) struct Factors {
    /// Who has the secret of an app and has shown no code of it.
    pub(crate) unconfirmed: Customer,
    secret: Vec<u8>,
    /// Who has an app.
    pub(crate) app: Customer,
    /// Who has answered the options of a new passkey.
    pub(crate) offering: Customer,
    /// The answer.
    pub(crate) confirmation: Value,
    /// Who has a passkey that can go, and its id.
    pub(crate) removing: (Customer, String),
    /// Who makes recovery codes.
    pub(crate) writing: Customer,
    /// Who has a passkey and is signed in.
    pub(crate) holder: Customer,
    /// The account of the holder.
    pub(crate) holder_id: String,
    /// The second factor of a sign-in of the holder's.
    pub(crate) second: Value,
    /// The answer to the options of a sign-in by passkey.
    pub(crate) sign_in: Value,
}

impl Factors {
    /// Sets up the factors of members of `ada`'s organisation.
    pub(super) async fn set_up(stack: &Stack, ada: &Customer, word: &str) -> Result<Self> {
        let name = |who: &str| format!("{who}{word}");
        let unconfirmed = ada.joined(&name("Una")).await?;
        let secret = secret(&unconfirmed).await?;
        let offering = ada.joined(&name("Otto")).await?;
        let (_, confirmation) = offering.offer_passkey().await?;
        let mut writing = ada.joined(&name("Wanda")).await?;
        writing.add_passkey().await?;
        let mut holder = ada.joined(&name("Hugo")).await?;
        let second = second(&mut holder).await?;
        Ok(Self {
            app: with_app(stack, ada, &name("Tom")).await?,
            removing: with_passkey(ada, &name("Kim")).await?,
            holder_id: holder.id().await?,
            sign_in: sign_in(ada, &name("Kay")).await?,
            unconfirmed,
            secret,
            offering,
            confirmation,
            writing,
            holder,
            second,
        })
    }

    /// The code that confirms the app at this moment.
    pub(crate) fn code(&self, stack: &Stack) -> String {
        code(stack, &self.secret)
    }
}

fn code(stack: &Stack, secret: &[u8]) -> String {
    code_at(Algorithm::Sha1, secret, step_at(stack.now()), DIGITS)
}

/// The secret of a new app.
async fn secret(customer: &Customer) -> Result<Vec<u8>> {
    let path = "/v1/me/factors/totp";
    let reply = customer.client.post(path, &Value::Null, 201).await?;
    let secret = reply.text("/secret")?;
    BASE32_NOPAD
        .decode(secret.as_bytes())
        .map_err(|error| format!("a secret is not base32: {error}"))
}

async fn with_app(stack: &Stack, ada: &Customer, name: &str) -> Result<Customer> {
    let mut customer = ada.joined(name).await?;
    let code = json!({ "code": code(stack, &secret(&customer).await?) });
    let path = "/v1/me/factors/totp/confirm";
    let reply = customer.client.post(path, &code, 200).await?;
    customer.take(&reply)?;
    Ok(customer)
}

async fn with_passkey(ada: &Customer, name: &str) -> Result<(Customer, String)> {
    let mut customer = ada.joined(name).await?;
    customer.add_passkey().await?;
    let factors = customer.client.get("/v1/me/factors").await?;
    let id = text(&factors, "/passkeys/0/id")?;
    Ok((customer, id))
}

/// Registers a passkey and begins a sign-in, which waits for what this gives.
async fn second(holder: &mut Customer) -> Result<Value> {
    let mut authenticator = holder.add_passkey().await?;
    let anonymous = Client::anonymous(&holder.client.origin);
    let credentials = json!({ "email": holder.email, "password": PASSWORD });
    let waiting = anonymous.post("/v1/auth/login", &credentials, 202).await?;
    let waiting = waiting.json()?;
    let passkey = authenticator.get(&waiting["passkey"]["publicKey"]);
    Ok(json!({ "mfa_token": waiting["mfa_token"], "passkey": passkey }))
}

/// The answer of somebody who signs in by passkey.
async fn sign_in(ada: &Customer, name: &str) -> Result<Value> {
    let mut customer = ada.joined(name).await?;
    let mut authenticator = customer.add_passkey().await?;
    let anonymous = Client::anonymous(&ada.client.origin);
    let begun = anonymous.post("/v1/auth/passkeys", &Value::Null, 200).await?;
    let begun = begun.json()?;
    let answer = authenticator.get(&begun["publicKey"]);
    Ok(json!({ "ceremony": begun["ceremony"], "answer": answer }))
}
