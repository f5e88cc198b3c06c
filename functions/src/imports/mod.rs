//! Imports.

pub(crate) mod create;
pub(crate) mod get;

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::auth::Member;
use shared::error::{Result, Violation};
use shared::ids::{ActorId, ImportId};
use shared::keys::{Key, Tenant};
use shared::policy::Class;
use shared::records::import::{self, Import};
use shared::records::model::{Kind, RecordId};

use crate::gateway::Request;

pub(crate) fn needs(tenant: Tenant, _: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(vec![import::key(tenant, request.param("import_id")?)])
}

/// An import and what became of each line.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ImportResponse {
    /// The import.
    id: ImportId,
    /// What it creates.
    kind: Kind,
    /// Whether every line was worked on.
    done: bool,
    /// How many lines the file has.
    total: usize,
    /// How many became records.
    created: usize,
    /// How many did not.
    failed: usize,
    /// When it began.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// The answer for each line.
    lines: Vec<LineResponse>,
}

/// What became of a line.
#[derive(Serialize, JsonSchema)]
struct LineResponse {
    /// The number of the line in the file; the header is line 1.
    line: u32,
    /// The record that it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<RecordId>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    violations: Vec<Violation>,
}

impl ImportResponse {
    fn new(member: &Member, id: ImportId, import: Import) -> Result<Self> {
        let data_key = member.key(Class::Content)?;
        let failed = import.payload.failures.len();
        let mut failures: HashMap<_, _> = import
            .payload
            .failures
            .into_iter()
            .map(|failure| (failure.line, failure.violations))
            .collect();
        let lines: Vec<_> = import
            .payload
            .lines
            .iter()
            .map(|&line| match failures.remove(&line) {
                Some(violations) => LineResponse {
                    line,
                    id: None,
                    violations,
                },
                None => {
                    let record = import
                        .facts
                        .done
                        .then(|| import::record_id(id, &import.facts, line, data_key));
                    LineResponse {
                        line,
                        id: record,
                        violations: Vec::new(),
                    }
                }
            })
            .collect();
        Ok(Self {
            id,
            kind: import.facts.kind,
            done: import.facts.done,
            total: lines.len(),
            created: if import.facts.done {
                lines.len() - failed
            } else {
                0
            },
            failed,
            created_at: import.facts.created_at,
            lines,
        })
    }
}
