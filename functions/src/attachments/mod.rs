//! Attachments.

pub(crate) mod complete;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::attachments::model::{AttachmentPayload, State};
use shared::attachments::store::{self, Attachment};
use shared::error::Result;
use shared::files::SignedRequest;
use shared::ids::{ActorId, AttachmentId};
use shared::keys::{Key, Tenant};
use shared::records;

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    let record = request.param("record_id")?;
    let attachment = request.param("attachment_id")?;
    Ok(vec![
        records::store::key(tenant, record),
        store::key(tenant, record, attachment),
    ])
}

/// An attachment.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AttachmentResponse {
    /// The attachment.
    id: AttachmentId,
    /// Where it stands.
    state: State,
    /// What it is.
    #[serde(flatten)]
    what: AttachmentPayload,
    /// Who attached it.
    actor: ActorId,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// The request that uploads the file: send it to S3 as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<SignedRequest>,
    /// The request that downloads the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<SignedRequest>,
}

impl AttachmentResponse {
    fn new(id: AttachmentId, item: Attachment) -> Self {
        Self {
            id,
            state: item.facts.state,
            what: item.payload,
            actor: item.facts.actor,
            created_at: item.facts.created_at,
            upload: None,
            download: None,
        }
    }
}
