//! `GET /v1/organisation/activity`

use schemars::JsonSchema;
use serde::Serialize;
use shared::activity::read;
use shared::error::{Result, Violations};

use super::ActivityEntry;
use crate::gateway::{Answer, Pager};
use crate::registry::MemberCall;

/// A page of an activity log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The entries, newest first. A page shorter than the limit is not the last one while it has a `next_cursor`.
    data: Vec<ActivityEntry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let mut violations = Violations::default();
    let filter = super::filter(&call.request, &mut violations);
    let limit = violations.check("?limit", crate::gateway::limit(&call.request));
    violations.into_result()?;
    let name = format!("activity {filter:?}");
    let pager = Pager::new(&call, &name);
    let place = (limit.unwrap_or_default(), pager.after()?);
    let (entries, next) = read::of_organisation(&call.ctx, &call.member.permit, &filter, place).await?;
    super::note_reading(&call.request, call.member.permit.actor());
    let entries = entries.into_iter();
    let data = entries.map(|(id, facts)| ActivityEntry::new(id, facts)).collect();
    let next_cursor = next.map(|after| pager.cursor(&after));
    let link = next_cursor.as_deref().map(|cursor| pager.link(cursor));
    Ok(Answer::json(200, &ListResponse { data, next_cursor })?.next(link))
}
