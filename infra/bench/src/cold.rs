//! `cold`: what a cold start costs each function, in units of a bare binary that reads one item.

use std::path::Path;
use std::process::Command;

use local::output::{complain, say};
use serde_json::Value;

use crate::container::Container;
use crate::rig::{Case, FLOOR, Rig, UNIT, UNIT_KMS, any_event, read_its_item};
use crate::stage::Stage;
use crate::{Result, build, cases, results};
use sample::{Sample, Samples};
use table::Row;

mod sample;
mod table;

/// How often each function is started when the figures are to be kept.
pub(crate) const RUNS: usize = 15;

/// What is measured; a smoke run is in debug, with nothing kept and no time judged.
pub(crate) struct Plan {
    pub(crate) runs: usize,
    pub(crate) smoke: bool,
}

impl Plan {
    /// Reads the command line.
    pub(crate) fn parse(words: &[&str]) -> Result<Self> {
        let (runs, smoke) = match words {
            [] => (RUNS, false),
            ["--smoke"] => (1, true),
            ["--runs", number] => (
                number
                    .parse()
                    .map_err(|_| format!("{number} is no number of runs"))?,
                false,
            ),
            _ => return Err(format!("cold does not take {}", words.join(" "))),
        };
        Ok(Self { runs, smoke })
    }
}

/// Measures every function; says whether the budgets are kept.
pub(crate) async fn run(plan: Plan) -> Result<bool> {
    cases::complete()?;
    let rig = Rig::start(!plan.smoke).await?;
    let mut measured: Vec<(Case, Samples)> = Case::all().map(|case| (case, Samples::default())).collect();
    let (mut floor, mut kms) = (Samples::default(), Samples::default());
    for run in 0..plan.runs {
        // A stage can be used once: some cases delete what they work on.
        let stage = Stage::set(&rig.stack, &format!("Cold{run}")).await?;
        floor.alone.push(bare(&rig, FLOOR, &stage).await?);
        for (case, samples) in &mut measured {
            let unit = bare(&rig, UNIT, &stage).await?;
            let own = function(&rig, case, &stage).await?;
            samples.pairs.push((own, unit));
        }
        let unit = bare(&rig, UNIT, &stage).await?;
        kms.pairs.push((bare(&rig, UNIT_KMS, &stage).await?, unit));
        say(&format!("{} of {}", run + 1, plan.runs));
    }
    let units = Samples {
        alone: measured
            .iter()
            .flat_map(|(_, samples)| samples.pairs.iter().map(|pair| pair.1))
            .collect(),
        ..Samples::default()
    };
    let mut named = vec![(FLOOR, floor), (UNIT, units), (UNIT_KMS, kms)];
    named.extend(measured.into_iter().map(|(case, samples)| (case.name(), samples)));
    if plan.smoke {
        say(&format!("{} functions start and answer over TLS", named.len()));
        return Ok(true);
    }
    let rows = rows(&rig, named)?;
    finish(&rows, plan.runs)
}

async fn function(rig: &Rig, case: &Case, stage: &Stage) -> Result<Sample> {
    let container = rig.function(case.name()).await?;
    let (sample, answer) = first_answer(&container, case.event(rig, stage)?).await?;
    case.check(&answer)?;
    Ok(sample)
}

async fn bare(rig: &Rig, name: &str, stage: &Stage) -> Result<Sample> {
    let container = rig.bare(name, stage).await?;
    let (sample, answer) = first_answer(&container, any_event()).await?;
    read_its_item(name, &answer)?;
    Ok(sample)
}

async fn first_answer(container: &Container, event: Value) -> Result<(Sample, Value)> {
    let ready = container.used().await?;
    let (answer, took) = container.ask(event).await?;
    let answered = container.used().await?;
    let sample = Sample {
        init: container.init,
        init_cpu: ready.cpu,
        cold: container.init + took,
        cold_cpu: answered.cpu,
        resident: answered.resident,
        peak: answered.peak,
    };
    Ok((sample, answer))
}

fn rows(rig: &Rig, named: Vec<(&'static str, Samples)>) -> Result<Vec<Row>> {
    let paths: Vec<_> = named.iter().map(|(name, _)| rig.binary(name)).collect();
    let zipped = zipped(&paths)?;
    let mut rows = Vec::new();
    for (((name, samples), path), zip) in named.into_iter().zip(&paths).zip(zipped) {
        let size = std::fs::metadata(path)
            .map_err(|error| format!("{}: {error}", path.display()))?
            .len();
        rows.push(Row::new(name, &samples, size, zip));
    }
    Ok(rows)
}

/// The sizes of the binaries as `sam deploy` packs them: with zlib at its ordinary level.
pub(crate) fn zipped(binaries: &[impl AsRef<Path>]) -> Result<Vec<u64>> {
    let script = "import sys,zlib\nfor p in sys.argv[1:]: print(len(zlib.compress(open(p,'rb').read())))";
    let output = Command::new("python3")
        .args(["-c", script])
        .args(binaries.iter().map(AsRef::as_ref))
        .output()
        .map_err(|error| format!("python3 does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let sizes: Vec<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    if sizes.len() == binaries.len() {
        Ok(sizes)
    } else {
        Err(format!(
            "the zip sizes are unknown: {}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

fn finish(rows: &[Row], runs: usize) -> Result<bool> {
    let circumstances = build::circumstances();
    let verdicts = table::verdicts(rows);
    let text = table::markdown(&circumstances, rows, &verdicts, runs);
    results::keep("cold", &circumstances, rows, &text)?;
    say(&text);
    let missed: Vec<_> = verdicts.iter().filter(|verdict| !verdict.kept).collect();
    for verdict in &missed {
        complain(&verdict.text);
    }
    Ok(missed.is_empty())
}
