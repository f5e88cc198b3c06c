//! `build`: what a release binary costs to build once the dependencies and libraries are there, and how large it is.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use local::output::{complain, say};
use serde::Serialize;

use crate::clock::Stopwatch;
use crate::cold::zipped;
use crate::results::{megabytes, rounded};
use crate::rig::Case;
use crate::{Result, build, cases, process, results};

/// The most processor time that one binary may cost.
const CPU_BUDGET: f64 = 3.0;

/// What was tried by hand, with the commands.
const ALTERNATIVES: &str = include_str!("../alternatives.md");

#[derive(Serialize)]
struct Row {
    binaries: usize,
    cpu_s_per_binary: f64,
    wall_s: f64,
    smallest_mb: f64,
    median_mb: f64,
    largest_mb: f64,
    largest_zip_mb: f64,
    all_zips_mb: f64,
}

/// Builds every binary again; says whether it is within the budget.
pub(crate) fn run() -> Result<bool> {
    cases::complete()?;
    say("Building what is there already");
    let directory = build::cargo_build(&["-p", "functions", "--bins"], true)?;
    let names: Vec<&str> = Case::all().map(|case| case.name()).collect();
    for name in &names {
        touch(&Path::new(build::HERE).join(format!("../../functions/src/bin/{name}.rs")))?;
    }
    say("Building every binary again");
    let (watch, before) = (Stopwatch::start(), process::of_children()?);
    build::cargo_build(&["-p", "functions", "--bins"], true)?;
    let used = process::of_children()?.saturating_sub(before);
    let row = row(&directory, &names, used, watch.elapsed())?;
    let circumstances = build::circumstances();
    let kept = row.cpu_s_per_binary <= CPU_BUDGET;
    let verdict = if kept { "Kept" } else { "MISSED" };
    let text = format!(
        "{}{verdict}: {} CPU s for each of {} binaries after the dependencies and libraries, budget {CPU_BUDGET}; {} s of\n\
         time for all. Load when it ended: {}.\n\n{}\n{ALTERNATIVES}",
        results::title("What a binary costs to build", "build", &circumstances),
        row.cpu_s_per_binary,
        row.binaries,
        row.wall_s,
        results::load(),
        results::table(
            &["", "Smallest", "Median", "Largest"],
            vec![vec![
                "Binary, MB".to_owned(),
                format!("{:.2}", row.smallest_mb),
                format!("{:.2}", row.median_mb),
                format!("{:.2}", row.largest_mb),
            ]],
        ),
    );
    results::keep("build", &circumstances, &[row], &text)?;
    say(&text);
    if !kept {
        complain("A binary costs more than its budget");
    }
    Ok(kept)
}

fn row(directory: &Path, names: &[&str], used: Duration, wall: Duration) -> Result<Row> {
    let paths: Vec<_> = names.iter().map(|name| directory.join(name)).collect();
    let size = |path: &Path| std::fs::metadata(path).map(|data| megabytes(data.len()));
    let mut sizes = paths
        .iter()
        .map(|path| size(path).map_err(|error| format!("{}: {error}", path.display())))
        .collect::<Result<Vec<f64>>>()?;
    sizes.sort_by(f64::total_cmp);
    let zips = zipped(&paths)?;
    let count = f64::from(u32::try_from(names.len()).unwrap_or(u32::MAX));
    Ok(Row {
        binaries: names.len(),
        cpu_s_per_binary: rounded(used.as_secs_f64() / count),
        wall_s: wall.as_secs_f64().round(),
        smallest_mb: rounded(sizes.first().copied().unwrap_or_default()),
        median_mb: rounded(sizes.get(sizes.len() / 2).copied().unwrap_or_default()),
        largest_mb: rounded(sizes.last().copied().unwrap_or_default()),
        largest_zip_mb: rounded(zips.iter().copied().max().map_or(0.0, megabytes)),
        all_zips_mb: rounded(megabytes(zips.iter().sum())),
    })
}

/// Makes cargo build a file again.
fn touch(path: &Path) -> Result<()> {
    let now = std::time::SystemTime::from(crate::clock::now());
    File::options()
        .append(true)
        .open(path)
        .and_then(|file| file.set_modified(now))
        .map_err(|error| format!("{}: {error}", path.display()))
}
