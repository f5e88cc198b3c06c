//! `POST /v1/roles`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::auth::{Action, Grants, RecordScope, Role};
use shared::error::Result;
use shared::members::roles::{self, RoleName};
use shared::records::model::Kind;

use super::RoleResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A role.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleRequest {
    /// Its name.
    name: RoleName,
    /// What it allows.
    #[schemars(schema_with = "super::actions_schema")]
    actions: Vec<Action>,
    /// Whose records.
    #[serde(default)]
    records: RecordScope,
    /// Records of which kinds; all when absent.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Vec<Kind>")]
    kinds: Option<Vec<Kind>>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: RoleRequest = call.request.json()?;
    roles::fitting(&request.actions)?;
    let grants = Grants {
        actions: request.actions.into_iter().collect(),
        records: request.records,
        kinds: super::kinds(request.kinds),
    };
    let (role, organisation) = roles::create(&call.ctx, &call.member, request.name, grants).await?;
    let response = RoleResponse::new(Role::Custom(role), &organisation);
    Ok(Answer::json(201, &response)?.etag(organisation.version))
}
