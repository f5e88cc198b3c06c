//! The numbers of a task's report as metrics: one line in CloudWatch's Embedded Metric Format, which Lambda's log stream
//! turns into metrics without a call. Alarms and the dashboard in `infra/monitoring.yaml` stand on these names.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::policy::Profile;

/// Under which all metrics of ours lie.
const NAMESPACE: &str = "Trackwell";

/// Writes the line for a report. A metric that cannot be written must not fail the task: missing data is an alarm.
pub(crate) fn emit(task: &str, profile: Profile, at: Timestamp, report: &Value) {
    let Some(line) = line(task, profile, at, report) else {
        return;
    };
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::warn!(%error, task, "the metrics of a task could not be written");
    }
}

/// The line; `None` for a report without numbers. What is true counts as 1. A name that ends in `_seconds` has that
/// unit, everything else is a count.
fn line(task: &str, profile: Profile, at: Timestamp, report: &Value) -> Option<Value> {
    let number = |value: &Value| match value {
        Value::Number(_) => Some(value.clone()),
        Value::Bool(is) => Some(Value::from(u8::from(*is))),
        _ => None,
    };
    let numbers: Map<String, Value> = report
        .as_object()?
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), number(value)?)))
        .collect();
    if numbers.is_empty() {
        return None;
    }
    let metric = |name: &String| {
        let unit = if name.ends_with("_seconds") {
            "Seconds"
        } else {
            "Count"
        };
        json!({ "Name": name, "Unit": unit })
    };
    let metrics: Vec<_> = numbers.keys().map(metric).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [["Task", "Profile"]], "Metrics": metrics }
            ],
        },
        "Task": task,
        "Profile": profile.as_str(),
    });
    line.as_object_mut()?.extend(numbers);
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_report_become_metrics_and_its_texts_do_not() {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let report = json!({ "overdue": 2, "oldest_job_seconds": 61, "unfinished": true, "hold": "hold_1" });
        let line = line("retention-plan", Profile::Ocktra, at, &report).unwrap();
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_435_200_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Trackwell",
                    "Dimensions": [["Task", "Profile"]],
                    "Metrics": [
                        { "Name": "oldest_job_seconds", "Unit": "Seconds" },
                        { "Name": "overdue", "Unit": "Count" },
                        { "Name": "unfinished", "Unit": "Count" },
                    ],
                }],
            },
            "Task": "retention-plan", "Profile": "ocktra",
            "overdue": 2, "oldest_job_seconds": 61, "unfinished": 1,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_report_without_numbers_is_no_metric() {
        let at = Timestamp::UNIX_EPOCH;
        for report in [json!({}), json!(null), json!({ "hold": "hold_1" })] {
            assert_eq!(
                line("holds-place", Profile::Trackr, at, &report),
                None,
                "{report}"
            );
        }
    }
}
