//! `GET /v1/organisation/domains`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::sso::domains;

use super::DomainResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The domains of an organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The domains, the oldest first.
    data: Vec<DomainResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let found = domains::list(&call.ctx, &call.member).await?.into_iter();
    let data = found.map(DomainResponse::new).collect::<Result<_>>()?;
    Answer::json(200, &ListResponse { data })
}
