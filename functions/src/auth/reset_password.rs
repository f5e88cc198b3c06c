//! `POST /v1/auth/reset-password`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::password::PlainPassword;
use shared::accounts::reset;
use shared::error::Result;
use shared::limits;
use shared::outbox::send;

use crate::gateway::Answer;
use crate::registry::Call;

/// A code and the password that is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetPasswordRequest {
    /// The code from the mail.
    code: String,
    /// At least 15 characters, or 8 where there is a second factor; any characters.
    new_password: PlainPassword,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: ResetPasswordRequest = call.request.json()?;
    limits::count(&call.ctx, &limits::CODES_OF_SOURCE, &call.request.limited()).await?;
    let source = call.request.source();
    let notice = reset::reset(&call.ctx, &request.code, &request.new_password, source).await?;
    send::send_now(&call.ctx, &notice).await;
    Ok(Answer::no_content())
}
