//! `GET /v1/staff/organisations/{organisation_id}/access/{access_id}`

use shared::error::Result;
use shared::staff::store;

use super::AccessResponse;
use crate::gateway::Answer;
use crate::registry::StaffCall;

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let (org, id) = super::ids(&call.request)?;
    let access = store::of_staff(&call.ctx, &call.staff, org, id).await?;
    Answer::json(200, &AccessResponse::new(id, access.item, call.ctx.now()))
}
