//! The own organisation.

pub(crate) mod cancel;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod get_security;
pub(crate) mod put_security;
pub(crate) mod resume;
pub(crate) mod transfer;
pub(crate) mod update;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::auth::Member;
use shared::ctx::Ctx;
use shared::ids::OrgId;
use shared::organisations::model::{OrganisationProfile, Subscription};
use shared::organisations::store::Retained;
pub(crate) use shared::organisations::store::read;
use shared::store::Item;
use shared::text::Line;

/// What members and staff alike may know of an organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SubscriberResponse {
    /// The organisation.
    id: OrgId,
    /// Its name.
    name: Line<200>,
    /// Where the subscription stands.
    subscription: Subscription,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    cancelled_at: Option<Timestamp>,
    /// When the organisation was registered.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
}

impl SubscriberResponse {
    pub(crate) fn new(id: OrgId, item: Item<OrganisationProfile>) -> Self {
        Self {
            id,
            name: item.payload.name,
            subscription: item.facts.subscription,
            cancelled_at: item.facts.cancelled_at,
            created_at: item.facts.created_at,
        }
    }
}

/// An organisation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OrganisationResponse {
    #[serde(flatten)]
    subscriber: SubscriberResponse,
    /// When which class of data is erased, while the subscription is cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    retention: Vec<RetentionResponse>,
    /// When it last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    updated_at: Timestamp,
}

/// When a class of data is erased.
#[derive(Serialize, JsonSchema)]
struct RetentionResponse {
    /// The class.
    class: String,
    /// When it is erased.
    #[schemars(with = "String", extend("format" = "date-time"))]
    erase_at: Timestamp,
    /// Before this instant it is not erased by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    not_before: Option<Timestamp>,
    /// After this instant nothing of it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    not_after: Option<Timestamp>,
}

impl OrganisationResponse {
    fn new(member: &Member, item: Item<OrganisationProfile>, retained: &[Retained]) -> Self {
        Self {
            updated_at: item.facts.updated_at,
            retention: retained.iter().map(RetentionResponse::new).collect(),
            subscriber: SubscriberResponse::new(member.permit.org(), item),
        }
    }
}

impl RetentionResponse {
    fn new(retained: &Retained) -> Self {
        Self {
            class: retained.class.to_string(),
            erase_at: retained.due.erase_at,
            not_before: retained.due.not_before,
            not_after: retained.due.not_after,
        }
    }
}

fn respond(ctx: &Ctx, member: &Member, item: Item<OrganisationProfile>) -> OrganisationResponse {
    let retained = shared::organisations::store::retained(ctx, member, item.facts.cancelled_at);
    OrganisationResponse::new(member, item, &retained)
}
