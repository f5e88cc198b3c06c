//! Records and their events: ids, kinds, and what is stored of them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::AssetStatus;
use crate::ids::{ActorId, EventId, ParseIdError, decode_base32, encode_base32, uuid_v7};

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A piece of hardware.
    Asset,
    /// A software licence.
    Licence,
    /// A person who works for the customer.
    Employee,
    /// An internet domain.
    Domain,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Asset, Self::Licence, Self::Employee, Self::Domain];

    /// The kind's name; also the prefix of its records' ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Licence => "licence",
            Self::Employee => "employee",
            Self::Domain => "domain",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| "It must be one of asset, licence, employee, domain".to_owned())
    }
}

/// Names a record; its prefix is the record's kind, so that the id alone tells where the record lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    kind: Kind,
    bits: u128,
}

impl RecordId {
    /// An id whose order is its time of creation.
    pub fn new(kind: Kind, now: Timestamp, random: [u8; 10]) -> Self {
        Self {
            kind,
            bits: uuid_v7(now, random),
        }
    }

    /// The record's kind.
    pub const fn kind(self) -> Kind {
        self.kind
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.kind, encode_base32(self.bits))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error = ParseIdError { expected: "asset" };
        let (kind, digits) = text.split_once('_').ok_or(error.clone())?;
        let kind = kind.parse().map_err(|_| error.clone())?;
        let bits = decode_base32(digits).ok_or(error)?;
        Ok(Self { kind, bits })
    }
}

impl Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for RecordId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecordId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(asset|licence|employee|domain)_[0-7][0-9a-hjkmnp-tv-z]{25}$"
        })
    }
}

/// The clear part of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFacts {
    /// Its kind.
    pub kind: Kind,
    /// An asset's status, for filtering.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<AssetStatus>,
    /// Who created it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_by: Option<ActorId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Set while a deleted record's attachments and events are being deleted: it is not there any more, and a
    /// repeated deletion goes on where the first one stopped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_at: Option<Timestamp>,
    /// Partition of the index by time of change.
    pub g1pk: String,
    /// Position in the index by time of change.
    pub g1sk: String,
}

/// The sealed part of a record: its fields as JSON, read with [`Fields::parse`](super::fields::Fields::parse).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordPayload(pub Value);

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was created.
    Created,
    /// Fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// A file or link was attached.
    AttachmentAdded,
    /// A file or link was taken away.
    AttachmentRemoved,
}

/// The clear part of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// What happened.
    pub action: Action,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: ActorId,
    /// The version of the record after it.
    pub record_version: u64,
}

/// The sealed part of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventPayload {
    /// The fields that changed, each with its value before and after.
    pub changes: Vec<FieldChange>,
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// The value before; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Value>,
    /// The value after; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Value>,
}

/// Guards a unique value: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UniqueGuard {
    /// The record that has the value.
    pub record: RecordId,
}

/// The id of an event that belongs to the creation of a record: made from the record's, so that repeated work
/// repeats it.
pub(crate) fn creation_event(record: RecordId) -> EventId {
    EventId::from_bits(record.bits)
}
