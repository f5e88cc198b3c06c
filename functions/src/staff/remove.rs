//! Task `staff-remove`

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::ctx::Ctx;
use shared::error::Result;
use shared::ids::UserId;
use shared::staff::people;
use shared::task::Deadline;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveInput {
    /// Such as `user_…`.
    user_id: UserId,
}

pub(crate) async fn run(ctx: Arc<Ctx>, input: Value, _: Deadline) -> Result<Value> {
    let input: RemoveInput = shared::json::typed(input, "")?;
    let ended = people::remove(&ctx, input.user_id).await?;
    Ok(json!({ "removed": input.user_id, "sessions_ended": ended }))
}
