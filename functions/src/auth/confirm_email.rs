//! `POST /v1/auth/confirm-email`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::email_change;
use shared::error::Result;
use shared::limits;
use shared::outbox::send;

use crate::gateway::Answer;
use crate::registry::Call;

/// A code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmEmailRequest {
    /// The code from the mail to the old or to the new address.
    code: String,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: ConfirmEmailRequest = call.request.json()?;
    limits::count(&call.ctx, &limits::CODES_OF_SOURCE, &call.request.limited()).await?;
    if let Some(notice) = email_change::confirm(&call.ctx, &request.code, call.request.source()).await? {
        send::send_now(&call.ctx, &notice).await;
    }
    Ok(Answer::no_content())
}
