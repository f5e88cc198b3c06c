//! Task `holds-release`

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::ctx::Ctx;
use shared::erasure::hold;
use shared::error::Result;
use shared::ids::HoldId;
use shared::task::Deadline;
use shared::unit::UnitId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseInput {
    /// Such as `org_….content` or `user_…`.
    unit: UnitId,
    /// The hold.
    hold: HoldId,
}

pub(crate) async fn run(ctx: Arc<Ctx>, input: Value, _: Deadline) -> Result<Value> {
    let input: ReleaseInput = shared::json::typed(input, "")?;
    hold::release(&ctx, input.unit, input.hold).await?;
    Ok(json!({ "released": input.hold }))
}
