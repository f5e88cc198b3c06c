//! `PUT /v1/organisation/billing`

use shared::error::Result;
use shared::organisations::model::BillingDetails;
use shared::organisations::store;

use super::BillingResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let details: BillingDetails = call.request.json()?;
    let before = super::read(&call.member)?.map_or(0, |item| item.version);
    call.request.may_match(before)?;
    let item = store::put_billing(&call.ctx, &call.member, before, details).await?;
    let body = BillingResponse {
        details: item.payload,
        updated_at: item.facts.updated_at,
    };
    Ok(Answer::json(200, &body)?.etag(item.version))
}
