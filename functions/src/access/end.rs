//! `POST /v1/staff/organisations/{organisation_id}/access/{access_id}/end`

use shared::error::Result;
use shared::outbox::send;
use shared::staff::store;

use super::AccessResponse;
use crate::gateway::Answer;
use crate::registry::StaffCall;

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let (org, id) = super::ids(&call.request)?;
    let access = store::of_staff(&call.ctx, &call.staff, org, id).await?;
    let (access, mails) = access.end(&call.ctx, &call.staff).await?;
    send::send_all(&call.ctx, &mails).await;
    Answer::json(200, &AccessResponse::new(id, access.item, call.ctx.now()))
}
