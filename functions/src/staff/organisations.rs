//! `GET /v1/staff/organisations/{organisation_id}`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::UserId;
use shared::keys::Key;
use shared::staff::store;

use crate::gateway::{Answer, Request};
use crate::organisation::SubscriberResponse;
use crate::registry::StaffCall;

pub(crate) fn needs(_: UserId, request: &Request) -> Result<Vec<Key>> {
    Ok(store::organisation_keys(request.param("organisation_id")?))
}

/// An organisation as staff see it: nothing of its records, and nobody's name.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StaffOrganisationResponse {
    #[serde(flatten)]
    subscriber: SubscriberResponse,
    /// How many owners it has.
    owners: u64,
}

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let id = call.request.param("organisation_id")?;
    let item = store::organisation(&call.ctx, &call.staff, id).await?;
    let response = StaffOrganisationResponse {
        owners: item.facts.owners,
        subscriber: SubscriberResponse::new(id, item),
    };
    Answer::json(200, &response)
}
