//! Exceptional access of the operator's staff to an organisation's records: asked for, allowed, used and ended, all of
//! it before the eyes of the organisation.

pub(crate) mod approve;
pub(crate) mod decide;
pub(crate) mod end;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod records_get;
pub(crate) mod records_list;
pub(crate) mod request;

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::{AccessId, ActorId, OrgId, UserId};
use shared::keys::{Key, Tenant};
use shared::records::model::{Kind, RecordId};
use shared::staff::model::{AccessGrant, AccessState, Reason};
use shared::staff::{rules, store};
use shared::store::Item;

use crate::gateway::Request;

/// What a request of staff about access needs.
pub(crate) fn staff_needs(_: UserId, request: &Request) -> Result<Vec<Key>> {
    let (org, access) = ids(request)?;
    Ok(store::access_keys(org, access))
}

/// What a member's request about access needs.
pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![store::key(tenant, request.param("access_id")?)])
}

fn ids(request: &Request) -> Result<(OrgId, AccessId)> {
    Ok((request.param("organisation_id")?, request.param("access_id")?))
}

/// Exceptional access.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccessResponse {
    /// The access.
    id: AccessId,
    /// Where it stands.
    state: AccessState,
    /// Who of the operator's staff asked for it, and alone can use it.
    requested_by: UserId,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    requested_at: Timestamp,
    /// Why.
    reason: Reason,
    /// To records of which kinds; to all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<BTreeSet<Kind>>,
    /// To this one record only.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<RecordId>,
    /// For how many minutes from the approval on.
    minutes: u16,
    /// Who approved or refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<UserId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    decided_at: Option<Timestamp>,
    /// Until when it can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
    /// Who ended it before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<UserId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    ended_at: Option<Timestamp>,
}

impl AccessResponse {
    fn new(id: AccessId, item: Item<AccessGrant>, now: Timestamp) -> Self {
        let state = rules::state(&item.facts, now);
        let facts = item.facts;
        Self {
            id,
            state,
            requested_by: facts.requested_by,
            requested_at: facts.requested_at,
            reason: item.payload.reason,
            kinds: facts.extent.kinds,
            record_id: facts.extent.record,
            minutes: facts.minutes,
            decided_by: facts.decided_by,
            decided_at: facts.decided_at,
            expires_at: facts.expires_at,
            ended_by: facts.ended_by,
            ended_at: facts.ended_at,
        }
    }
}
