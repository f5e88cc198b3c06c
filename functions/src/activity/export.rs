//! `POST /v1/organisation/activity/exports`

use shared::activity::{export, read};
use shared::error::{Result, Violations};
use shared::limits;

use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let mut violations = Violations::default();
    let filter = super::filter(&call.request, &mut violations);
    violations.into_result()?;
    let organisation = call.member.permit.org().to_string();
    limits::count(&call.ctx, &limits::EXPORTS_OF_ORGANISATION, &organisation).await?;
    let entries = read::export(&call.ctx, &call.member.permit, &filter).await?;
    Ok(Answer::csv("activity.csv", export::csv(&entries)?))
}
