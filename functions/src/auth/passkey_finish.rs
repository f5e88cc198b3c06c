//! `POST /v1/auth/passkeys/finish`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::mfa::passkey_sign_in;
use shared::mfa::passkeys::AuthenticationAnswer;

use super::SessionForm;
use crate::gateway::Answer;
use crate::registry::Call;

/// What a passkey signed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyRequest {
    /// The ceremony of the options.
    ceremony: String,
    /// The browser's answer to them, as its `toJSON()` writes it.
    answer: AuthenticationAnswer,
    /// In what form the session is wanted.
    #[serde(default)]
    session: SessionForm,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: PasskeyRequest = call.request.json()?;
    let (form, source) = (request.session.into(), call.request.source());
    let issued = passkey_sign_in::finish(&call.ctx, &request.ceremony, &request.answer, form, source).await?;
    super::SessionResponse::answer(issued)
}
