//! `GET /v1/organisation`

use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = super::read(&call.member)?;
    let version = item.version;
    if call.request.has_already(version) {
        return Ok(Answer::not_modified(version));
    }
    Ok(Answer::json(200, &super::respond(&call.ctx, &call.member, item))?.etag(version))
}
