//! `PATCH /v1/me`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::model::PersonName;
use shared::accounts::store;
use shared::error::Result;

use super::MeResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What may be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MePatch {
    /// The user's name. It cannot be removed.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "PersonName")]
    name: Option<PersonName>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let patch: MePatch = call.request.json()?;
    let mut profile = store::read(&call.member)?;
    call.request.may_match(profile.version)?;
    if let Some(name) = patch.name {
        profile = store::rename(&call.ctx, &call.member, profile, name).await?;
    }
    let version = profile.version;
    Ok(Answer::json(200, &MeResponse::new(call.member.person()?.user, profile))?.etag(version))
}
