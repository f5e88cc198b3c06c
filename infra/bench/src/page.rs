//! A page of results: what was measured when and on what, as Markdown for people and as JSON for programs.

use std::fmt::Write as _;
use std::path::Path;

use local::output::say;
use serde_json::Value;

use crate::{Result, build};

/// A page of results.
pub(crate) struct Page {
    name: &'static str,
    text: String,
    json: Value,
}

impl Page {
    /// A page of what `cargo run -p bench -- <name>` measured.
    pub(crate) fn new(name: &'static str, title: &str, intro: &str) -> Self {
        let json = build::circumstances();
        let said = |name: &str| json[name].as_str().unwrap_or("unknown").to_owned();
        let build = if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        };
        let text = format!(
            "# {title}\n\nMade by `cargo run --release -p bench -- {name}` at {}, of commit {}, on {}, in a {build} \
             build.\n{intro}\n",
            said("date"),
            said("commit"),
            said("machine"),
        );
        Self { name, text, json }
    }

    /// Adds a paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "\n{text}\n");
    }

    /// Adds a table under a heading; the first column is text, the others are numbers.
    pub(crate) fn table(&mut self, title: &str, headings: &[&str], rows: &[Vec<String>]) {
        let lines = || {
            let headings: Vec<&str> = headings.to_vec();
            std::iter::once(headings).chain(rows.iter().map(|row| row.iter().map(String::as_str).collect()))
        };
        let width = |at: usize| {
            lines()
                .map(|line| line[at].chars().count())
                .max()
                .unwrap_or(1)
                .max(2)
        };
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let _ = write!(self.text, "\n## {title}\n\n");
        for (number, line) in lines().enumerate() {
            for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let _ = if at == 0 {
                    write!(self.text, "| {cell:<width$} ")
                } else {
                    write!(self.text, "| {cell:>width$} ")
                };
            }
            self.text.push_str("|\n");
            if number == 0 {
                for (at, width) in widths.iter().enumerate() {
                    let (dashes, colon) = if at == 0 { (*width, "") } else { (width - 1, ":") };
                    let _ = write!(self.text, "| {}{colon} ", "-".repeat(dashes));
                }
                self.text.push_str("|\n");
            }
        }
    }

    /// Adds a part of the JSON.
    pub(crate) fn data(&mut self, name: &str, value: Value) {
        self.json[name] = value;
    }

    /// Shows the page, and keeps it in `results` unless it is only a trial.
    pub(crate) fn finish(self, smoke: bool) -> Result<()> {
        say(&self.text);
        if smoke {
            return Ok(());
        }
        let directory = Path::new(build::HERE).join("results");
        let json = serde_json::to_string_pretty(&self.json).map_err(|error| error.to_string())?;
        let file = |extension: &str| directory.join(format!("{}.{extension}", self.name));
        std::fs::create_dir_all(&directory)
            .and_then(|()| std::fs::write(file("json"), json + "\n"))
            .and_then(|()| std::fs::write(file("md"), self.text))
            .map_err(|error| format!("{}: {error}", directory.display()))
    }
}

/// The value at a share of sorted measurements: 0.5 is the median.
pub(crate) fn quantile<T: Copy + Default>(sorted: &[T], share: f64) -> T {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted
        .get((last * share).ceil() as usize)
        .copied()
        .unwrap_or_default()
}

/// A number with as many digits behind the point as it is worth.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
