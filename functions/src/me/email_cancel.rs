//! `DELETE /v1/me/email`

use shared::accounts::email_change;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    email_change::cancel(&call.ctx, &call.member, call.request.source()).await?;
    Ok(Answer::no_content())
}
