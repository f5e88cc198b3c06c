//! `DELETE /v1/me/factors/totp`

use shared::error::Result;
use shared::mfa::enrol_totp;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    enrol_totp::delete_totp(&call.ctx, &call.member, call.request.source()).await?;
    Ok(Answer::no_content())
}
