//! `PATCH /v1/organisation`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::organisations::store;
use shared::text::Line;

use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What may be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganisationPatch {
    /// The organisation's name. It cannot be removed.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Line<200>")]
    name: Option<Line<200>>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let patch: OrganisationPatch = call.request.json()?;
    let mut item = super::read(&call.member)?;
    call.request.may_match(item.version)?;
    if let Some(name) = patch.name {
        item.version += 1;
        item.facts.updated_at = call.ctx.now();
        item.payload.name = name;
        store::replace(&call.ctx, &call.member, &item).await?;
    }
    let version = item.version;
    Ok(Answer::json(200, &super::respond(&call.ctx, &call.member, item))?.etag(version))
}
