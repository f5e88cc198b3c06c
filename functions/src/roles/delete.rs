//! `DELETE /v1/roles/{role_id}`

use shared::error::Result;
use shared::members::roles;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let role = super::role_id(&call.request)?;
    let organisation = crate::organisation::read(&call.member)?;
    roles::grants(&organisation.facts, role)?;
    call.request.may_match(organisation.version)?;
    roles::delete(&call.ctx, &call.member, role).await?;
    Ok(Answer::no_content())
}
