//! `POST /v1/auth/refresh`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::refresh::RefreshToken;
use shared::accounts::sessions;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::Call;

/// A refresh token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// The refresh token of the last answer.
    refresh_token: String,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: RefreshRequest = call.request.json()?;
    let presented = RefreshToken::parse(&request.refresh_token)?;
    let issued = sessions::refresh(&call.ctx, &presented, call.request.source()).await?;
    super::SessionResponse::answer(issued)
}
