//! `POST /v1/me/identities`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::ids::ConnectionId;
use shared::sso::{ReturnTo, identities};

use crate::gateway::Answer;
use crate::registry::MemberCall;
use crate::sso::DepartureResponse;

/// A connection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRequest {
    /// The connection to link an identity through: one of those that `GET /v1/me/identities` names.
    connection_id: ConnectionId,
    /// The path of the page that follows. What is none of ours becomes `/`.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "String")]
    return_to: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: LinkRequest = call.request.json()?;
    let return_to = ReturnTo::parse(request.return_to.as_deref());
    let departure = identities::begin_link(&call.ctx, &call.member, request.connection_id, return_to).await?;
    DepartureResponse::answer(&call.ctx, departure)
}
