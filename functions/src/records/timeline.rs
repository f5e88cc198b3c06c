//! `GET /v1/records/{record_id}/events`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::{Error, Result};
use shared::ids::{ActorId, EventId};
use shared::records::model::{Action, EventPayload, FieldChange};
use shared::records::{list, store};
use shared::store::Item;

use crate::gateway::{Answer, Pager};
use crate::registry::MemberCall;

/// A page of a timeline.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TimelineResponse {
    /// The events, oldest first.
    data: Vec<EventResponse>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What happened.
#[derive(Serialize, JsonSchema)]
struct EventResponse {
    /// The event.
    id: EventId,
    /// What was done.
    action: Action,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    at: Timestamp,
    /// Who did it.
    actor: ActorId,
    /// The record's version after it.
    record_version: u64,
    /// The fields that changed.
    changes: Vec<FieldChange>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let id = call.request.param("record_id")?;
    store::read(&call.member, id)?;
    let limit = crate::gateway::limit(&call.request).map_err(|detail| Error::invalid("?limit", detail))?;
    let name = format!("timeline {id}");
    let pager = Pager::new(&call, &name);
    let (events, next) = list::timeline(&call.ctx, &call.member, id, limit, pager.after()?).await?;
    let data = events
        .into_iter()
        .map(EventResponse::new)
        .collect::<Result<_>>()?;
    let next_cursor = next.map(|after| pager.cursor(&after));
    let link = next_cursor.as_deref().map(|cursor| pager.link(cursor));
    Ok(Answer::json(200, &TimelineResponse { data, next_cursor })?.next(link))
}

impl EventResponse {
    fn new(item: Item<EventPayload>) -> Result<Self> {
        let id = item
            .key
            .sort()
            .rsplit_once('#')
            .and_then(|(_, id)| id.parse().ok());
        Ok(Self {
            id: id.ok_or_else(|| Error::internal("an event without an id"))?,
            action: item.facts.action,
            at: item.facts.at,
            actor: item.facts.actor,
            record_version: item.facts.record_version,
            changes: item.payload.changes,
        })
    }
}
