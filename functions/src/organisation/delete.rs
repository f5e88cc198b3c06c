//! `DELETE /v1/organisation`

use shared::error::Result;
use shared::organisations::store;

use crate::erasures::ErasureBegun;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let begun = store::close(&call.ctx, &call.member).await?;
    ErasureBegun::answer(&call.ctx, begun).await
}
