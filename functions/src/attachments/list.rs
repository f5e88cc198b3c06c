//! `GET /v1/records/{record_id}/attachments`

use schemars::JsonSchema;
use serde::Serialize;
use shared::attachments::model::State;
use shared::attachments::store;
use shared::error::{Error, Result};
use shared::records;

use super::AttachmentResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The attachments of a record. There are at most 20, so there is one page.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The attachments that can be read.
    data: Vec<AttachmentResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let record = call.request.param("record_id")?;
    records::store::read(&call.member, record)?;
    let items = store::list(&call.ctx, &call.member, record).await?;
    let data = items
        .into_iter()
        .filter(|item| item.facts.state == State::Complete)
        .map(|item| {
            let id = item
                .key
                .sort()
                .rsplit_once('#')
                .and_then(|(_, id)| id.parse().ok());
            Ok(AttachmentResponse::new(
                id.ok_or_else(|| Error::internal("an attachment without an id"))?,
                item,
            ))
        })
        .collect::<Result<_>>()?;
    Answer::json(200, &ListResponse { data })
}
