//! `GET /openapi.json`

use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::Call;

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    Ok(Answer::json(200, &super::document(&call.ctx.config.origin))?.public_for(300))
}
