//! `POST /v1/members/{user_id}/reset-password`

use shared::accounts::reset;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::outbox::send;

use crate::auth::Accepted;
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(reset::needs(tenant, request.param("user_id")?))
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let user = call.request.param("user_id")?;
    let mail = reset::ask_for(&call.ctx, &call.member, user).await?;
    send::send_now(&call.ctx, &mail).await;
    Accepted::answer("We sent the member a mail with a code to choose a new password.")
}
