//! `POST /v1/auth/logout`

use shared::accounts::store;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let permit = &call.member.permit;
    store::logout(&call.ctx, permit.user(), permit.claims().sid).await?;
    Ok(Answer::no_content())
}
