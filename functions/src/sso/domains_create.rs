//! `POST /v1/organisation/domains`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::egress::dns::Domain;
use shared::error::Result;
use shared::sso::domains;

use super::DomainResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A domain.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainRequest {
    /// Its name, such as `customer.example`.
    name: Domain,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: DomainRequest = call.request.json()?;
    let item = domains::create(&call.ctx, &call.member, request.name).await?;
    Answer::json(201, &DomainResponse::new(item)?)
}
