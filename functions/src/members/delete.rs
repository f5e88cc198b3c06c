//! `DELETE /v1/members/{user_id}`

use shared::error::Result;
use shared::members::store;
use shared::outbox::send;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let member = store::read(&call.member, call.request.param("user_id")?)?;
    call.request.may_match(member.membership.version)?;
    let outgoing = store::remove(&call.ctx, &call.member, &member).await?;
    send::send_now(&call.ctx, &outgoing).await;
    Ok(Answer::no_content())
}
