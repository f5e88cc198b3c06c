//! `GET /v1/organisation/access`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::{Error, Result};
use shared::staff::store;

use super::AccessResponse;
use crate::gateway::{Answer, Pager};
use crate::registry::MemberCall;

/// A page of exceptional access, newest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccessListResponse {
    /// What was asked for, ever.
    data: Vec<AccessResponse>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let limit = crate::gateway::limit(&call.request).map_err(|detail| Error::invalid("?limit", detail))?;
    let pager = Pager::new(&call, "access");
    let (items, next) = store::list(&call.ctx, &call.member, limit, pager.after()?).await?;
    let data = items.into_iter().map(|item| {
        let id = item.key.sort().parse();
        let id = id.map_err(|_| Error::internal("access without an id"))?;
        Ok(AccessResponse::new(id, item, call.ctx.now()))
    });
    let data = data.collect::<Result<_>>()?;
    let next_cursor = next.map(|after| pager.cursor(&after));
    let link = next_cursor.as_deref().map(|cursor| pager.link(cursor));
    Ok(Answer::json(200, &AccessListResponse { data, next_cursor })?.next(link))
}
