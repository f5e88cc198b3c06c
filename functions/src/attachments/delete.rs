//! `DELETE /v1/records/{record_id}/attachments/{attachment_id}`

use shared::attachments::store;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let (record, id) = (
        call.request.param("record_id")?,
        call.request.param("attachment_id")?,
    );
    let item = store::read(&call.member, record, id)?;
    store::delete(&call.ctx, &call.member, record, id, &item).await?;
    Ok(Answer::no_content())
}
