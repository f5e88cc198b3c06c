//! Dollars: what was counted and measured, times the price list.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{Result, results};

/// The price list.
const PRICES: &str = include_str!("../prices.toml");

/// What AWS charges.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) date: String,
    pub(crate) region: String,
    per_million: PerMillion,
    lambda: Lambda,
    wait_ms: Wait,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PerMillion {
    lambda_requests: f64,
    http_api_requests: f64,
    scheduler_invocations: f64,
    dynamodb_read_units: f64,
    dynamodb_write_units: f64,
    kms_requests: f64,
    ses_mails: f64,
    s3_reads: f64,
    s3_writes: f64,
    s3_deletes: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lambda {
    gb_second: f64,
    mb_per_processor: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    dynamodb: f64,
    kms: f64,
    s3: f64,
    ses: f64,
}

impl Prices {
    /// Reads the price list.
    pub(crate) fn read() -> Result<Self> {
        toml::from_str(PRICES).map_err(|error| format!("prices.toml: {error}"))
    }

    /// What DynamoDB takes for a million times so many units.
    pub(crate) fn of_units(&self, read: f64, write: f64) -> f64 {
        read * self.per_million.dynamodb_read_units + write * self.per_million.dynamodb_write_units
    }
}

/// What one call of a function used.
pub(crate) struct Usage<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_route: bool,
    pub(crate) memory_mb: u64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    /// The operations, as `service:Operation`, and how often each.
    pub(crate) operations: &'a BTreeMap<String, usize>,
}

/// How long a call is billed for, and what a million of them cost.
pub(crate) struct Price {
    pub(crate) billed_ms: f64,
    pub(crate) dollars_per_million: f64,
}

/// The price list with the measured times on the processor.
pub(crate) struct Calculator {
    pub(crate) prices: Prices,
    cpu_ms: BTreeMap<String, f64>,
}

impl Calculator {
    /// Reads the price list, and what `warm` and `cold` measured last.
    pub(crate) fn new() -> Result<Self> {
        let prices = Prices::read()?;
        let mut cpu_ms = BTreeMap::new();
        // What cannot be repeated has no warm figure; its first request is the upper bound.
        for row in results::kept("cold")? {
            let (name, cold, init) = (&row["name"], &row["cold_cpu_ms"], &row["init_cpu_ms"]);
            note(&mut cpu_ms, name, number(cold)? - number(init)?);
        }
        for row in results::kept("warm")? {
            note(&mut cpu_ms, &row["name"], number(&row["cpu_us"])? / 1_000.0);
        }
        Ok(Self { prices, cpu_ms })
    }

    /// What a call costs.
    pub(crate) fn price(&self, usage: &Usage<'_>) -> Result<Price> {
        let Prices {
            per_million,
            lambda,
            wait_ms,
            ..
        } = &self.prices;
        let cpu_ms = self.cpu_ms.get(usage.name);
        let cpu_ms = cpu_ms.ok_or_else(|| format!("neither `warm` nor `cold` measured {}", usage.name))?;
        let memory = count(usage.memory_mb);
        let processors = (memory / lambda.mb_per_processor).min(1.0);
        let mut billed_ms = cpu_ms / processors;
        let mut dollars =
            per_million.lambda_requests + self.prices.of_units(usage.read_units, usage.write_units);
        dollars += if usage.is_route {
            per_million.http_api_requests
        } else {
            per_million.scheduler_invocations
        };
        for (operation, &times) in usage.operations {
            let (service, name) = operation.split_once(':').unwrap_or_default();
            let (wait, price) = match service {
                "dynamodb" => (wait_ms.dynamodb, 0.0),
                "kms" => (wait_ms.kms, per_million.kms_requests),
                "ses" => (wait_ms.ses, per_million.ses_mails),
                "s3" => (wait_ms.s3, per_million.of_s3(name)),
                _ => return Err(format!("{operation} has no price")),
            };
            let times = f64::from(u32::try_from(times).unwrap_or(u32::MAX));
            billed_ms += times * wait;
            dollars += times * price;
        }
        billed_ms = billed_ms.ceil();
        // A million milliseconds are a thousand seconds.
        dollars += billed_ms * 1_000.0 * memory / 1_024.0 * lambda.gb_second;
        Ok(Price {
            billed_ms,
            dollars_per_million: results::rounded(dollars),
        })
    }
}

impl PerMillion {
    fn of_s3(&self, operation: &str) -> f64 {
        if operation.starts_with("Delete") {
            self.s3_deletes
        } else if operation.starts_with("Get") || operation.starts_with("Head") {
            self.s3_reads
        } else {
            self.s3_writes
        }
    }
}

fn note(cpu_ms: &mut BTreeMap<String, f64>, name: &Value, milliseconds: f64) {
    cpu_ms.insert(name.as_str().unwrap_or_default().to_owned(), milliseconds);
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| format!("{value} is not a number"))
}

/// A size of memory in MB as a number to calculate with.
fn count(megabytes: u64) -> f64 {
    f64::from(u32::try_from(megabytes).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Calculator, PRICES, Usage};

    #[test]
    fn a_call_costs_its_requests_units_and_time() {
        let calculator = Calculator {
            prices: toml::from_str(PRICES).expect("the price list is one"),
            cpu_ms: [("some-function".to_owned(), 1.0)].into(),
        };
        let usage = Usage {
            name: "some-function",
            is_route: true,
            memory_mb: 1_769,
            read_units: 2.0,
            write_units: 3.0,
            operations: &BTreeMap::from([("dynamodb:GetItem".to_owned(), 1)]),
        };
        let price = calculator.price(&usage).expect("everything has a price");
        // 1 ms of work and 5 of waiting; 0.20 + 1.11 + 2 × 0.1415 + 3 × 0.705 + 6,000 s × 1.7275 GB × 0.0000133334.
        assert!((price.billed_ms - 6.0).abs() < f64::EPSILON);
        assert!(
            (price.dollars_per_million - 3.85).abs() < 0.01,
            "{}",
            price.dollars_per_million
        );
    }
}
