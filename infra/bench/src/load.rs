//! `load`: fifty clients at once on the local stack, over HTTP, as long as it takes to see whether it holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use local::output::{complain, say};
use serde::Serialize;
use serde_json::json;

use crate::clock::Stopwatch;
use crate::customer::Customer;
use crate::mix::{self, Action, Done, Door, SIGNED_IN, Visitor};
use crate::page::{Page, number, quantile};
use crate::server::{Server, end};
use crate::{Result, build};

/// Clients of an organisation, each with a connection of its own.
const CLIENTS: usize = 5;

/// Organisations that they work for: fifty clients in all.
const CUSTOMERS: usize = 10;

/// In a trial, where hashing passwords alone would take too long.
const FEW_CUSTOMERS: usize = 2;

/// How often the memory is looked at.
const SAMPLES: u32 = 12;

/// What a route did.
#[derive(Serialize)]
struct Row {
    route: &'static str,
    requests: usize,
    errors: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// What was measured with the data in one place.
#[derive(Serialize)]
struct Measured {
    data: &'static str,
    seconds: f64,
    requests: usize,
    requests_per_second: f64,
    errors: usize,
    rows: Vec<Row>,
    /// Seconds since the start, and resident MiB.
    memory: Vec<(f64, f64)>,
    /// The first errors, in words.
    said: Vec<String>,
}

/// Works on the stack for a while; says whether every answer was right.
pub(crate) async fn run(smoke: bool) -> Result<bool> {
    let release = !cfg!(debug_assertions);
    say("Building the stack");
    let binary = build::cargo_build(&["-p", "local"], release)?.join("local");
    let (span, customers) = if smoke {
        (3, FEW_CUSTOMERS)
    } else {
        (60, CUSTOMERS)
    };
    let span = Duration::from_secs(span);
    let mut page = Page::new("load", "Fifty clients at once", &intro(customers));
    let mut all = Vec::new();
    for (keeps, data) in [(false, "in memory"), (true, "in a directory")] {
        let measured = measure(&binary, keeps, data, (customers, span)).await?;
        measured.add_to(&mut page);
        all.push(measured);
    }
    page.data("runs", json!(all));
    page.finish(smoke)?;
    let mut well = true;
    for measured in &all {
        for line in &measured.said {
            complain(line);
        }
        let idle = SIGNED_IN.len() - measured.rows.len();
        // A trial is too short for what is rare.
        if measured.errors > 0 || (idle > 0 && !smoke) || measured.requests == 0 {
            complain(&format!(
                "{}: {} errors, {idle} routes idle",
                measured.data, measured.errors
            ));
            well = false;
        }
    }
    Ok(well)
}

fn intro(customers: usize) -> String {
    format!(
        "{} clients of {customers} organisations, each with a connection of its own and one request after the \
         other, on\n`cargo run -p local` in a process of its own with its schedules running: {}. Clients and stack \
         share the machine.",
        CLIENTS * customers,
        mix::described(SIGNED_IN)
    )
}

impl Measured {
    fn add_to(&self, page: &mut Page) {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| {
                let counts = [row.requests, row.errors].map(|count| count.to_string());
                let times = [row.p50_ms, row.p99_ms].map(number);
                std::iter::once(row.route.to_owned())
                    .chain(counts)
                    .chain(times)
                    .collect()
            })
            .collect();
        let title = format!("Data {}", self.data);
        page.table(
            &title,
            &["Route", "Requests", "Errors", "p50 ms", "p99 ms"],
            &rows,
        );
        let memory: Vec<String> = self.memory.iter().map(|(_, mib)| format!("{mib:.0}")).collect();
        page.paragraph(&format!(
            "{} requests in {:.1} s are {:.0} a second, with {} errors. Resident MiB of the stack, from the first \
             request\nto the last in equal steps: {}.",
            self.requests,
            self.seconds,
            self.requests_per_second,
            self.errors,
            memory.join(", ")
        ));
    }
}

async fn measure(
    binary: &Path,
    keeps: bool,
    data: &'static str,
    (customers, span): (usize, Duration),
) -> Result<Measured> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let server = Server::new(binary, directory.path(), keeps)?;
    let mut process = server.start().await?;
    let visitors = visitors(&server.origin(), customers).await?;
    let pid = process.id().ok_or("the stack has ended")?;
    let watch = Stopwatch::start();
    let working = visitors
        .into_iter()
        .map(|visitor| tokio::spawn(visit(visitor, watch, span)));
    let (done, memory) = tokio::join!(join_all(working), sample(pid, watch, span));
    let seconds = watch.elapsed().as_secs_f64();
    end(&mut process).await?;
    let mut all = Vec::new();
    for done in done {
        all.extend(done.map_err(|error| error.to_string())?);
    }
    Ok(summary(data, seconds, &all, memory))
}

/// The clients, each of them signed in and with a record.
async fn visitors(origin: &str, customers: usize) -> Result<Vec<Visitor>> {
    let mut visitors = Vec::new();
    for number in 0..customers {
        let customer = Customer::register(origin, &format!("Ada{number}")).await?;
        for client in 0..CLIENTS {
            let name = format!("c{number}-{client}");
            visitors.push(Visitor::new(Door::to(origin), SIGNED_IN, &customer, name).await?);
        }
    }
    Ok(visitors)
}

async fn visit(mut visitor: Visitor, watch: Stopwatch, span: Duration) -> Vec<Done> {
    let mut done = Vec::new();
    while watch.elapsed() < span {
        done.push(visitor.step().await);
    }
    done
}

/// The resident memory of a process over time.
async fn sample(pid: u32, watch: Stopwatch, span: Duration) -> Vec<(f64, f64)> {
    let mut samples = Vec::new();
    for number in 0..=SAMPLES {
        let at = span * number / SAMPLES;
        tokio::time::sleep(at.saturating_sub(watch.elapsed())).await;
        samples.push((watch.elapsed().as_secs_f64(), resident_mib(pid)));
    }
    samples
}

/// Only Linux tells; elsewhere it is 0.
fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

fn summary(data: &'static str, seconds: f64, all: &[Done], memory: Vec<(f64, f64)>) -> Measured {
    let mut by_action: BTreeMap<Action, (Vec<u64>, usize)> = BTreeMap::new();
    for done in all {
        let (times, errors) = by_action.entry(done.action).or_default();
        times.push(done.micros);
        *errors += usize::from(done.error.is_some());
    }
    let row = |(action, (mut times, errors)): (Action, (Vec<u64>, usize))| {
        times.sort_unstable();
        Row {
            route: action.route(),
            requests: times.len(),
            errors,
            p50_ms: quantile(&times, 0.5) as f64 / 1e3,
            p99_ms: quantile(&times, 0.99) as f64 / 1e3,
        }
    };
    let wrong = || {
        let said = |done: &Done| Some(format!("{}: {}", done.action.route(), done.error.as_ref()?));
        all.iter().filter_map(said)
    };
    Measured {
        data,
        seconds,
        requests: all.len(),
        requests_per_second: all.len() as f64 / seconds,
        errors: wrong().count(),
        rows: by_action.into_iter().map(row).collect(),
        memory,
        said: wrong().take(5).collect(),
    }
}
