//! Exceptional access as it is stored.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::Reach;
use crate::ids::{OrgId, UserId};
use crate::records::model::{Kind, RecordId};
use crate::text::Lines;

/// The organisation of staff's own sessions: none, no customer ever has this id.
pub const NO_ORGANISATION: OrgId = OrgId::from_bits(0);

/// Why somebody asks for access. Customers read it.
pub type Reason = Lines<500>;

/// Where exceptional access stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessState {
    /// Somebody asked for it.
    Requested,
    /// It was allowed, and runs.
    Approved,
    /// It was refused.
    Refused,
    /// It was ended before its time.
    Ended,
    /// Its time is over, or nobody decided in time. Follows from the clock and is never stored.
    Expired,
}

/// Which records exceptional access is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Records of these kinds; of all kinds when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeSet<Kind>>,
    /// This one record only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
}

impl Extent {
    /// What of it [`Reach`] can say.
    pub fn reach(&self) -> Reach {
        let of_record = self.record.map(|record| BTreeSet::from([record.kind()]));
        Reach {
            own: None,
            kinds: of_record.or_else(|| self.kinds.clone()),
        }
    }
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.record, &self.kinds) {
            (Some(record), _) => write!(f, "the record {record}"),
            (None, Some(kinds)) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
                write!(f, "records of these kinds: {}", kinds.join(", "))
            }
            (None, None) => f.write_str("all records"),
        }
    }
}

/// The clear part of exceptional access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFacts {
    /// Who of the staff asked for it, and alone may use it.
    pub requested_by: UserId,
    /// When.
    pub requested_at: Timestamp,
    /// To which records.
    pub extent: Extent,
    /// For how many minutes from the approval on.
    pub minutes: u16,
    /// Where it stands, but for what follows from the clock.
    pub state: AccessState,
    /// Who approved or refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<UserId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// Until when it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<UserId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// The sealed part of exceptional access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessGrant {
    /// Why it was asked for.
    pub reason: Reason,
}
