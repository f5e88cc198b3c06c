//! `POST /v1/invitations/{invitation_id}/resend`

use shared::error::Result;
use shared::limits;
use shared::members::invitations;
use shared::outbox::send;

use super::InvitationResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = invitations::read(&call.member, call.request.param("invitation_id")?)?;
    let organisation = call.member.permit.org().to_string();
    limits::count(&call.ctx, &limits::INVITATIONS_OF_ORGANISATION, &organisation).await?;
    let (item, outgoing) = invitations::resend(&call.ctx, &call.member, item).await?;
    send::send_now(&call.ctx, &outgoing).await;
    Answer::json(200, &InvitationResponse::new(item)?)
}
