//! Records.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod timeline;
pub(crate) mod update;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::records::fields::Fields;
use shared::records::model::{Kind, RecordId};
use shared::records::store::{self, Record};

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![store::key(tenant, request.param("record_id")?)])
}

/// A record.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecordResponse {
    /// The record.
    id: RecordId,
    /// Its kind.
    kind: Kind,
    /// Its fields.
    #[schemars(with = "Fields")]
    fields: serde_json::Value,
    /// Grows by one with every change; the `ETag` is this number.
    version: u64,
    /// When it was created.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    updated_at: Timestamp,
}

impl RecordResponse {
    pub(crate) fn new(id: RecordId, record: Record) -> Self {
        Self {
            id,
            kind: record.facts.kind,
            fields: record.payload.0,
            version: record.version,
            created_at: record.facts.created_at,
            updated_at: record.facts.updated_at,
        }
    }
}
