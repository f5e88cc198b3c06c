//! `GET /v1/erasures/{erasure_id}`

use schemars::JsonSchema;
use serde::Serialize;
use shared::erasure::model::JobState;
use shared::erasure::receipts;
use shared::error::Result;
use shared::ids::ErasureId;
use shared::ledger::ReceiptFile;

use crate::gateway::Answer;
use crate::registry::Call;

/// Where an erasure stands.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ErasureResponse {
    /// The erasure.
    id: ErasureId,
    /// Where it stands.
    state: JobState,
    /// The receipt, once it is sealed; with its proof, once the ledger was published. Save it: it can be verified
    /// offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptFile>,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let id = call.request.param("erasure_id")?;
    let (state, receipt) = receipts::get(&call.ctx, id).await?;
    Answer::json(200, &ErasureResponse { id, state, receipt })
}
