//! `GET /v1/members/{user_id}`

use shared::error::Result;
use shared::members::store;

use super::MemberResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let member = store::read(&call.member, call.request.param("user_id")?)?;
    // The name is not the membership's, so a version that the caller has already says nothing of it.
    let version = member.membership.version;
    Ok(Answer::json(200, &MemberResponse::new(member))?.etag(version))
}
