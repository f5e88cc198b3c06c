//! `PATCH /v1/records/{record_id}`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use shared::error::Result;
use shared::records::fields::Fields;
use shared::records::model::RecordId;
use shared::records::store;

use super::RecordResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A merge patch of a record: a member with a value replaces, `null` removes, what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateRequest {
    /// The fields to change.
    fields: serde_json::Map<String, Value>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let id: RecordId = call.request.param("record_id")?;
    let patch: UpdateRequest = call.request.json()?;
    let before = store::read(&call.member, id)?;
    call.request.must_match(before.version)?;
    let mut merged = before.payload.0.clone();
    shared::json::merge(&mut merged, &Value::Object(patch.fields));
    let fields = Fields::parse(id.kind(), merged, "/fields")?;
    let after = store::update(&call.ctx, &call.member, id, &before, &fields).await?;
    let version = after.version;
    Ok(Answer::json(200, &RecordResponse::new(id, after))?.etag(version))
}
