//! `PATCH /v1/members/{user_id}`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::auth::Role;
use shared::error::Result;
use shared::members::rules::Change;
use shared::members::store;
use shared::outbox::send;

use super::MemberResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What may be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberPatch {
    /// What the member may do. Nobody gives a role above their own.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Role")]
    role: Option<Role>,
    /// Whether the membership is suspended: then the member sees and does nothing here.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "bool")]
    suspended: Option<bool>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let patch: MemberPatch = call.request.json()?;
    let member = store::read(&call.member, call.request.param("user_id")?)?;
    call.request.must_match(member.membership.version)?;
    let change = Change {
        role: patch.role,
        suspended: patch.suspended,
    };
    let (member, outgoing) = store::update(&call.ctx, &call.member, member, change).await?;
    if let Some(outgoing) = outgoing {
        send::send_now(&call.ctx, &outgoing).await;
    }
    let version = member.membership.version;
    Ok(Answer::json(200, &MemberResponse::new(member))?.etag(version))
}
