//! What runs by the clock: each task with a schedule, at its rate on the clock that can be moved.

use functions::registry::{TASKS, Task};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// The tasks that leave work for each other: what one finds due, the next deletes, and the last makes provable.
pub(crate) const ERASURE: [&str; 3] = ["retention-plan", "erasure-purge", "ledger-seal"];

/// What a task did when its time came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ran {
    /// The task's name.
    pub task: &'static str,
    /// When it was started.
    pub at: Timestamp,
    /// Its own report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
    /// Why there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Ran {
    /// Whether the report counts something that another task, or another run, could go on with. A task that failed
    /// leaves its work to the next firing, as on AWS.
    pub(crate) fn left_work(&self) -> bool {
        let Some(report) = &self.report else { return false };
        let counted = |name: &str| report[name].as_u64().unwrap_or_default() > 0;
        ["erased", "sealed", "open", "sequenced"].into_iter().any(counted) || report["unfinished"] == true
    }
}

/// When each task runs next.
pub(crate) struct Schedule {
    entries: Vec<Entry>,
}

struct Entry {
    task: &'static Task,
    every: SignedDuration,
    next: Timestamp,
}

impl Schedule {
    /// The schedules of the registry. Everything is due at once: how long the stack was off nobody knows, and what was
    /// missed meanwhile counts once.
    pub(crate) fn new(now: Timestamp) -> Self {
        let entry = |task: &&'static Task| {
            let every = task.schedule.and_then(rate)?;
            Some(Entry {
                task,
                every,
                next: now,
            })
        };
        Self {
            entries: TASKS.iter().filter_map(entry).collect(),
        }
    }

    /// The tasks whose time has come, in the registry's order, each once; their next time is set.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<&'static Task> {
        let due = self.entries.iter_mut().filter(|entry| entry.next <= now);
        due.map(|entry| {
            entry.next = next_firing(entry.next, entry.every, now);
            entry.task
        })
        .collect()
    }

    /// Every task with a schedule and when it runs next.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = (&'static Task, Timestamp)> {
        self.entries.iter().map(|entry| (entry.task, entry.next))
    }
}

/// The period of a rate expression of EventBridge, such as `rate(15 minutes)`.
pub fn rate(expression: &str) -> Option<SignedDuration> {
    let inner = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inner.split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|&count| count > 0)?;
    // EventBridge wants the singular for one and only for one.
    match (unit, count) {
        ("minute", 1) | ("minutes", 2..=100_000) => Some(SignedDuration::from_mins(count)),
        ("hour", 1) | ("hours", 2..=10_000) => Some(SignedDuration::from_hours(count)),
        ("day", 1) | ("days", 2..=1_000) => Some(SignedDuration::from_hours(24 * count)),
        _ => None,
    }
}

/// The first firing after `now` of a schedule that is due at `due`, in step with it: firings that were missed are
/// not made up for.
pub fn next_firing(due: Timestamp, every: SignedDuration, now: Timestamp) -> Timestamp {
    if due > now {
        return due;
    }
    let missed = now.duration_since(due).as_millis() / every.as_millis().max(1);
    let ahead = i64::try_from((missed + 1) * every.as_millis()).unwrap_or(i64::MAX);
    due.saturating_add(SignedDuration::from_millis(ahead))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_schedule_of_the_registry_is_a_rate_that_is_understood() {
        for task in TASKS {
            if let Some(schedule) = task.schedule {
                assert!(rate(schedule).is_some(), "{}: {schedule}", task.name);
            }
        }
        assert_eq!(rate("rate(15 minutes)"), Some(SignedDuration::from_mins(15)));
        assert_eq!(rate("rate(1 day)"), Some(SignedDuration::from_hours(24)));
        for wrong in [
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(-1 hours)",
            "cron(0 1 * * ? *)",
        ] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn missed_firings_collapse_into_one_and_the_rhythm_stays() {
        let every = SignedDuration::from_mins(15);
        let due = at("2026-01-01T00:00:00Z");
        for (now, next) in [
            ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"),
            ("2026-01-01T00:14:59.999Z", "2026-01-01T00:15:00Z"),
            ("2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"),
            ("2027-07-01T12:07:00Z", "2027-07-01T12:15:00Z"),
        ] {
            assert_eq!(next_firing(due, every, at(now)), at(next), "{now}");
        }
    }

    #[test]
    fn what_is_due_runs_in_the_registrys_order_and_once() {
        let start = at("2026-01-01T00:00:00Z");
        let mut schedule = Schedule::new(start);
        let names = |due: Vec<&'static Task>| due.into_iter().map(|task| task.name).collect::<Vec<_>>();
        let all: Vec<_> = TASKS
            .iter()
            .filter(|task| task.schedule.is_some())
            .map(|task| task.name)
            .collect();
        assert_eq!(names(schedule.take_due(start)), all);
        assert_eq!(names(schedule.take_due(start)), [""; 0]);
        let minute = names(schedule.take_due(at("2026-01-01T00:01:00Z")));
        assert!(
            minute.contains(&"erasure-purge") && !minute.contains(&"retention-plan"),
            "{minute:?}"
        );
        assert_eq!(names(schedule.take_due(at("2028-01-01T00:00:00Z"))), all);
    }

    #[test]
    fn a_report_that_counts_something_means_there_may_be_more_to_do() {
        let ran = |report| Ran {
            task: "t",
            at: Timestamp::UNIX_EPOCH,
            report,
            error: None,
        };
        for busy in [
            json!({ "erased": 1 }),
            json!({ "sealed": 0, "open": 2 }),
            json!({ "unfinished": true }),
        ] {
            assert!(ran(Some(busy.clone())).left_work(), "{busy}");
        }
        for idle in [
            Some(json!({ "erased": 0, "held": 3, "unfinished": false })),
            Some(json!({})),
            None,
        ] {
            assert!(!ran(idle).left_work());
        }
    }
}
