//! `POST /v1/organisation/transfer`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::ids::UserId;
use shared::members::store;
use shared::outbox::send;

use crate::auth::SessionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// To whom.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    /// The member who becomes an owner.
    user_id: UserId,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: TransferRequest = call.request.json()?;
    let source = call.request.source();
    let (issued, mails) = store::transfer(&call.ctx, &call.member, request.user_id, source).await?;
    for outgoing in &mails {
        send::send_now(&call.ctx, outgoing).await;
    }
    SessionResponse::answer(issued)
}
