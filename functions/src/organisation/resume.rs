//! `POST /v1/organisation/resume`

use shared::error::Result;
use shared::organisations::store;

use super::OrganisationResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = store::resume(&call.ctx, &call.member).await?;
    let version = item.version;
    Ok(Answer::json(200, &OrganisationResponse::new(&call.member, item, &[]))?.etag(version))
}
