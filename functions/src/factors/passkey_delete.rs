//! `DELETE /v1/me/factors/passkeys/{passkey_id}`

use shared::error::Result;
use shared::mfa::enrol_passkey;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let passkey = call.request.param("passkey_id")?;
    enrol_passkey::delete(&call.ctx, &call.member, passkey, call.request.source()).await?;
    Ok(Answer::no_content())
}
