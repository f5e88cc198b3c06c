//! `DELETE /v1/invitations/{invitation_id}`

use shared::error::Result;
use shared::members::invitations;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = invitations::read(&call.member, call.request.param("invitation_id")?)?;
    invitations::revoke(&call.ctx, &call.member, &item).await?;
    Ok(Answer::no_content())
}
