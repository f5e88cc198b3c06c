//! `GET /v1/staff/organisations/{organisation_id}/access/{access_id}/records`

use shared::error::{Result, Violations};
use shared::ids::UserId;
use shared::keys::Key;
use shared::records::list::{ListQuery, Sort};
use shared::records::model::Kind;
use shared::staff::store::{self, MAX_PAGE};

use crate::gateway::{Answer, Pager, Request};
use crate::records::list::ListResponse;
use crate::registry::StaffCall;

pub(crate) fn needs(_: UserId, request: &Request) -> Result<Vec<Key>> {
    let (org, access) = super::ids(request)?;
    Ok(store::record_keys(org, access, None))
}

pub(crate) async fn handle(call: StaffCall) -> Result<Answer> {
    let (org, access) = super::ids(&call.request)?;
    let granted = store::granted(&call.ctx, &call.staff, org, access).await?;
    let mut query = parse(&call.request)?;
    let name = format!("access {access} {}", query.kind);
    let pager = Pager::of(&call.staff.root, granted.tenant(), &name, &call.request);
    query.after = pager.after()?;
    let (records, next) = granted.list(&call.ctx, &query).await?;
    ListResponse::answer(records, next, &pager)
}

fn parse(request: &Request) -> Result<ListQuery> {
    let mut violations = Violations::default();
    let kind = request.query("kind").unwrap_or_default();
    let kind = violations.check("?kind", kind.parse::<Kind>());
    let limit = match request.query("limit").map(str::parse::<u32>) {
        None => Some(MAX_PAGE),
        Some(Ok(limit)) if (1..=MAX_PAGE).contains(&limit) => Some(limit),
        Some(_) => {
            violations.push("?limit", format!("limit must be a number from 1 to {MAX_PAGE}."));
            None
        }
    };
    match (kind, limit) {
        (Some(kind), Some(limit)) => Ok(ListQuery {
            kind,
            statuses: Vec::new(),
            sort: Sort::Created,
            backwards: false,
            limit,
            after: None,
        }),
        _ => Err(violations.into_error()),
    }
}
