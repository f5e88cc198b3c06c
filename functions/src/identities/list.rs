//! `GET /v1/me/identities`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::{ConnectionId, IdentityId, OrgId};
use shared::sso::identities::{self, IdentityItem, Offer};
use shared::text::Line;

use crate::gateway::Answer;
use crate::registry::MemberCall;

/// Identities, and what others can be linked through.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The identities, the oldest first.
    data: Vec<IdentityResponse>,
    /// The connections of the organisations that one is in, as far as they are on.
    connections: Vec<OfferResponse>,
}

/// An identity at a provider.
#[derive(Serialize, JsonSchema)]
struct IdentityResponse {
    /// The identity.
    id: IdentityId,
    /// The organisation that it signs in to.
    organisation_id: OrgId,
    /// The connection that it was linked through. Without it, the identity signs nobody in.
    connection_id: ConnectionId,
    /// The provider.
    issuer: String,
    /// Who one is there.
    subject: String,
    /// When it was linked.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// The day on which it last signed in.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    used_at: Option<Timestamp>,
}

/// A connection through which an identity can be linked.
#[derive(Serialize, JsonSchema)]
struct OfferResponse {
    /// The connection.
    id: ConnectionId,
    /// Its organisation.
    organisation_id: OrgId,
    /// The organisation's name.
    organisation: Line<200>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let person = call.member.person()?;
    let linked = identities::list(&call.ctx, person).await?;
    let offers = identities::offers(&call.ctx, person.user).await?;
    let data = linked.into_iter().map(IdentityResponse::new);
    let response = ListResponse {
        data: data.collect::<Result<_>>()?,
        connections: offers.into_iter().map(OfferResponse::new).collect(),
    };
    Answer::json(200, &response)
}

impl IdentityResponse {
    fn new(item: IdentityItem) -> Result<Self> {
        Ok(Self {
            id: identities::id(&item)?,
            organisation_id: item.facts.org,
            connection_id: item.facts.connection,
            issuer: item.payload.issuer,
            subject: item.payload.subject,
            created_at: item.facts.created_at,
            used_at: item.facts.used_at,
        })
    }
}

impl OfferResponse {
    fn new(offer: Offer) -> Self {
        Self {
            id: offer.connection,
            organisation_id: offer.org,
            organisation: offer.organisation,
        }
    }
}
