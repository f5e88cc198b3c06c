//! `GET /v1/organisation/connections`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::sso::connections;

use super::ConnectionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The connections of an organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The connections, the oldest first.
    data: Vec<ConnectionResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let found = connections::list(&call.ctx, &call.member).await?.into_iter();
    let response = |item| ConnectionResponse::new(&call.ctx, item);
    let data = found.map(response).collect::<Result<_>>()?;
    Answer::json(200, &ListResponse { data })
}
