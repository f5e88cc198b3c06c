//! `POST /v1/records/{record_id}/attachments/{attachment_id}/complete`

use shared::attachments::store;
use shared::error::Result;

use super::AttachmentResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let (record, id) = (
        call.request.param("record_id")?,
        call.request.param("attachment_id")?,
    );
    let item = store::read(&call.member, record, id)?;
    let item = store::complete(&call.ctx, &call.member, record, id, item).await?;
    Answer::json(200, &AttachmentResponse::new(id, item))
}
