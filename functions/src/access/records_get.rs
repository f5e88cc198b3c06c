//! `GET /v1/staff/organisations/{organisation_id}/access/{access_id}/records/{record_id}`

use shared::error::Result;
use shared::ids::UserId;
use shared::keys::Key;
use shared::staff::store;

use crate::gateway::{Answer, Request};
use crate::records::RecordResponse;
use crate::registry::StaffCall;

pub(crate) fn needs(_: UserId, request: &Request) -> Result<Vec<Key>> {
    let (org, access) = super::ids(request)?;
    let record = request.param("record_id")?;
    Ok(store::record_keys(org, access, Some(record)))
}

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let (org, access) = super::ids(&call.request)?;
    let granted = store::granted(&call.ctx, &call.staff, org, access).await?;
    let id = call.request.param("record_id")?;
    let record = granted.read(&call.ctx, &call.staff, id).await?;
    Answer::json(200, &RecordResponse::new(id, record))
}
