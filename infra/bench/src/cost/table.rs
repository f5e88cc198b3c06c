//! The table of what was counted.

use std::collections::BTreeMap;

use functions::registry;
use local::CallRecord;
use serde::Serialize;
use serde_json::Value;

use crate::price::{Prices, Usage};
use crate::results;

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
    /// For how long Lambda bills it.
    pub(crate) billed_ms: f64,
    /// What a million cost.
    pub(crate) dollars_per_million: f64,
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
            billed_ms: 0.0,
            dollars_per_million: 0.0,
            report: Value::Null,
        }
    }

    /// What the price depends on.
    pub(crate) fn usage(&self, memory_mb: u64) -> Usage<'_> {
        Usage {
            name: self.name,
            is_route: registry::route(self.name).is_some(),
            memory_mb,
            read_units: self.read_units,
            write_units: self.write_units,
            operations: &self.operations,
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

const HEADINGS: [&str; 10] = [
    "Route or task",
    "Status",
    "DynamoDB round trips",
    "Read units",
    "Write units",
    "S3",
    "SES",
    "KMS",
    "Billed ms",
    "$ per million",
];

/// The page with the table.
pub(crate) fn markdown(circumstances: &Value, rows: &[Row], prices: &Prices) -> String {
    let lines = rows.iter().map(|row| {
        vec![
            row.label(),
            row.status.clone(),
            row.round_trips.to_string(),
            row.read_units.to_string(),
            row.write_units.to_string(),
            row.s3.to_string(),
            row.ses.to_string(),
            row.kms.to_string(),
            row.billed_ms.to_string(),
            format!("{:.2}", row.dollars_per_million),
        ]
    });
    let mut text = results::title("What a request costs", "cost", circumstances);
    text.push_str(&format!(
        "Each route once and each task in the situations that are named, in warm containers: what is decrypted once per\n\
         container was decrypted before. A page of a list is 50 records, an import is 100 lines, an account is deleted\n\
         after its organisation was closed. Units are what the embedded DynamoDB says was consumed.\n\n\
         Dollars are list prices of {} of {} ([prices.toml](../prices.toml)): the API, Lambda, units, KMS, S3 and SES; storage,\n\
         traffic and logs are not in them. Lambda bills the processor's time that `warm` measured ([warm.md](warm.md);\n\
         where nothing can be repeated, that of the first request in [cold.md](cold.md)) at the function's share of a\n\
         processor, and for each call to AWS a typical wait from the same list.\n\n",
        prices.region, prices.date,
    ));
    text.push_str(&results::table(&HEADINGS, lines.collect()));
    text
}
