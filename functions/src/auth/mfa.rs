//! `POST /v1/auth/mfa`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::{Error, Result};
use shared::mfa::passkeys::AuthenticationAnswer;
use shared::mfa::pending;
use shared::mfa::recovery::RecoveryCode;
use shared::mfa::totp::Code;

use crate::gateway::Answer;
use crate::registry::Call;

/// A second factor: exactly one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MfaRequest {
    /// The token of the sign-in that waits.
    mfa_token: String,
    /// A code of the authenticator app.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Code")]
    code: Option<Code>,
    /// A recovery code.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "RecoveryCode")]
    recovery_code: Option<RecoveryCode>,
    /// The browser's answer to the options of the sign-in.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "AuthenticationAnswer")]
    passkey: Option<AuthenticationAnswer>,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: MfaRequest = call.request.json()?;
    let one = || Error::invalid("", "Send exactly one of code, recovery_code and passkey.");
    let shown = super::second([
        request.code.map(super::code),
        request.recovery_code.map(super::recovery_code),
        request.passkey.map(super::passkey),
    ])?;
    let shown = shown.ok_or_else(one)?;
    let issued = pending::finish(&call.ctx, &request.mfa_token, &shown, call.request.source()).await?;
    super::SessionResponse::answer(issued)
}
