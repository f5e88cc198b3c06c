//! `POST /v1/organisation/cancel`

use shared::error::Result;
use shared::organisations::store;
use shared::outbox::send;

use super::OrganisationResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let (item, retained, outgoing) = store::cancel(&call.ctx, &call.member).await?;
    send::send_now(&call.ctx, &outgoing).await;
    let version = item.version;
    Ok(Answer::json(200, &OrganisationResponse::new(&call.member, item, &retained))?.etag(version))
}
