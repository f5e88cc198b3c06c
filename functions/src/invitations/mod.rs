//! Invitations into the organisation.

pub(crate) mod accept;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod expire;
pub(crate) mod list;
pub(crate) mod resend;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::auth::Role;
use shared::email::Email;
use shared::error::Result;
use shared::ids::{ActorId, InvitationId};
use shared::keys::{Key, Tenant};
use shared::members::invitations::{self, Stored};

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![invitations::key(tenant, request.param("invitation_id")?)])
}

/// An invitation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct InvitationResponse {
    /// The invitation.
    id: InvitationId,
    /// The invited address.
    email: Email,
    /// What the invited person may do.
    role: Role,
    /// Who invited.
    invited_by: ActorId,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When the code was last sent.
    #[schemars(with = "String", extend("format" = "date-time"))]
    sent_at: Timestamp,
    /// Until when the code is good.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
}

impl InvitationResponse {
    fn new(item: Stored) -> Result<Self> {
        Ok(Self {
            id: invitations::id(&item)?,
            email: item.payload.email,
            role: item.facts.role,
            invited_by: item.facts.invited_by,
            created_at: item.facts.created_at,
            sent_at: item.facts.sent_at,
            expires_at: item.facts.expires_at,
        })
    }
}
