//! `DELETE /v1/me/identities/{identity_id}`

use shared::error::Result;
use shared::sso::identities;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let identity = call.request.param("identity_id")?;
    identities::unlink(&call.ctx, &call.member, identity, call.request.source()).await?;
    Ok(Answer::no_content())
}
