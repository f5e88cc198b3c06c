//! `POST /v1/me/organisations/{organisation_id}/switch`

use shared::error::Result;
use shared::members::own;

use crate::auth::SessionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let org = call.request.param("organisation_id")?;
    let (person, source) = (call.member.person()?, call.request.source());
    let issued = own::switch(&call.ctx, person, org, source).await?;
    SessionResponse::answer(issued)
}
