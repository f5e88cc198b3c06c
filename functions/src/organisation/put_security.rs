//! `PUT /v1/organisation/security`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::organisations::model::{MfaPolicy, Security};
use shared::organisations::security;

use crate::gateway::Answer;
use crate::registry::MemberCall;

/// How members are to sign in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecurityRequest {
    /// Who needs a second factor; never fewer than our policy promises.
    mfa: MfaPolicy,
    /// Whether members sign in through the organisation's identity provider only; owners still can without.
    #[serde(default)]
    sso_only: bool,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: SecurityRequest = call.request.json()?;
    let item = super::read(&call.member)?;
    call.request.must_match(item.version)?;
    let wanted = Security {
        mfa: request.mfa,
        sso_only: request.sso_only,
    };
    let item = security::put(&call.ctx, &call.member, item, wanted).await?;
    Ok(Answer::json(200, &item.facts.security)?.etag(item.version))
}
