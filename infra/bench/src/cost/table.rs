//! The table of what was counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use local::CallRecord;
use serde::Serialize;
use serde_json::Value;

/// What one request or one run of a task asked of AWS.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What a task found to do.
    #[serde(skip_serializing_if = "str::is_empty")]
    situation: &'static str,
    status: String,
    /// Requests to DynamoDB.
    pub(crate) round_trips: usize,
    read_units: f64,
    write_units: f64,
    s3: usize,
    ses: usize,
    pub(crate) kms: usize,
    /// The operations, and how often each.
    operations: BTreeMap<String, usize>,
    /// What a task reported.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) report: Value,
}

impl Row {
    pub(crate) fn new(
        name: &'static str,
        situation: &'static str,
        status: &str,
        calls: &[CallRecord],
    ) -> Self {
        let to = |service: &str| calls.iter().filter(|call| call.service == service).count();
        let mut operations = BTreeMap::new();
        for call in calls {
            *operations
                .entry(format!("{}:{}", call.service, call.operation))
                .or_default() += 1;
        }
        Self {
            name,
            situation,
            status: status.to_owned(),
            round_trips: to("dynamodb"),
            // A sum of nothing begins at -0.
            read_units: calls.iter().fold(0.0, |sum, call| sum + call.consumed_read),
            write_units: calls.iter().fold(0.0, |sum, call| sum + call.consumed_write),
            s3: to("s3"),
            ses: to("ses"),
            kms: to("kms"),
            operations,
            report: Value::Null,
        }
    }

    fn label(&self) -> String {
        if self.situation.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}: {}", self.name, self.situation)
        }
    }
}

const HEADINGS: [&str; 8] = [
    "Route or task",
    "Status",
    "DynamoDB round trips",
    "Read units",
    "Write units",
    "S3",
    "SES",
    "KMS",
];

/// The page with the table.
pub(crate) fn markdown(circumstances: &Value, rows: &[Row]) -> String {
    let said = |name: &str| circumstances[name].as_str().unwrap_or("unknown").to_owned();
    let lines: Vec<[String; 8]> = rows
        .iter()
        .map(|row| {
            [
                row.label(),
                row.status.clone(),
                row.round_trips.to_string(),
                row.read_units.to_string(),
                row.write_units.to_string(),
                row.s3.to_string(),
                row.ses.to_string(),
                row.kms.to_string(),
            ]
        })
        .collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|at| {
            lines
                .iter()
                .map(|line| line[at].len())
                .chain([HEADINGS[at].len()])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut text = format!(
        "# What a request costs\n\n\
         Made by `cargo run -p bench -- cost` at {}, of commit {}, on {}.\n\
         Each route once and each task in the situations that are named, in warm containers: what is decrypted once per\n\
         container was decrypted before. A page of a list is 50 records, an import is 100 lines, an account is deleted\n\
         after its organisation was closed. Units are what the embedded DynamoDB says was consumed.\n\n",
        said("date"),
        said("commit"),
        said("machine"),
    );
    let headings = HEADINGS.map(str::to_owned);
    line(&mut text, &headings, &widths);
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(at, width)| {
            if at == 0 {
                "-".repeat(*width)
            } else {
                "-".repeat(width - 1) + ":"
            }
        })
        .collect();
    line(&mut text, &rule, &widths);
    for cells in &lines {
        line(&mut text, cells, &widths);
    }
    text
}

fn line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        // Writing to a string cannot fail.
        let _ = if at == 0 {
            write!(text, "| {cell:<width$} ")
        } else {
            write!(text, "| {cell:>width$} ")
        };
    }
    text.push_str("|\n");
}
