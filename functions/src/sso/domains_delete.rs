//! `DELETE /v1/organisation/domains/{domain_id}`

use shared::error::Result;
use shared::sso::domains;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = domains::named(&call.member, call.request.param("domain_id")?)?;
    domains::delete(&call.ctx, &call.member, &item).await?;
    Ok(Answer::no_content())
}
