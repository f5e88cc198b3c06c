//! `DELETE /v1/me/sessions/{session_id}`

use shared::accounts::open_sessions;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let session = call.request.param("session_id")?;
    open_sessions::end(&call.ctx, &call.member, session, call.request.source()).await?;
    Ok(if session == call.member.person()?.session {
        Answer::no_content().clear_site_data()
    } else {
        Answer::no_content()
    })
}
