//! Billing details.

pub(crate) mod get;
pub(crate) mod put;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::auth::Member;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::organisations::model::BillingDetails;
use shared::organisations::store;
use shared::policy::Class;
use shared::store::Item;

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(vec![store::billing_key(tenant)])
}

/// Billing details.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BillingResponse {
    /// The details.
    #[serde(flatten)]
    details: BillingDetails,
    /// When they last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    updated_at: Timestamp,
}

fn read(member: &Member) -> Result<Option<Item<BillingDetails>>> {
    member
        .optional(&store::billing_key(member.permit.tenant()))
        .map(|raw| raw.open::<BillingDetails>(member.key(Class::Billing)?))
        .transpose()
}
