//! Invitations as they are stored. Memberships are in [`crate::organisations::model`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::Role;
use crate::email::Email;
use crate::ids::{ActorId, InvitationId, OrgId};

/// The clear part of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationFacts {
    /// What the invited person may do.
    pub role: Role,
    /// SHA-256 of the code's secret, in hex.
    pub digest: String,
    /// The keyed hash of the address: the key of its guard.
    pub address_digest: String,
    /// Who invited.
    pub invited_by: ActorId,
    /// When.
    pub created_at: Timestamp,
    /// When the code was last sent.
    pub sent_at: Timestamp,
    /// How often it was sent.
    pub sent: u32,
    /// Until when the code is good.
    pub expires_at: Timestamp,
}

/// The sealed part of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The address that is invited.
    pub email: Email,
}

/// Guards that an address is invited once: by which invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationGuard {
    /// The invitation.
    pub invitation: InvitationId,
}

/// Points from an hour to an invitation that is deleted in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationDue {
    /// The organisation.
    pub org: OrgId,
    /// The invitation.
    pub invitation: InvitationId,
}
