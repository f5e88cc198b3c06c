//! `POST /v1/auth/login`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::accounts::password::PlainPassword;
use shared::accounts::sign_in::{self, Login};
use shared::email::Email;
use shared::error::Result;
use shared::limits;
use shared::mfa::model::{Factor, WAITS};
use shared::mfa::pending::Waiting;

use super::SessionForm;
use crate::factors::OptionsResponse;
use crate::gateway::Answer;
use crate::registry::Call;

/// Credentials.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// The address. What is no address is answered like an unknown one.
    #[schemars(length(max = 254))]
    email: String,
    /// The password.
    password: PlainPassword,
    /// In what form the session is wanted.
    #[serde(default)]
    session: SessionForm,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: LoginRequest = call.request.json()?;
    limits::count(&call.ctx, &limits::SIGN_INS_OF_SOURCE, &call.request.limited()).await?;
    let email = Email::parse(&request.email).ok();
    let (form, source) = (request.session.into(), call.request.source());
    match sign_in::login(&call.ctx, email.as_ref(), &request.password, form, source).await? {
        Login::Issued(issued) => super::SessionResponse::answer(issued),
        Login::Waiting(waiting) => Answer::json(202, &MfaResponse::new(waiting)),
    }
}

/// A sign-in that waits for a second factor, to be shown at `POST /v1/auth/mfa`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MfaResponse {
    /// Opens this sign-in, and nothing else.
    mfa_token: String,
    /// What can be shown.
    methods: Vec<Factor>,
    /// Options for the browser, if the account has passkeys.
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<OptionsResponse>,
    /// For how many seconds it waits.
    expires_in: i64,
}

impl MfaResponse {
    fn new(waiting: Waiting) -> Self {
        Self {
            mfa_token: waiting.token,
            methods: waiting.methods,
            passkey: waiting.passkey.map(|public_key| OptionsResponse { public_key }),
            expires_in: WAITS.as_secs(),
        }
    }
}
