//! `POST /v1/auth/forgot-password`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::reset;
use shared::email::Email;
use shared::error::Result;
use shared::limits;

use crate::gateway::Answer;
use crate::registry::Call;

/// An address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgotPasswordRequest {
    /// The address of the account.
    email: Email,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: ForgotPasswordRequest = call.request.json()?;
    limits::count_mail(&call.ctx, &call.request.limited(), &request.email).await?;
    reset::ask(&call.ctx, &request.email, call.request.source()).await?;
    super::Accepted::answer("If this address has an account, a mail with a code is on its way.")
}
