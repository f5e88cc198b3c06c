//! `DELETE /v1/me/sessions`

use shared::accounts::open_sessions;
use shared::error::Result;

use super::SessionsEnded;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let person = call.member.person()?;
    SessionsEnded::answer(open_sessions::end_others(&call.ctx, person, call.request.source()).await?)
}
