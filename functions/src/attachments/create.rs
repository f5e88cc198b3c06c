//! `POST /v1/records/{record_id}/attachments`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::attachments::model::{AttachmentFacts, AttachmentPayload, State};
use shared::attachments::rules::{self, MAX_SIZE};
use shared::attachments::store::{self, Attachment};
use shared::error::{Result, Violations};
use shared::ids::AttachmentId;
use shared::records;
use shared::records::model::RecordId;
use shared::records::store::{Creation, Replay};
use shared::text::Line;

use super::AttachmentResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What to attach: `url` for a link; `content_type`, `size` and `sha256` for a file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// The file's name, or the link's.
    name: String,
    /// Where the file is, in the customer's own storage.
    #[serde(default)]
    #[schemars(extend("pattern" = "^https://"))]
    url: Option<String>,
    /// The file's media type.
    #[serde(default)]
    content_type: Option<Line<100>>,
    /// The file's length in bytes, at most 25 MiB.
    #[serde(default)]
    #[schemars(extend("minimum" = 1, "maximum" = MAX_SIZE))]
    size: Option<u64>,
    /// SHA-256 of the file's bytes, in hex.
    #[serde(default)]
    #[schemars(extend("pattern" = "^[0-9a-fA-F]{64}$"))]
    sha256: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let record: RecordId = call.request.param("record_id")?;
    let payload = check(call.request.json()?)?;
    records::store::read(&call.member, record)?;
    let now = call.ctx.now();
    let id = AttachmentId::new(now, call.ctx.id_bytes());
    let state = match payload {
        AttachmentPayload::File { .. } => State::Pending,
        AttachmentPayload::Link { .. } => State::Complete,
    };
    let facts = AttachmentFacts {
        state,
        actor: call.member.permit.actor(),
        created_at: now,
        completed_at: None,
    };
    let item = Attachment::sealed(
        store::key(call.member.permit.tenant(), record, id),
        facts,
        payload,
    );
    // A repetition gets the same answer, the signed request included; it is good for some minutes only.
    let upload = store::sign_upload(&call.ctx, &call.member, id, &item.payload).await?;
    let answer = Answer::json(
        201,
        &AttachmentResponse {
            upload,
            ..AttachmentResponse::new(id, item.clone())
        },
    )?
    .location(format!("/v1/records/{record}/attachments/{id}"));
    let replay = call.idempotency.as_ref().map(|idempotency| Replay {
        idempotency,
        answer: answer.stored(),
    });
    match store::create(&call.ctx, &call.member, record, &item, replay).await? {
        Creation::Created => Ok(answer),
        Creation::Answered(stored) => Ok(Answer::replayed(stored)),
    }
}

fn check(request: CreateRequest) -> Result<AttachmentPayload> {
    let mut violations = Violations::default();
    let name = violations.check("/name", rules::clean_name(&request.name));
    if let Some(url) = &request.url {
        let url = violations.check("/url", rules::check_link(url));
        let file = [
            request.content_type.is_some(),
            request.size.is_some(),
            request.sha256.is_some(),
        ];
        if file.contains(&true) {
            violations.push("/url", "A link has no content_type, size or sha256.");
        }
        return match (name, url) {
            (Some(name), Some(url)) if violations.is_empty() => Ok(AttachmentPayload::Link { name, url }),
            _ => Err(violations.into_error()),
        };
    }
    let required = |violations: &mut Violations, pointer: &str| {
        violations.push(
            pointer,
            "A file needs content_type, size and sha256; a link needs url.",
        );
    };
    if request.content_type.is_none() {
        required(&mut violations, "/content_type");
    }
    match request.size {
        None => required(&mut violations, "/size"),
        Some(size) if !(1..=MAX_SIZE).contains(&size) => {
            violations.push("/size", format!("It must be from 1 to {MAX_SIZE} bytes."));
        }
        Some(_) => {}
    }
    match &request.sha256 {
        None => required(&mut violations, "/sha256"),
        Some(sha256) if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            violations.push("/sha256", "It must be 64 hexadecimal digits.");
        }
        Some(_) => {}
    }
    if let (Some(content_type), Some(name)) = (&request.content_type, &name) {
        violations.check("/content_type", rules::check_type(content_type.as_str(), name));
    }
    match (name, request.content_type, request.size, request.sha256) {
        (Some(name), Some(content_type), Some(size), Some(sha256)) if violations.is_empty() => {
            let content_type = content_type.as_str().to_owned();
            Ok(AttachmentPayload::File {
                name,
                content_type,
                size,
                sha256: sha256.to_lowercase(),
            })
        }
        _ => Err(violations.into_error()),
    }
}
