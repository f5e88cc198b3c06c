//! `POST /v1/me/factors/confirm-passkey`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::mfa::enrol_passkey;
use shared::mfa::passkeys::{PasskeyName, RegistrationAnswer};

use crate::auth::SessionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A new passkey.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyConfirmation {
    /// How the user calls it.
    name: PasskeyName,
    /// The browser's answer to the newest options, as its `toJSON()` writes it.
    answer: RegistrationAnswer,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: PasskeyConfirmation = call.request.json()?;
    let (source, answer) = (call.request.source(), &request.answer);
    let (id, issued) = enrol_passkey::confirm(&call.ctx, &call.member, request.name, answer, source).await?;
    Ok(SessionResponse::answer(issued)?.location(format!("/v1/me/factors/passkeys/{id}")))
}
