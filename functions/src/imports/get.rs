//! `GET /v1/imports/{import_id}`

use shared::error::Result;
use shared::records::import;

use super::ImportResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let id = call.request.param("import_id")?;
    let import = import::read(&call.member, id)?;
    Answer::json(200, &ImportResponse::new(&call.member, id, import)?)
}
