//! `DELETE /v1/records/{record_id}`

use shared::error::Result;
use shared::records::store;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let id = call.request.param("record_id")?;
    store::delete(&call.ctx, &call.member, id, |record| {
        call.request.must_match(record.version)
    })
    .await?;
    Ok(Answer::no_content())
}
