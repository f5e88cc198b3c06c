//! `POST /v1/invitations`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::auth::Role;
use shared::email::Email;
use shared::error::Result;
use shared::limits;
use shared::members::invitations;
use shared::outbox::send;

use super::InvitationResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// Whom, and as what.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationRequest {
    /// The address; a code is sent to it.
    email: Email,
    /// What the invited person may do. Nobody gives a role above their own.
    role: Role,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: InvitationRequest = call.request.json()?;
    let organisation = call.member.permit.org().to_string();
    limits::count(&call.ctx, &limits::INVITATIONS_OF_ORGANISATION, &organisation).await?;
    let (item, outgoing) = invitations::create(&call.ctx, &call.member, request.email, request.role).await?;
    send::send_now(&call.ctx, &outgoing).await;
    Answer::json(201, &InvitationResponse::new(item)?)
}
