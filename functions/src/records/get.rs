//! `GET /v1/records/{record_id}`

use shared::error::Result;
use shared::records::store;

use super::RecordResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let id = call.request.param("record_id")?;
    let record = store::read(&call.member, id)?;
    let version = record.version;
    if call.request.has_already(version) {
        return Ok(Answer::not_modified(version));
    }
    Ok(Answer::json(200, &RecordResponse::new(id, record))?.etag(version))
}
