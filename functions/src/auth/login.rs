//! `POST /v1/auth/login`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::password::PlainPassword;
use shared::accounts::store;
use shared::email::Email;
use shared::error::Result;

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
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: LoginRequest = call.request.json()?;
    let tokens = store::login(&call.ctx, Email::parse(&request.email).ok(), &request.password).await?;
    super::TokensResponse::answer(tokens)
}
