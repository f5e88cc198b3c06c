//! `GET /v1/me`

use shared::accounts::store;
use shared::error::Result;

use super::MeResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let profile = store::read(&call.member)?;
    let version = profile.version;
    if call.request.has_already(version) {
        return Ok(Answer::not_modified(version));
    }
    Ok(Answer::json(200, &MeResponse::new(call.member.person()?.user, profile))?.etag(version))
}
