//! How results are written: a page and the same figures as JSON, with when, of what and on what they were measured.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Result, build};

/// Where results are kept.
pub(crate) fn directory() -> PathBuf {
    Path::new(build::HERE).join("results")
}

/// Keeps a table as `<name>.md` and `<name>.json`.
pub(crate) fn keep(name: &str, circumstances: &Value, rows: &[impl Serialize], text: &str) -> Result<()> {
    let mut result = circumstances.clone();
    result["load"] = load().into();
    result["rows"] = json!(rows);
    let result = serde_json::to_string_pretty(&result).map_err(|error| error.to_string())?;
    let directory = directory();
    std::fs::create_dir_all(&directory)
        .and_then(|()| std::fs::write(directory.join(format!("{name}.json")), result + "\n"))
        .and_then(|()| std::fs::write(directory.join(format!("{name}.md")), text))
        .map_err(|error| format!("{}: {error}", directory.display()))
}

/// The rows that were kept last.
pub(crate) fn kept(name: &str) -> Result<Vec<Value>> {
    let path = directory().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut kept: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_value(kept["rows"].take()).map_err(|error| format!("{}: {error}", path.display()))
}

/// The head of a page.
pub(crate) fn title(title: &str, command: &str, circumstances: &Value) -> String {
    let said = |name: &str| circumstances[name].as_str().unwrap_or("unknown");
    format!(
        "# {title}\n\nMade by `cargo run -p bench -- {command}` at {}, of commit {}, on {}.\n",
        said("date"),
        said("commit"),
        said("machine"),
    )
}

/// How many processes wanted a processor in the last minute, on average.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Millions of bytes; a size of that order is exact in a float.
#[expect(clippy::cast_precision_loss, reason = "no size here has more than 52 bits")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// With two digits after the point.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A table with the first column to the left and the others to the right.
pub(crate) fn table(headings: &[&str], lines: Vec<Vec<String>>) -> String {
    let headings = headings
        .iter()
        .map(|&heading| heading.to_owned())
        .collect::<Vec<_>>();
    let widths: Vec<usize> = (0..headings.len())
        .map(|at| {
            let cells = lines.iter().map(|line| line[at].chars().count());
            cells
                .chain([headings[at].chars().count()])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let rule = widths.iter().enumerate().map(|(at, width)| match at {
        0 => "-".repeat(*width),
        _ => "-".repeat(width - 1) + ":",
    });
    let mut text = String::new();
    for line in [headings, rule.collect()].into_iter().chain(lines) {
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            text.push_str(&match at {
                0 => format!("| {cell:<width$} "),
                _ => format!("| {cell:>width$} "),
            });
        }
        text.push_str("|\n");
    }
    text
}
