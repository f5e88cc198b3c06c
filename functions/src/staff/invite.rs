//! Task `staff-invite`

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::accounts::model::PersonName;
use shared::auth::StaffRole;
use shared::ctx::Ctx;
use shared::email::Email;
use shared::error::Result;
use shared::outbox::send;
use shared::staff::people;
use shared::task::Deadline;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteInput {
    /// The person's address; no customer's.
    email: Email,
    /// The person's name.
    name: PersonName,
    /// `support` or `lead`.
    role: StaffRole,
}

pub(crate) async fn run(ctx: Arc<Ctx>, input: Value, _: Deadline) -> Result<Value> {
    let input: InviteInput = shared::json::typed(input, "")?;
    let (user, outgoing) = people::invite(&ctx, input.email, input.name, input.role).await?;
    send::send_now(&ctx, &outgoing).await;
    Ok(json!({ "user": user }))
}
