//! The activity log of an organisation.

pub(crate) mod export;
pub(crate) mod list;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::activity::model::{ActivityFacts, ActivityKind};
use shared::activity::read::Filter;
use shared::error::Violations;
use shared::ids::{ActivityId, ActorId};

use crate::gateway::Request;

/// An entry of a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActivityEntry {
    /// The entry.
    id: ActivityId,
    /// What happened.
    kind: ActivityKind,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    at: Timestamp,
    /// Who did it; absent when nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<ActorId>,
    /// What it was done to: an id, or a fixed word.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
}

impl ActivityEntry {
    pub(crate) fn new(id: ActivityId, facts: ActivityFacts) -> Self {
        Self {
            id,
            kind: facts.kind,
            at: facts.at,
            actor: facts.actor,
            object: facts.object,
        }
    }
}

/// The filter of a request.
fn filter(request: &Request, violations: &mut Violations) -> Filter {
    let kinds = request.query("kind").unwrap_or_default();
    let kinds = kinds.split(',').filter(|_| request.query("kind").is_some());
    let (from, to) = match request.query("at").map(|at| at.split_once("..")) {
        None => (None, None),
        Some(Some((from, to))) => (instant(from, violations), instant(to, violations)),
        Some(None) => {
            violations.push("?at", "at must be from..to.");
            (None, None)
        }
    };
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        violations.push("?at", "at must end after it begins.");
    }
    Filter {
        kinds: kinds
            .filter_map(|kind| violations.check("?kind", kind.parse()))
            .collect(),
        actor: request
            .query("actor")
            .and_then(|actor| violations.check("?actor", actor.parse())),
        from,
        to,
    }
}

fn instant(text: &str, violations: &mut Violations) -> Option<Timestamp> {
    const NO_INSTANT: &str = "An instant looks like 2026-01-31T12:00:00Z.";
    if text.is_empty() {
        return None;
    }
    violations.check("?at", text.parse().map_err(|_| NO_INSTANT))
}

/// Reading a log changes nothing, so what is noted of it is a line of ours and no entry of the log.
fn note_reading(request: &Request, actor: ActorId) {
    tracing::info!(request_id = %request.id, %actor, "an activity log was read");
}
