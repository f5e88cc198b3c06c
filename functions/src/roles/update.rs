//! `PATCH /v1/roles/{role_id}`

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use shared::auth::{Action, Grants, RecordScope, Role};
use shared::error::Result;
use shared::members::roles::{self, Change, RoleName};
use shared::records::model::Kind;

use super::RoleResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What may be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolePatch {
    /// Its name.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "RoleName")]
    name: Option<RoleName>,
    /// What it allows.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(schema_with = "super::actions_schema")]
    actions: Option<Vec<Action>>,
    /// Whose records.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "RecordScope")]
    records: Option<RecordScope>,
    /// Records of which kinds; null for all.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Vec<Kind>>")]
    kinds: Option<Option<Vec<Kind>>>,
}

/// Tells a member that is null from one that is absent.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Vec<Kind>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let patch: RolePatch = call.request.json()?;
    let role = super::role_id(&call.request)?;
    let organisation = crate::organisation::read(&call.member)?;
    let before = roles::grants(&organisation.facts, role)?.clone();
    call.request.must_match(organisation.version)?;
    roles::fitting(patch.actions.as_deref().unwrap_or_default())?;
    let grants = Grants {
        actions: patch
            .actions
            .map_or(before.actions, |actions| actions.into_iter().collect()),
        records: patch.records.unwrap_or(before.records),
        kinds: patch.kinds.map_or(before.kinds, super::kinds),
    };
    let change = Change {
        name: patch.name,
        grants: Some(grants),
    };
    let organisation = roles::update(&call.ctx, &call.member, role, change).await?;
    let response = RoleResponse::new(Role::Custom(role), &organisation);
    Ok(Answer::json(200, &response)?.etag(organisation.version))
}
