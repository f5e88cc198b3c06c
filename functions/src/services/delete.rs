//! `DELETE /v1/service-accounts/{service_account_id}`

use shared::error::Result;
use shared::service_accounts::store;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let id = call.request.param("service_account_id")?;
    store::read(&call.member, id)?;
    store::delete(&call.ctx, &call.member, id).await?;
    Ok(Answer::no_content())
}
