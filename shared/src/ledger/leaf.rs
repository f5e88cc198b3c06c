//! The entries of the log.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::receipt::SignedReceipt;

/// The longest leaf in bytes: an entry bundle writes the length of an entry in two bytes
/// ([C2SP tlog-tiles](https://c2sp.org/tlog-tiles)).
pub const MAX_LEAF: usize = u16::MAX as usize;

/// Separates unit commitments from every other hash of the service.
const COMMITMENT_DOMAIN: &[u8] = b"trackwell unit commitment v1\0";

/// The name under which the ledger knows a unit: SHA-256, in hex, of a domain tag and the unit's id.
///
/// Whoever holds the id can compute it and find the entries about it; the ledger itself shows no identifier. That
/// holds because unit ids contain random bits and cannot be guessed; ids made of names or addresses would not do.
pub fn unit_commitment(unit_id: &str) -> String {
    let mut message = COMMITMENT_DOMAIN.to_vec();
    message.extend(unit_id.as_bytes());
    hex::encode(digest(&SHA256, &message))
}

/// The version of the entries that this program writes and reads: the number 1, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schemars(with = "u32")]
pub struct Version1;

impl TryFrom<u32> for Version1 {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        match version {
            1 => Ok(Self),
            other => Err(format!("this program reads version 1, not version {other}")),
        }
    }
}

impl From<Version1> for u32 {
    fn from(Version1: Version1) -> Self {
        1
    }
}

/// The kind of an [`Intent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    /// The data keys of the units were destroyed; what is left of them is being deleted.
    ErasureBegun,
}

/// An erasure begins. Written in the very transaction that destroys the data keys, so that a backup restored from
/// before it can be told what must not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The form of this entry.
    pub version: Version1,
    /// `erasure_begun`.
    pub kind: IntentKind,
    /// The unguessable id of the erasure job.
    pub erasure_id: String,
    /// The [commitments](unit_commitment) of the units that are erased.
    pub units: Vec<String>,
    /// When the keys were destroyed.
    pub at: Timestamp,
}

impl Intent {
    /// The entry for an erasure of the units with these commitments. They are sorted, so that the bytes of the entry
    /// do not depend on the order in which a query returned the units.
    pub fn new(erasure_id: &str, mut units: Vec<String>, at: Timestamp) -> Self {
        units.sort_unstable();
        units.dedup();
        Self {
            version: Version1,
            kind: IntentKind::ErasureBegun,
            erasure_id: erasure_id.to_owned(),
            units,
            at,
        }
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// An erasure began.
    ErasureBegun(Intent),
    /// An erasure is finished and verified. The entry holds the signature too: every receipt in the log can be
    /// checked from the log alone.
    ErasureReceipt(SignedReceipt),
}

impl Leaf {
    /// The bytes that are hashed and stored: compact JSON, the fields in the order of their declaration.
    ///
    /// # Errors
    /// When they are more than [`MAX_LEAF`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, LeafError> {
        let bytes = match self {
            Self::ErasureBegun(intent) => canonical(intent)?,
            Self::ErasureReceipt(receipt) => canonical(receipt)?,
        };
        if bytes.len() > MAX_LEAF {
            Err(LeafError::TooLong(bytes.len()))
        } else {
            Ok(bytes)
        }
    }

    /// Reads an entry of the log.
    ///
    /// # Errors
    /// When the bytes are not exactly what [`Leaf::to_bytes`] writes: one entry has one form.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        #[derive(Deserialize)]
        struct Shape {
            receipt: Option<IgnoredAny>,
        }
        let shape: Shape = read(bytes)?;
        let leaf = match shape.receipt {
            Some(_) => Self::ErasureReceipt(read(bytes)?),
            None => Self::ErasureBegun(read(bytes)?),
        };
        if leaf.to_bytes()? == bytes {
            Ok(leaf)
        } else {
            Err(LeafError::NotCanonical)
        }
    }
}

/// The one encoding of a value that is hashed or signed.
pub(super) fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, LeafError> {
    serde_json::to_vec(value).map_err(|error| LeafError::Json(error.to_string()))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LeafError> {
    serde_json::from_slice(bytes).map_err(|error| LeafError::Json(error.to_string()))
}

/// Why an entry could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeafError {
    /// It is this many bytes long, more than [`MAX_LEAF`].
    TooLong(usize),
    /// It is not the JSON of an entry.
    Json(String),
    /// It is an entry, but not in the one form in which entries are written.
    NotCanonical,
}

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => {
                write!(
                    f,
                    "a ledger entry of {length} bytes is longer than the {MAX_LEAF} that fit"
                )
            }
            Self::Json(error) => write!(f, "this is not a ledger entry: {error}"),
            Self::NotCanonical => f.write_str("a ledger entry is not in its canonical form"),
        }
    }
}

impl std::error::Error for LeafError {}
