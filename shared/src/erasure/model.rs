//! Units, holds, jobs and ledger rows as they are stored: ids, states, instants and hashes, no personal data.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ErasureId, HoldId};
use crate::keys::{self, Key};
use crate::unit::UnitId;

/// Where a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// In use, or kept by a floor.
    Live,
    /// Its key is destroyed; what is left is being deleted.
    Shredded,
    /// Nothing is left; the receipt says so.
    Sealed,
}

/// A unit of erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The unit.
    pub unit: UnitId,
    /// Where it stands.
    pub state: UnitState,
    /// How many holds lie on it.
    pub holds: u64,
    /// Whether only storing is allowed (UK GDPR art. 18, or kept by a statutory floor alone).
    pub restricted: bool,
    /// The instant from which its period runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_at: Option<Timestamp>,
    /// The instant at which it is to be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_at: Option<Timestamp>,
    /// The keyed hash under which the account's e-mail guard lies; only a user's unit has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_digest: Option<String>,
    /// What else leads to the unit from outside of it; only a user's, or an organisation's account, has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// The job that erased it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureId>,
    /// Set when erasure was asked for while a hold lay on it: it is erased as soon as the last hold goes.
    #[serde(default)]
    pub asked: bool,
}

/// An item that leads to a unit and lies outside of its partitions: it goes with the data key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// That of a passkey, by the keyed hash under which it lies.
    Passkey(String),
    /// That of an identity at a provider, by the keyed hash under which it lies.
    Identity(String),
    /// That of a domain, by the keyed hash under which it lies.
    Domain(String),
}

impl Guard {
    /// The key of the item.
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Passkey(digest) => keys::passkey_guard(digest),
            Self::Identity(digest) => keys::identity_guard(digest),
            Self::Domain(digest) => keys::domain_guard(digest),
        }
    }
}

/// Whether a wrapped key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// In use.
    Live,
    /// Kept for a statutory duty or a hold: normal routes cannot read with it.
    Restricted,
}

/// A unit's data key, wrapped by the root key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// Whether it may be used.
    pub state: KeyState,
    /// The wrapped key, in base64.
    pub wrapped: String,
}

/// Points from an hour to a unit that is due in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRow {
    /// The unit.
    pub unit: UnitId,
}

/// A legal hold: the unit must be kept while it lies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The hold.
    pub hold: HoldId,
    /// Why, in the operator's words; without personal data.
    pub reason: String,
    /// When it is to be looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_at: Option<Timestamp>,
    /// Since when it lies.
    pub placed_at: Timestamp,
}

/// Where an erasure job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The keys are destroyed: nothing is readable any more.
    Shredded,
    /// What is left is being deleted.
    Purging,
    /// It is made sure that nothing came after.
    Verifying,
    /// Done; there is a receipt.
    Sealed,
}

impl JobState {
    /// The state's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shredded => "shredded",
            Self::Purging => "purging",
            Self::Verifying => "verifying",
            Self::Sealed => "sealed",
        }
    }
}

/// What was counted while a unit was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// The unit.
    pub unit: UnitId,
    /// Items deleted from tables.
    pub items: u64,
    /// Object versions and delete markers deleted.
    pub object_versions: u64,
}

/// An erasure job: destroys one unit, or the units of one decision together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The job.
    pub erasure: ErasureId,
    /// Where it stands.
    pub state: JobState,
    /// Why: `retention_due`, `account_deletion`, `organisation_deletion`.
    pub trigger: crate::ledger::Trigger,
    /// The version of the policy it followed.
    pub policy_version: String,
    /// The units and what was deleted of each.
    pub units: Vec<Purged>,
    /// The place to go on from: an index into the list of places of the job.
    pub cursor: u32,
    /// Up to which sort key or object the items of that place are counted already, so that a worker that died
    /// between counting and deleting does not make the next one count twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_to: Option<String>,
    /// Grows with every worker that takes the job; a worker of an older epoch is fenced off.
    pub epoch: u64,
    /// Until when the worker has it; Unix milliseconds.
    pub lease_until: i64,
    /// When the keys were destroyed.
    pub fenced_at: Timestamp,
    /// When the last item was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_at: Option<Timestamp>,
    /// The receipt, as it was signed; JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The proof that the ledger holds the receipt; JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// A job that is not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenJob {
    /// The job.
    pub erasure: ErasureId,
    /// When the keys were destroyed.
    pub fenced_at: Timestamp,
}

/// A ledger entry that waits for its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLeaf {
    /// The leaf's bytes: JSON.
    pub leaf: String,
    /// The job it is about.
    pub erasure: ErasureId,
    /// Whether it is the job's receipt, whose proof goes into the job.
    pub receipt: bool,
}

/// A ledger entry with its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLeaf {
    /// Its index, from 0.
    pub index: u64,
    /// The leaf's bytes: JSON.
    pub leaf: String,
    /// The job it is about.
    pub erasure: ErasureId,
    /// Whether it is the job's receipt.
    pub receipt: bool,
}

/// The end of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// How many leaves have an index.
    pub size: u64,
    /// What is published, with what is needed to go on; JSON of `ledger::Published`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// How many leaves the published checkpoint covers.
    pub published_size: u64,
    /// The published checkpoint, a signed note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Grows with every sequencer that takes the ledger.
    pub epoch: u64,
    /// Until when the sequencer has it; Unix milliseconds.
    pub lease_until: i64,
}
