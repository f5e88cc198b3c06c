//! `DELETE /v1/members/{user_id}/sessions`

use shared::accounts::open_sessions;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::outbox::send;

use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;
use crate::sessions::SessionsEnded;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![open_sessions::membership_key(
        tenant,
        request.param("user_id")?,
    )])
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let user = call.request.param("user_id")?;
    let (ended, outgoing) = open_sessions::end_of_member(&call.ctx, &call.member, user).await?;
    if let Some(outgoing) = outgoing {
        send::send_now(&call.ctx, &outgoing).await;
    }
    SessionsEnded::answer(ended)
}
