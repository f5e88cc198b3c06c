//! `POST /v1/me/factors/totp`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::mfa::enrol_totp;

use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The secret of an authenticator app; shown once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TotpSecret {
    /// As it is typed into an app, in base32.
    secret: String,
    /// As an app reads it from a QR code.
    uri: String,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let totp = enrol_totp::create_totp(&call.ctx, &call.member).await?;
    let secret = TotpSecret {
        secret: totp.secret,
        uri: totp.uri,
    };
    Answer::json(201, &secret)
}
