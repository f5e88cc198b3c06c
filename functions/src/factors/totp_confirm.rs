//! `POST /v1/me/factors/totp/confirm`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::mfa::enrol_totp;
use shared::mfa::totp::Code;

use crate::auth::SessionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What the app shows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TotpConfirmation {
    /// The code.
    code: Code,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: TotpConfirmation = call.request.json()?;
    let source = call.request.source();
    let issued = enrol_totp::confirm_totp(&call.ctx, &call.member, &request.code, source).await?;
    SessionResponse::answer(issued)
}
