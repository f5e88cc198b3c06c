//! `PUT /v1/me/password`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::password::PlainPassword;
use shared::accounts::password_change;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::outbox::send;

use crate::auth::SessionResponse;
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

/// The password that one has and the one that one wants.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The current password.
    current_password: PlainPassword,
    /// At least 15 characters, or 8 where there is a second factor; any characters.
    new_password: PlainPassword,
}

pub(crate) fn needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(password_change::needs(actor))
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: PasswordRequest = call.request.json()?;
    let (passwords, source) = (
        (&request.current_password, &request.new_password),
        call.request.source(),
    );
    let (issued, notice) = password_change::change(&call.ctx, &call.member, passwords, source).await?;
    send::send_now(&call.ctx, &notice).await;
    SessionResponse::answer(issued)
}
