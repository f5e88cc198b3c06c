//! `POST /v1/records`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use shared::error::Result;
use shared::records::fields::Fields;
use shared::records::model::{Kind, RecordId};
use shared::records::store::{self, Creation, New, Replay};

use super::RecordResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A record to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// Its kind.
    kind: Kind,
    /// Its fields, as its kind has them.
    #[schemars(with = "Fields")]
    fields: Value,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: CreateRequest = call.request.json()?;
    let fields = Fields::parse(request.kind, request.fields, "/fields")?;
    let now = call.ctx.now();
    let new = New {
        id: RecordId::new(request.kind, now, call.ctx.id_bytes()),
        fields,
    };
    let record = store::first_version(&call.member.permit, &new, now)?;
    let answer = Answer::json(201, &RecordResponse::new(new.id, record.clone()))?
        .etag(record.version)
        .location(format!("/v1/records/{}", new.id));
    let replay = call.idempotency.as_ref().map(|idempotency| Replay {
        idempotency,
        answer: answer.stored(),
    });
    match store::create(&call.ctx, &call.member, &new, &record, replay).await? {
        Creation::Created => Ok(answer),
        Creation::Answered(stored) => Ok(Answer::replayed(stored)),
    }
}
