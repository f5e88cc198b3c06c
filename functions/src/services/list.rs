//! `GET /v1/service-accounts`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::service_accounts::store;

use super::ServiceResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The service accounts of an organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The service accounts, oldest first.
    data: Vec<ServiceResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let found = store::list(&call.ctx, &call.member).await?.into_iter();
    let data = found.map(ServiceResponse::new).collect::<Result<_>>()?;
    Answer::json(200, &ListResponse { data })
}
