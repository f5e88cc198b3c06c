//! `GET /v1/records`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::{Error, Result, Violations};
use shared::page;
use shared::records::fields::AssetStatus;
use shared::records::list::{self, ListQuery, Sort};
use shared::records::model::Kind;
use shared::records::store::Record;
use shared::store::After;

use super::RecordResponse;
use crate::gateway::{Answer, Pager, Request};
use crate::registry::MemberCall;

/// A page of records.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The records.
    data: Vec<RecordResponse>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let mut query = parse(&call.request)?;
    let name = format!(
        "records {} {:?} {:?} {}",
        query.kind, query.statuses, query.sort, query.backwards
    );
    let pager = Pager::new(&call, &name);
    query.after = pager.after()?;
    let (records, next) = list::list(&call.ctx, &call.member, &query).await?;
    ListResponse::answer(records, next, &pager)
}

impl ListResponse {
    pub(crate) fn answer(records: Vec<Record>, next: Option<After>, pager: &Pager<'_>) -> Result<Answer> {
        let data = records
            .into_iter()
            .map(RecordResponse::of_item)
            .collect::<Result<_>>()?;
        let next_cursor = next.map(|after| pager.cursor(&after));
        let link = next_cursor.as_deref().map(|cursor| pager.link(cursor));
        Ok(Answer::json(200, &Self { data, next_cursor })?.next(link))
    }
}

fn parse(request: &Request) -> Result<ListQuery> {
    let mut violations = Violations::default();
    let kind = match request.query("kind") {
        None => {
            violations.push("?kind", "kind is required: asset, licence, employee or domain.");
            None
        }
        Some(kind) => violations.check("?kind", kind.parse::<Kind>()),
    };
    let statuses = statuses(request, kind, &mut violations);
    let order = match request.query("sort").unwrap_or("created_at") {
        "created_at" => Some((Sort::Created, false)),
        "-created_at" => Some((Sort::Created, true)),
        "updated_at" => Some((Sort::Updated, false)),
        "-updated_at" => Some((Sort::Updated, true)),
        _ => {
            violations.push(
                "?sort",
                "sort must be created_at, -created_at, updated_at or -updated_at.",
            );
            None
        }
    };
    let limit = violations.check("?limit", crate::gateway::limit(request));
    match (kind, order, limit) {
        (Some(kind), Some((sort, backwards)), Some(limit)) if violations.is_empty() => Ok(ListQuery {
            kind,
            statuses,
            sort,
            backwards,
            limit,
            after: None,
        }),
        _ => Err(violations.into_error()),
    }
}

fn statuses(request: &Request, kind: Option<Kind>, violations: &mut Violations) -> Vec<AssetStatus> {
    let Some(text) = request.query("status") else {
        return Vec::new();
    };
    if kind.is_some_and(|kind| kind != Kind::Asset) {
        violations.push("?status", "Only assets have a status.");
        return Vec::new();
    }
    text.split(',')
        .filter_map(|word| violations.check("?status", word.parse::<AssetStatus>()))
        .collect()
}

/// The default and the largest limit are named in the documentation of `limit`.
const _: () = assert!(page::DEFAULT_LIMIT == 50 && page::MAX_LIMIT == 200);

impl RecordResponse {
    fn of_item(record: Record) -> Result<Self> {
        let id = record
            .key
            .sort()
            .parse()
            .map_err(|_| Error::internal("a record without an id"))?;
        Ok(Self::new(id, record))
    }
}
