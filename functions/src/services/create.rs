//! `POST /v1/service-accounts`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::service_accounts::store;
use shared::text::Line;

use super::ServiceResponse;
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

/// A service account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// What it is for.
    name: Line<100>,
}

pub(crate) fn needs(tenant: Tenant, _: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(vec![store::count_key(tenant)])
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: CreateRequest = call.request.json()?;
    let item = store::create(&call.ctx, &call.member, request.name).await?;
    let version = item.version;
    Ok(Answer::json(201, &ServiceResponse::new(item)?)?.etag(version))
}
