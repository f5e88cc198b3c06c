//! Task `holds-place`

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::ctx::Ctx;
use shared::erasure::hold;
use shared::error::Result;
use shared::task::Deadline;
use shared::text::Line;
use shared::unit::UnitId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceInput {
    /// Such as `org_….content` or `user_…`.
    unit: UnitId,
    /// Why; without personal data, because the customer is told.
    reason: Line<500>,
    /// When it is to be looked at again.
    #[serde(default)]
    review_at: Option<Timestamp>,
}

pub(crate) async fn run(ctx: Arc<Ctx>, input: Value, _: Deadline) -> Result<Value> {
    let input: PlaceInput = shared::json::typed(input, "")?;
    let id = hold::place(&ctx, input.unit, input.reason.to_string(), input.review_at).await?;
    Ok(json!({ "hold": id }))
}
