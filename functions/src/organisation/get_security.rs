//! `GET /v1/organisation/security`

use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = super::read(&call.member)?;
    if call.request.has_already(item.version) {
        return Ok(Answer::not_modified(item.version));
    }
    Ok(Answer::json(200, &item.facts.security)?.etag(item.version))
}
