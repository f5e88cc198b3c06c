//! `POST /v1/staff/lookup`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::email::Email;
use shared::error::Result;
use shared::ids::OrgId;
use shared::staff::store;

use crate::gateway::Answer;
use crate::registry::StaffCall;

/// Whose organisations are looked for. In a body, so that no address stands in a log of URLs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupRequest {
    /// The address of a member.
    email: Email,
}

/// The organisations of a member.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LookupResponse {
    /// Their ids; none for an address that nobody has.
    organisations: Vec<OrgId>,
}

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let request: LookupRequest = call.request.json()?;
    let organisations = store::organisations_of(&call.ctx, &request.email).await?;
    Answer::json(200, &LookupResponse { organisations })
}
