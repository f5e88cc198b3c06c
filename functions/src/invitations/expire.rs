//! Task `invitations-expire`

use std::sync::Arc;

use serde_json::Value;
use shared::ctx::Ctx;
use shared::error::Result;
use shared::members::expiry;
use shared::task::Deadline;

pub(crate) async fn run(ctx: Arc<Ctx>, _: Value, deadline: Deadline) -> Result<Value> {
    crate::serve::report(&expiry::run(&ctx, &deadline).await?)
}
