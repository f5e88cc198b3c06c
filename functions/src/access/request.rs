//! `POST /v1/staff/organisations/{organisation_id}/access`

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::{Result, Violations};
use shared::outbox::send;
use shared::records::model::{Kind, RecordId};
use shared::staff::model::{Extent, Reason};
use shared::staff::rules::{DEFAULT_MINUTES, MAX_MINUTES};
use shared::staff::store::{self, Wanted};

use super::AccessResponse;
use crate::gateway::Answer;
use crate::registry::StaffCall;

/// What is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["kinds", "record_id"] }))]
pub(crate) struct AccessRequest {
    /// Why; the organisation's owners read it.
    reason: Reason,
    /// For how many minutes from the approval on.
    #[serde(default = "default_minutes")]
    #[schemars(range(min = 1, max = MAX_MINUTES))]
    minutes: u16,
    /// To records of which kinds; to all when absent.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Vec<Kind>", length(min = 1))]
    kinds: Option<BTreeSet<Kind>>,
    /// To this one record only; then without kinds.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "RecordId")]
    record_id: Option<RecordId>,
}

fn default_minutes() -> u16 {
    DEFAULT_MINUTES
}

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let wanted = check(call.request.json()?)?;
    let org = call.request.param("organisation_id")?;
    let (access, mails) = store::request(&call.ctx, &call.staff, org, wanted).await?;
    send::send_all(&call.ctx, &mails).await;
    let path = format!("/v1/staff/organisations/{org}/access/{}", access.id);
    let response = AccessResponse::new(access.id, access.item, call.ctx.now());
    Ok(Answer::json(201, &response)?.location(path))
}

fn check(request: AccessRequest) -> Result<Wanted> {
    let mut violations = Violations::default();
    if !(1..=MAX_MINUTES).contains(&request.minutes) {
        violations.push(
            "/minutes",
            format!("It must be a number from 1 to {MAX_MINUTES}."),
        );
    }
    if request.kinds.as_ref().is_some_and(BTreeSet::is_empty) {
        violations.push("/kinds", "Name a kind, or leave kinds out for all of them.");
    }
    if request.kinds.is_some() && request.record_id.is_some() {
        violations.push(
            "/record_id",
            "Name kinds or one record; the record's kind follows from it.",
        );
    }
    violations.into_result()?;
    Ok(Wanted {
        reason: request.reason,
        extent: Extent {
            kinds: request.kinds,
            record: request.record_id,
        },
        minutes: request.minutes,
    })
}
