//! `DELETE /v1/organisation/connections/{connection_id}`

use shared::error::Result;
use shared::sso::connections;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = connections::named(&call.member, call.request.param("connection_id")?)?;
    call.request.may_match(item.version)?;
    connections::delete(&call.ctx, &call.member, &item).await?;
    Ok(Answer::no_content())
}
