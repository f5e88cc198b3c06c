//! `POST /v1/organisation/domains/{domain_id}/verify`

use shared::error::Result;
use shared::sso::domains;

use super::DomainResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let item = domains::named(&call.member, call.request.param("domain_id")?)?;
    let item = domains::verify(&call.ctx, &call.member, item).await?;
    Answer::json(200, &DomainResponse::new(item)?)
}
