//! `GET /v1/records/{record_id}/attachments/{attachment_id}`

use shared::attachments::model::State;
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
    let download = match item.facts.state {
        State::Complete => store::sign_download(&call.ctx, &call.member, id, &item.payload).await?,
        State::Pending => None,
    };
    Answer::json(
        200,
        &AttachmentResponse {
            download,
            ..AttachmentResponse::new(id, item)
        },
    )
}
