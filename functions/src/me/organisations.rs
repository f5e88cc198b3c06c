//! `GET /v1/me/organisations`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::members::own;

use super::PlaceResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The own organisations; there are at most 50.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PlacesResponse {
    /// The organisations, the oldest first.
    data: Vec<PlaceResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let places = own::places(&call.ctx, call.member.person()?.user).await?;
    let data = places.into_iter().map(PlaceResponse::of_place).collect();
    Answer::json(200, &PlacesResponse { data })
}
