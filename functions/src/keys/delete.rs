//! `DELETE /v1/service-accounts/{service_account_id}/keys/{key_id}`

use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::service_accounts::api_keys;

use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![api_keys::key(tenant, request.param("key_id")?)])
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let (service, key) = (
        call.request.param("service_account_id")?,
        call.request.param("key_id")?,
    );
    api_keys::revoke(&call.ctx, &call.member, service, key).await?;
    Ok(Answer::no_content())
}
