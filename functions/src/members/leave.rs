//! `POST /v1/organisation/leave`

use shared::error::Result;
use shared::members::leaving;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    leaving::leave(&call.ctx, &call.member, call.request.source()).await?;
    Ok(Answer::no_content().clear_site_data())
}
