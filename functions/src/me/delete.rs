//! `DELETE /v1/me`

use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::organisations::store;

use crate::erasures::ErasureBegun;
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

pub(crate) fn needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(store::deletion_keys(actor))
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let begun = store::delete_account(&call.ctx, &call.member, call.request.source()).await?;
    ErasureBegun::answer(&call.ctx, begun).await
}
