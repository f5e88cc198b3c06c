//! `GET /v1/roles`

use schemars::JsonSchema;
use serde::Serialize;
use shared::auth::Role;
use shared::error::Result;

use super::RoleResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The roles; an organisation has at most 20 of its own.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RolesResponse {
    /// The roles: those of every organisation, then its own.
    data: Vec<RoleResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let organisation = crate::organisation::read(&call.member)?;
    if call.request.has_already(organisation.version) {
        return Ok(Answer::not_modified(organisation.version));
    }
    let custom = organisation.facts.roles.keys().copied().map(Role::Custom);
    let data = Role::BUILT_IN
        .into_iter()
        .chain(custom)
        .map(|role| RoleResponse::new(role, &organisation))
        .collect();
    Ok(Answer::json(200, &RolesResponse { data })?.etag(organisation.version))
}
