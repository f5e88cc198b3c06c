//! `POST /v1/me/factors/recovery-codes`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::mfa::enrol_totp;
use shared::mfa::recovery::RecoveryCode;

use crate::gateway::Answer;
use crate::registry::MemberCall;

/// Recovery codes; shown once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecoveryCodesResponse {
    /// Each is good once.
    codes: Vec<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let source = call.request.source();
    let codes = enrol_totp::create_recovery_codes(&call.ctx, &call.member, source).await?;
    let codes = codes.iter().map(RecoveryCode::reveal).collect();
    Answer::json(201, &RecoveryCodesResponse { codes })
}
