//! `POST /v1/organisation/access/{access_id}/decision`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::outbox::send;
use shared::staff::store;

use super::AccessResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What an owner decides.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// It may be used from now on, for the minutes that were asked for.
    Approve,
    /// It may not.
    Refuse,
    /// It may not any more; whatever was asked for is over at once.
    End,
}

impl From<Decision> for store::Decision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Approve => Self::Approve,
            Decision::Refuse => Self::Refuse,
            Decision::End => Self::End,
        }
    }
}

/// An owner's decision.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionRequest {
    /// The decision.
    decision: Decision,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: DecisionRequest = call.request.json()?;
    let id = call.request.param("access_id")?;
    let access = store::of_member(&call.member, id)?;
    let by = call.member.person()?.user;
    let (access, mails) = access.decide(&call.ctx, request.decision.into(), by).await?;
    send::send_all(&call.ctx, &mails).await;
    Answer::json(200, &AccessResponse::new(id, access.item, call.ctx.now()))
}
