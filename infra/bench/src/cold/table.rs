//! The table of cold starts, and whether the budgets are kept.

use serde::Serialize;
use serde_json::Value;

use super::sample::{Sample, Samples};
use crate::results::{self, megabytes, rounded};

/// The budgets: of a function that only reads and writes records, in units of the bare binary with a DynamoDB client.
const CPU_BUDGET: f64 = 1.3;
const MEMORY_BUDGET: f64 = 1.2;
/// And of every function.
const INIT_MS_BUDGET: f64 = 3.0;
const BINARY_MB_BUDGET: f64 = 11.0;

/// What only reads and writes records. `records-delete` erases files in S3, too.
const RECORDS: [&str; 5] = [
    "records-create",
    "records-list",
    "records-get",
    "records-update",
    "records-timeline",
];

/// A function's cold start: medians.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: &'static str,
    init_ms: f64,
    init_cpu_ms: f64,
    cold_ms: f64,
    cold_cpu_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cold_cpu_ratio: Option<f64>,
    resident_mb: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_ratio: Option<f64>,
    peak_mb: f64,
    binary_mb: f64,
    zip_mb: f64,
}

impl Row {
    pub(crate) fn new(name: &'static str, samples: &Samples, binary: u64, zip: u64) -> Self {
        let ms = |figure: fn(&Sample) -> std::time::Duration| {
            rounded(samples.median(|sample| figure(sample).as_secs_f64() * 1_000.0))
        };
        Self {
            name,
            init_ms: ms(|sample| sample.init),
            init_cpu_ms: ms(|sample| sample.init_cpu),
            cold_ms: ms(|sample| sample.cold),
            cold_cpu_ms: ms(|sample| sample.cold_cpu),
            cold_cpu_ratio: samples.ratio(|sample| sample.cold_cpu.as_secs_f64()).map(rounded),
            resident_mb: rounded(samples.median(|sample| megabytes(sample.resident * 1_024))),
            resident_ratio: samples.ratio(|sample| megabytes(sample.resident)).map(rounded),
            peak_mb: rounded(samples.median(|sample| megabytes(sample.peak * 1_024))),
            binary_mb: rounded(megabytes(binary)),
            zip_mb: rounded(megabytes(zip)),
        }
    }
}

/// Whether a budget is kept, in words.
pub(crate) struct Verdict {
    pub(crate) kept: bool,
    pub(crate) text: String,
}

/// The budgets against the figures.
pub(crate) fn verdicts(rows: &[Row]) -> Vec<Verdict> {
    let of_records = |row: &&Row| RECORDS.contains(&row.name);
    let of_functions = |row: &&Row| !row.name.starts_with("bare-");
    vec![
        verdict(
            "cold CPU of functions that only read and write records, to the bare binary with a DynamoDB client",
            CPU_BUDGET,
            rows.iter()
                .filter(of_records)
                .map(|row| (row.name, row.cold_cpu_ratio.unwrap_or(f64::NAN))),
        ),
        verdict(
            "resident memory of the same",
            MEMORY_BUDGET,
            rows.iter()
                .filter(of_records)
                .map(|row| (row.name, row.resident_ratio.unwrap_or(f64::NAN))),
        ),
        verdict(
            "init of every function, ms (on a quiet machine)",
            INIT_MS_BUDGET,
            rows.iter()
                .filter(of_functions)
                .map(|row| (row.name, row.init_ms)),
        ),
        verdict(
            "binary of every function, MB",
            BINARY_MB_BUDGET,
            rows.iter()
                .filter(of_functions)
                .map(|row| (row.name, row.binary_mb)),
        ),
    ]
}

fn verdict(what: &str, budget: f64, figures: impl Iterator<Item = (&'static str, f64)>) -> Verdict {
    let figures: Vec<_> = figures.collect();
    let over: Vec<String> = figures
        .iter()
        .filter(|(_, figure)| figure.is_nan() || *figure > budget)
        .map(|(name, figure)| format!("{name} {figure}"))
        .collect();
    let worst = figures.iter().map(|(_, figure)| *figure).fold(0.0, f64::max);
    if over.is_empty() {
        Verdict {
            kept: true,
            text: format!("Kept: {what}: at most {worst}, budget {budget}."),
        }
    } else {
        Verdict {
            kept: false,
            text: format!(
                "MISSED: {what}: budget {budget}, over it are {}.",
                over.join(", ")
            ),
        }
    }
}

/// The page with the table.
pub(crate) fn markdown(circumstances: &Value, rows: &[Row], verdicts: &[Verdict], runs: usize) -> String {
    let mut text = results::title("What a cold start costs", "cold", circumstances);
    text.push_str(&format!(
        "Each function {runs} times as a process of its own against a Lambda Runtime API, with AWS over TLS; medians. Ratios\n\
         are to the bare binary with a DynamoDB client that was started right before, and are medians of the pairs.\n\
         Load when it ended: {}. CPU is of all threads until the first answer was taken, RSS after it; zip is what is\n\
         uploaded. KMS has the host of DynamoDB here and a connection of its own on AWS: `bare-dynamodb-kms` makes two\n\
         connections, as everything that opens a sealed item does there.\n\n",
        results::load(),
    ));
    for verdict in verdicts {
        text.push_str(&format!("- {}\n", verdict.text));
    }
    text.push('\n');
    let headings = [
        "Function",
        "Init ms",
        "Init CPU ms",
        "Cold ms",
        "Cold CPU ms",
        "CPU ratio",
        "RSS MB",
        "RSS ratio",
        "Peak MB",
        "Binary MB",
        "Zip MB",
    ];
    let or_dash = |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    let lines = rows.iter().map(|row| {
        vec![
            row.name.to_owned(),
            format!("{:.2}", row.init_ms),
            format!("{:.2}", row.init_cpu_ms),
            format!("{:.2}", row.cold_ms),
            format!("{:.2}", row.cold_cpu_ms),
            or_dash(row.cold_cpu_ratio),
            format!("{:.1}", row.resident_mb),
            or_dash(row.resident_ratio),
            format!("{:.1}", row.peak_mb),
            format!("{:.2}", row.binary_mb),
            format!("{:.2}", row.zip_mb),
        ]
    });
    text.push_str(&results::table(&headings, lines.collect()));
    text
}
