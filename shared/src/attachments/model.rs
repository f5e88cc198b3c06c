//! Attachments as they are stored.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ActorId;

/// Where an attachment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The upload was announced and not yet completed; it cannot be read.
    Pending,
    /// It can be read.
    Complete,
}

/// The clear part of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentFacts {
    /// Where it stands.
    pub state: State,
    /// Who attached it.
    pub actor: ActorId,
    /// When.
    pub created_at: Timestamp,
    /// When the upload was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// What is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttachmentPayload {
    /// A file that we keep.
    // Bytes in our bucket, encrypted by S3 under a key derived from the unit's data key (SSE-C).
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
    // TDO-2.
    Link {
        /// The name to show.
        name: String,
        /// Where it is.
        url: String,
    },
}
