//! `POST /v1/me/organisations`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::store;
use shared::error::Result;
use shared::limits;
use shared::members::accept;

use super::PlaceResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinRequest {
    /// The code from the mail.
    code: String,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: JoinRequest = call.request.json()?;
    limits::count(&call.ctx, &limits::CODES_OF_SOURCE, &call.request.limited()).await?;
    let profile = store::read(&call.member)?;
    let (who, source) = ((call.member.person()?, &profile), call.request.source());
    let joined = accept::as_user(&call.ctx, request.code.trim(), who, source).await?;
    Answer::json(201, &PlaceResponse::of_joined(joined))
}
