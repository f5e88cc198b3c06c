//! `POST /v1/auth/resend-verification`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::store;
use shared::email::Email;
use shared::error::Result;
use shared::limits;
use shared::outbox::send;

use crate::gateway::Answer;
use crate::registry::Call;

/// An address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendVerificationRequest {
    /// The address that was registered.
    email: Email,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: ResendVerificationRequest = call.request.json()?;
    limits::count_mail(&call.ctx, &call.request.limited(), &request.email).await?;
    if let Some(outgoing) = store::resend_verification(&call.ctx, &request.email).await? {
        send::send_now(&call.ctx, &outgoing).await;
    }
    super::Accepted::answer("If this address has an account that is not confirmed, we sent the code again.")
}
