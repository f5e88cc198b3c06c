//! `GET /v1/staff/organisations/{organisation_id}`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::{OrgId, UserId};
use shared::keys::Key;
use shared::organisations::model::Subscription;
use shared::staff::store;
use shared::text::Line;

use crate::gateway::{Answer, Request};
use crate::registry::StaffCall;

pub(crate) fn needs(_: UserId, request: &Request) -> Result<Vec<Key>> {
    Ok(store::organisation_keys(request.param("organisation_id")?))
}

/// An organisation as staff see it: nothing of its records, and nobody's name.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StaffOrganisationResponse {
    /// The organisation.
    id: OrgId,
    /// Its name.
    name: Line<200>,
    /// Where the subscription stands.
    subscription: Subscription,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    cancelled_at: Option<Timestamp>,
    /// How many owners it has.
    owners: u64,
    /// When the organisation was registered.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
}

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let id = call.request.param("organisation_id")?;
    let item = store::organisation(&call.ctx, &call.staff, id).await?;
    let response = StaffOrganisationResponse {
        id,
        name: item.payload.name,
        subscription: item.facts.subscription,
        cancelled_at: item.facts.cancelled_at,
        owners: item.facts.owners,
        created_at: item.facts.created_at,
    };
    Answer::json(200, &response)
}
