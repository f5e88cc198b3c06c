//! `POST /v1/members/{user_id}/reset-factors`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::members::reset::{self, Reset};
use shared::outbox::send;

use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

/// What became of the request.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum ResetResponse {
    /// Another administrator has to ask for the same.
    Requested {
        /// Until then.
        #[schemars(with = "String", extend("format" = "date-time"))]
        expires_at: Timestamp,
    },
    /// The member has no second factors any more, and was signed out everywhere.
    Done,
}

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(reset::keys_of(tenant, request.param("user_id")?))
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let user = call.request.param("user_id")?;
    let (reset, outgoing) = reset::ask(&call.ctx, &call.member, user).await?;
    send::send_now(&call.ctx, &outgoing).await;
    match reset {
        Reset::Requested(expires_at) => Answer::json(202, &ResetResponse::Requested { expires_at }),
        Reset::Done => Answer::json(200, &ResetResponse::Done),
    }
}
