//! Who is in the organisation.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod leave;
pub(crate) mod list;
pub(crate) mod reset_factors;
pub(crate) mod reset_password;
pub(crate) mod sessions_delete;
pub(crate) mod update;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::accounts::model::PersonName;
use shared::auth::Role;
use shared::email::Email;
use shared::error::Result;
use shared::ids::{ActorId, UserId};
use shared::keys::{Key, Tenant};
use shared::members::store::{self, OneMember};
use shared::organisations::model::Membership;

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(store::keys_of(tenant, request.param("user_id")?))
}

/// A member of the organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MemberResponse {
    /// The user.
    id: UserId,
    /// The name that the user gave themselves.
    name: PersonName,
    /// The user's address.
    email: Email,
    #[serde(flatten)]
    membership: MembershipResponse,
}

/// A membership, to whomever it is told.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MembershipResponse {
    /// What the user may do in the organisation.
    role: Role,
    /// Since when the membership is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    suspended_at: Option<Timestamp>,
    /// When the user joined.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
}

impl From<&Membership> for MembershipResponse {
    fn from(membership: &Membership) -> Self {
        Self {
            role: membership.role,
            suspended_at: membership.suspended_at,
            created_at: membership.created_at,
        }
    }
}

impl MemberResponse {
    fn new(member: OneMember) -> Self {
        let profile = member.account.item.payload;
        Self {
            id: member.account.user,
            name: profile.name,
            email: profile.email,
            membership: MembershipResponse::from(&member.membership.facts),
        }
    }
}
