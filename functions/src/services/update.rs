//! `PATCH /v1/service-accounts/{service_account_id}`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::service_accounts::store;
use shared::text::Line;

use super::ServiceResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What may be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicePatch {
    /// What it is for. It cannot be removed.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Line<100>")]
    name: Option<Line<100>>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let patch: ServicePatch = call.request.json()?;
    let mut item = store::read(&call.member, call.request.param("service_account_id")?)?;
    call.request.must_match(item.version)?;
    if let Some(name) = patch.name {
        item = store::rename(&call.ctx, &call.member, item, name).await?;
    }
    let version = item.version;
    Ok(Answer::json(200, &ServiceResponse::new(item)?)?.etag(version))
}
