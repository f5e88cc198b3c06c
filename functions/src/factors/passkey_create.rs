//! `POST /v1/me/factors/passkeys`

use shared::error::Result;
use shared::mfa::enrol_passkey;

use super::OptionsResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let public_key = enrol_passkey::begin(&call.ctx, &call.member).await?;
    Answer::json(200, &OptionsResponse { public_key })
}
