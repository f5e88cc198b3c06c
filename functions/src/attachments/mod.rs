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
    what: What,
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

/// What is attached.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum What {
    /// A file that we keep.
    File {
        /// The name to save it under.
        name: String,
        /// Its media type.
        content_type: String,
        /// Its length in bytes.
        size: u64,
        /// SHA-256 of its bytes, in hex.
        sha256: String,
    },
    /// A file in the customer's own storage.
    Link {
        /// The name to show.
        name: String,
        /// Where it is.
        url: String,
    },
}

impl AttachmentResponse {
    fn new(id: AttachmentId, item: Attachment) -> Self {
        let what = match item.payload {
            AttachmentPayload::File {
                name,
                content_type,
                size,
                sha256,
            } => What::File {
                name,
                content_type,
                size,
                sha256,
            },
            AttachmentPayload::Link { name, url } => What::Link { name, url },
        };
        Self {
            id,
            state: item.facts.state,
            what,
            actor: item.facts.actor,
            created_at: item.facts.created_at,
            upload: None,
            download: None,
        }
    }
}
