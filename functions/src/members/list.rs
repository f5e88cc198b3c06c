//! `GET /v1/members`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::{Error, Result};
use shared::members::store;

use super::MemberResponse;
use crate::gateway::{Answer, Pager};
use crate::registry::MemberCall;

/// A page of members.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The members.
    data: Vec<MemberResponse>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let limit = crate::gateway::limit(&call.request).map_err(|detail| Error::invalid("?limit", detail))?;
    let pager = Pager::new(&call, "members");
    let (members, next) = store::list(&call.ctx, &call.member, limit, pager.after()?).await?;
    let data = members.into_iter().map(MemberResponse::new).collect();
    let next_cursor = next.map(|after| pager.cursor(&after));
    let link = next_cursor.as_deref().map(|cursor| pager.link(cursor));
    Ok(Answer::json(200, &ListResponse { data, next_cursor })?.next(link))
}
