//! `GET /v1/ledger`

use schemars::JsonSchema;
use serde::Serialize;
use shared::erasure::receipts;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::Call;

/// The ledger's head.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LedgerResponse {
    /// Its name.
    origin: String,
    /// The key that verifies checkpoints and receipts, in the notation of C2SP signed notes.
    verifier_key: String,
    /// How many entries the checkpoint covers.
    size: u64,
    /// The newest checkpoint, a signed note; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let (size, checkpoint) = receipts::checkpoint(&call.ctx).await?;
    let verifier_key = call.ctx.config.ledger_verifier_key.clone();
    Answer::json(
        200,
        &LedgerResponse {
            origin: receipts::origin(&call.ctx)?,
            verifier_key,
            size,
            checkpoint,
        },
    )
}
