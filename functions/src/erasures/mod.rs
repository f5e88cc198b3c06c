//! Erasures.

pub(crate) mod get;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use shared::ctx::Ctx;
use shared::erasure::engine::Begun;
use shared::erasure::model::JobState;
use shared::erasure::purge::{self, Patience};
use shared::error::Result;
use shared::ids::ErasureId;
use shared::task::Deadline;

use crate::gateway::Answer;

/// How long a request goes on deleting what nobody can read any more; the schedule does the rest.
const INLINE: SignedDuration = SignedDuration::from_secs(2);

/// An erasure that has begun: what it covers is unreadable already.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ErasureBegun {
    /// Names the erasure; keep it, it is all that is needed to fetch the receipt at `/v1/erasures/{id}`. Absent when
    /// nothing could be erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure_id: Option<ErasureId>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<JobState>,
    /// The classes of data that are unreadable from now on.
    erased: Vec<String>,
    /// What is kept, why, and until when.
    kept: Vec<KeptResponse>,
}

/// What is kept although its erasure was asked for.
#[derive(Serialize, JsonSchema)]
struct KeptResponse {
    /// The class of data.
    class: String,
    /// The statute or the hold that keeps it.
    reason: String,
    /// When it will be erased; absent while a hold lies on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    until: Option<Timestamp>,
}

impl ErasureBegun {
    /// Deletes what it can within the time of a request, and answers.
    pub(crate) async fn answer(ctx: &Ctx, begun: Begun) -> Result<Answer> {
        let mut state = None;
        if let Some(erasure) = begun.erasure {
            let deadline = Deadline::after(std::sync::Arc::clone(&ctx.clock), INLINE);
            // The data is unreadable whatever comes of this; a failure only leaves more to the schedule.
            state = Some(
                purge::work(ctx, erasure, &deadline, Patience::None)
                    .await
                    .unwrap_or_else(|error| {
                        tracing::warn!(%error, %erasure, "an inline purge was left to the schedule");
                        JobState::Shredded
                    }),
            );
        }
        let mut erased: Vec<_> = begun.erased.iter().map(|unit| unit.class().to_string()).collect();
        erased.sort();
        erased.dedup();
        let kept = begun.kept.into_iter().map(|kept| KeptResponse {
            class: kept.class.to_string(),
            reason: kept.reason,
            until: kept.until,
        });
        let body = Self {
            erasure_id: begun.erasure,
            state,
            erased,
            kept: kept.collect(),
        };
        let answer = Answer::json(202, &body)?;
        Ok(match begun.erasure {
            Some(erasure) => answer.location(format!("/v1/erasures/{erasure}")),
            None => answer,
        })
    }
}
