//! Tasks: run by hand, by the clock, and in turn after the clock was moved.

use std::panic::AssertUnwindSafe;
use std::sync::PoisonError;
use std::time::Duration;

use functions::registry::{self, Task};
use futures::FutureExt as _;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};
use shared::error::{Error, Result};
use shared::task::Deadline;

use crate::clock::{self, ClockError};
use crate::machine::Machine;
use crate::schedule::{ERASURE, Ran};

/// A task stops this long before Lambda would stop it.
const SPARE: u64 = 5;

/// How often the erasure tasks are run in turn after the clock moved. Each turn does at least one page of work.
const MAX_TURNS: usize = 200;

/// The last runs that the control page shows.
const KEPT_RUNS: usize = 20;

impl Machine {
    /// Runs a task by hand.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such task, or whatever the task fails with.
    pub async fn run_task(&self, name: &str, input: Value, budget: SignedDuration) -> Result<Value> {
        let task = registry::task(name).ok_or(Error::NotFound)?;
        let ctx = self.container(name)?;
        (task.handler)(ctx, input, Deadline::after(self.clock(), budget)).await
    }

    /// How long a task has when Lambda runs it.
    pub fn budget(&self, name: &str) -> SignedDuration {
        let timeout = self
            .deployment
            .function(name)
            .map_or(0, |function| function.definition.timeout_seconds);
        SignedDuration::from_secs(i64::try_from(timeout.saturating_sub(SPARE).max(1)).unwrap_or(i64::MAX))
    }

    /// Runs a task as EventBridge does: with an empty input, within its limits, and whatever happens is a report.
    async fn fire(&self, task: &'static Task) -> Ran {
        let at = self.now();
        let budget = self.budget(task.name);
        let limit = Duration::try_from(budget).unwrap_or_default() + Duration::from_secs(SPARE);
        let work = AssertUnwindSafe(self.run_task(task.name, json!({}), budget)).catch_unwind();
        let (report, error) = match tokio::time::timeout(limit, work).await {
            Ok(Ok(Ok(report))) => (Some(report), None),
            Ok(Ok(Err(error))) => (None, Some(error.to_string())),
            Ok(Err(_)) => (None, Some("the task panicked".to_owned())),
            Err(_) => (None, Some("the task ran into its time limit".to_owned())),
        };
        if let Some(error) = &error {
            tracing::error!(task = task.name, error, "a scheduled task failed");
        }
        let sealed = report
            .as_ref()
            .is_some_and(|report| report["sealed"].as_u64().unwrap_or_default() > 0);
        if sealed && let Err(error) = self.tables.compact().await {
            tracing::warn!(error, "deleted rows may still be in the file of the tables");
        }
        let ran = Ran {
            task: task.name,
            at,
            report,
            error,
        };
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() == KEPT_RUNS {
            runs.pop_front();
        }
        runs.push_back(ran.clone());
        ran
    }

    /// Runs the tasks whose time has come, each once; none when schedules are off.
    pub async fn fire_due(&self) -> Vec<Ran> {
        let Some(schedule) = &self.schedule else {
            return Vec::new();
        };
        let mut schedule = schedule.lock().await;
        self.fire_all(schedule.take_due(self.now())).await
    }

    async fn fire_all(&self, tasks: Vec<&'static Task>) -> Vec<Ran> {
        let mut ran = Vec::new();
        for task in tasks {
            ran.push(self.fire(task).await);
        }
        ran
    }

    /// The instant that is a span from now, on the calendar of the operator's time zone.
    ///
    /// # Errors
    /// [`ClockError::OutOfRange`].
    pub fn instant_after(&self, span: Span) -> Result<Timestamp, ClockError> {
        clock::after(self.now(), span, self.policy.time_zone())
    }

    /// Moves the clock, runs what became due, and then the erasure tasks in turn until nothing is left for them.
    ///
    /// # Errors
    /// When the clock cannot go there.
    pub async fn move_clock(&self, to: Timestamp) -> Result<Vec<Ran>, ClockError> {
        let Some(schedule) = &self.schedule else {
            self.time.move_to(to)?;
            return Ok(Vec::new());
        };
        let mut schedule = schedule.lock().await;
        self.time.move_to(to)?;
        let mut all = self.fire_all(schedule.take_due(self.now())).await;
        for _ in 0..MAX_TURNS {
            let turn = self
                .fire_all(ERASURE.into_iter().filter_map(registry::task).collect())
                .await;
            let more = turn.iter().any(Ran::left_work) && turn.iter().all(|ran| ran.error.is_none());
            all.extend(turn);
            if !more {
                return Ok(all);
            }
        }
        tracing::warn!("the erasure tasks still have work; the schedules go on with it");
        Ok(all)
    }
}
