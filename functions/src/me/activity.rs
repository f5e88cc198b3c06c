//! `GET /v1/me/activity`

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use shared::activity::model::AccountActivity;
use shared::activity::read;
use shared::error::{Error, Result};
use shared::ids::ActivityId;
use shared::store::Item;

use crate::activity::ActivityEntry;
use crate::gateway::{Answer, Pager};
use crate::registry::MemberCall;

/// A page of one's own activity.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActivityResponse {
    /// The entries, newest first.
    data: Vec<OwnEntry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An entry, with from where it was done.
#[derive(Serialize, JsonSchema)]
struct OwnEntry {
    #[serde(flatten)]
    entry: ActivityEntry,
    /// The address; absent when somebody else did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    address: Option<IpAddr>,
    /// What the client called itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

impl OwnEntry {
    fn new((id, item): (ActivityId, Item<AccountActivity>)) -> Self {
        Self {
            entry: ActivityEntry::new(id, item.facts),
            address: item.payload.address,
            user_agent: item.payload.user_agent,
        }
    }
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let limit = crate::gateway::limit(&call.request).map_err(|detail| Error::invalid("?limit", detail))?;
    let person = call.member.person()?;
    let name = format!("own activity {}", person.user);
    let pager = Pager::new(&call, &name);
    let (entries, next) = read::of_account(&call.ctx, person, (limit, pager.after()?)).await?;
    let data = entries.into_iter().map(OwnEntry::new).collect();
    let next_cursor = next.map(|after| pager.cursor(&after));
    let link = next_cursor.as_deref().map(|cursor| pager.link(cursor));
    Ok(Answer::json(200, &ActivityResponse { data, next_cursor })?.next(link))
}
