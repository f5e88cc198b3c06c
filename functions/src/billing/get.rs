//! `GET /v1/organisation/billing`

use shared::error::{Error, Result};

use super::BillingResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = super::read(&call.member)?.ok_or(Error::NotFound)?;
    let version = item.version;
    if call.request.has_already(version) {
        return Ok(Answer::not_modified(version));
    }
    let body = BillingResponse {
        details: item.payload,
        updated_at: item.facts.updated_at,
    };
    Ok(Answer::json(200, &body)?.etag(version))
}
