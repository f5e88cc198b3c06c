//! `POST /v1/auth/verify-email`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::store;
use shared::error::Result;
use shared::limits;

use crate::gateway::Answer;
use crate::registry::Call;

/// A code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyEmailRequest {
    /// The code from the mail.
    code: String,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: VerifyEmailRequest = call.request.json()?;
    limits::count(&call.ctx, &limits::CODES_OF_SOURCE, &call.request.limited()).await?;
    store::verify_email(&call.ctx, request.code.trim()).await?;
    Ok(Answer::no_content())
}
