//! The own account.

pub(crate) mod activity;
pub(crate) mod delete;
pub(crate) mod email;
pub(crate) mod email_cancel;
pub(crate) mod get;
pub(crate) mod join;
pub(crate) mod organisations;
pub(crate) mod password;
pub(crate) mod step_up;
pub(crate) mod step_up_begin;
pub(crate) mod step_up_sso;
pub(crate) mod switch;
pub(crate) mod update;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::accounts::model::{PersonName, UserProfile};
use shared::accounts::store::Profile;
use shared::email::Email;
use shared::error::Result;
use shared::ids::{ActorId, OrgId, UserId};
use shared::keys::{Key, Tenant};
use shared::members::accept::Joined;
use shared::members::own::Place;
use shared::organisations::model::Membership;
use shared::text::Line;

use crate::gateway::Request;
use crate::members::MembershipResponse;

pub(crate) fn needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(match actor {
        ActorId::User(user) => vec![shared::accounts::store::key(user)],
        // The action is none that an API key may do.
        ActorId::Service(_) => Vec::new(),
    })
}

/// An organisation that one is in.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PlaceResponse {
    /// The organisation.
    id: OrgId,
    /// Its name.
    name: Line<200>,
    #[serde(flatten)]
    membership: MembershipResponse,
}

impl PlaceResponse {
    fn new(id: OrgId, name: Line<200>, membership: &Membership) -> Self {
        Self {
            id,
            name,
            membership: membership.into(),
        }
    }

    fn of_place(place: Place) -> Self {
        Self::new(
            place.org,
            place.organisation.payload.name,
            &place.membership.facts,
        )
    }

    pub(crate) fn of_joined(joined: Joined) -> Self {
        Self::new(joined.org, joined.organisation.payload.name, &joined.membership)
    }
}

/// An account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MeResponse {
    /// The user.
    id: UserId,
    /// The user's name.
    name: PersonName,
    /// The user's address.
    email: Email,
    /// The organisation that the user registered.
    organisation: OrgId,
    /// When the user registered.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When the account last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    updated_at: Timestamp,
    /// The version of the policy that the user accepted.
    policy_version: String,
    /// When the user accepted it.
    #[schemars(with = "String", extend("format" = "date-time"))]
    policy_accepted_at: Timestamp,
}

impl MeResponse {
    fn new(user: UserId, item: Profile) -> Self {
        let UserProfile { name, email } = item.payload;
        Self {
            id: user,
            name,
            email,
            organisation: item.facts.org,
            created_at: item.facts.created_at,
            updated_at: item.facts.updated_at,
            policy_version: item.facts.policy_version,
            policy_accepted_at: item.facts.policy_accepted_at,
        }
    }
}
