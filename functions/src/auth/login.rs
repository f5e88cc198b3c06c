//! `POST /v1/auth/login`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::password::PlainPassword;
use shared::accounts::sign_in;
use shared::email::Email;
use shared::error::Result;
use shared::limits;

use super::SessionForm;
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
    let issued = sign_in::login(&call.ctx, email.as_ref(), &request.password, form, source).await?;
    super::SessionResponse::answer(issued)
}
