//! `POST /v1/me/step-up/sso`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::sso::{ReturnTo, identities};

use crate::gateway::Answer;
use crate::registry::MemberCall;
use crate::sso::DepartureResponse;

/// Where to go afterwards.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUpSsoRequest {
    /// The path of the page that follows. What is none of ours becomes `/`.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "String")]
    return_to: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: StepUpSsoRequest = call.request.json()?;
    let return_to = ReturnTo::parse(request.return_to.as_deref());
    let departure = identities::begin_step_up(&call.ctx, &call.member, return_to).await?;
    DepartureResponse::answer(&call.ctx, departure)
}
