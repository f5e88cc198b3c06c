//! `GET /.well-known/jwks.json`

use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::Call;

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    Ok(Answer::json(200, &call.ctx.config.token_public_keys)?.public_for(300))
}
