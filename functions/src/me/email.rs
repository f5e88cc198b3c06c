//! `POST /v1/me/email`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::email_change;
use shared::email::Email;
use shared::error::Result;
use shared::limits;
use shared::outbox::send;

use crate::auth::Accepted;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// An address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailRequest {
    /// The address that the account is to have.
    email: Email,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: EmailRequest = call.request.json()?;
    limits::count_mail(&call.ctx, &call.request.limited(), &request.email).await?;
    let source = call.request.source();
    let mails = email_change::ask(&call.ctx, &call.member, request.email, source).await?;
    send::send_all(&call.ctx, &mails).await;
    Accepted::answer(
        "We sent a mail to each of the two addresses. When both codes are shown, the address changes.",
    )
}
