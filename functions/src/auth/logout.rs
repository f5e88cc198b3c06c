//! `POST /v1/auth/logout`

use shared::accounts::sessions;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    sessions::logout(&call.ctx, call.member.person()?, call.request.source()).await?;
    Ok(Answer::no_content().clear_site_data())
}
