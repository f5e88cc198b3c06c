//! `retention`: what it costs to erase what is due, beside little and beside much that is not.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local::output::complain;
use local::{Clocks, Stack};
use serde::Serialize;
use serde_json::{Value, json};
use shared::clock::ManualClock;
use shared::policy::Profile;

use crate::api::text;
use crate::clock::{Stopwatch, cpu_seconds};
use crate::customer::Customer;
use crate::page::{Page, number};
use crate::population::Pattern;
use crate::price::Prices;
use crate::spent::Spent;
use crate::{Result, stack};

/// When it begins: an ordinary Monday noon.
const START: Timestamp = Timestamp::constant(1_795_435_200, 0);

/// Lines that each organisation imported: with what belongs to them, about a hundred items.
const LINES: usize = 24;

/// How much more may be spent on the same due units beside ten times as many items, and on one due unit of more.
const LIMIT: f64 = 1.2;

/// A day, after which what is not due yet falls due.
const LATER: Duration = Duration::from_secs(86_400);

/// How much is stored, and how many organisations of it are due.
struct Scale {
    stored: usize,
    due: usize,
}

/// What was measured at a scale.
#[derive(Serialize)]
struct Row {
    stored_items: usize,
    due_units: u64,
    deleted_items: u64,
    seconds: f64,
    cpu_seconds: f64,
    plan: Spent,
    purge: Spent,
    seal: Spent,
    dollars_per_million_items: f64,
    dollars_per_million_units: f64,
}

impl Row {
    fn total(&self) -> Spent {
        let parts = [self.plan, self.purge, self.seal];
        parts.iter().fold(Spent::default(), |sum, part| Spent {
            round_trips: sum.round_trips + part.round_trips,
            read_units: sum.read_units + part.read_units,
            write_units: sum.write_units + part.write_units,
            s3: sum.s3 + part.s3,
        })
    }

    fn cells(&self) -> Vec<String> {
        let total = self.total();
        vec![
            self.stored_items.to_string(),
            self.due_units.to_string(),
            self.deleted_items.to_string(),
            number(self.seconds),
            number(self.cpu_seconds),
            total.round_trips.to_string(),
            number(total.read_units),
            number(total.write_units),
            total.s3.to_string(),
            number(total.units() / self.due_units as f64),
            number(self.dollars_per_million_items),
            number(self.dollars_per_million_units),
        ]
    }
}

const HEADINGS: [&str; 12] = [
    "Stored items",
    "Due units",
    "Items deleted",
    "Seconds",
    "CPU seconds",
    "Round trips",
    "Read units",
    "Write units",
    "S3",
    "Units per due unit",
    "$ per million items",
    "$ per million units",
];

/// Measures at every scale; says whether it is flat in what is stored and linear in what is due.
pub(crate) async fn run(smoke: bool) -> Result<bool> {
    let prices = Prices::read()?;
    let scale = |(stored, due)| Scale { stored, due };
    let (beside, due) = if smoke {
        (vec![(200, 3), (2_000, 3)], vec![(400, 3), (400, 9)])
    } else {
        let beside = vec![(10_000, 50), (100_000, 50), (1_000_000, 50)];
        (beside, vec![(100_000, 5), (100_000, 50), (100_000, 500)])
    };
    let beside = measure_all(beside.into_iter().map(scale), &prices).await?;
    let due = measure_all(due.into_iter().map(scale), &prices).await?;
    let mut wrong = Vec::new();
    let flat = growth(&beside, Row::total, "stored items", &mut wrong);
    let linear = growth(&due, per_unit, "due units", &mut wrong);
    let mut page = Page::new("retention", "What retention costs", INTRO);
    let rows = |rows: &[Row]| rows.iter().map(Row::cells).collect::<Vec<_>>();
    page.table(
        "Ten times the stored items, the same due",
        &HEADINGS,
        &rows(&beside),
    );
    page.paragraph(&format!(
        "Ten times the stored items multiply what is spent on the same due units by at most {flat:.3} \
         (at most {LIMIT} is promised), and the CPU seconds of this process, which is the tables, too, by {}.",
        slowdowns(&beside)
    ));
    page.table("The same stored items, ten times the due", &HEADINGS, &rows(&due));
    page.paragraph(&format!(
        "Ten times the due units multiply what is spent on each by at most {linear:.3}."
    ));
    page.data("stored", json!(beside));
    page.data("due", json!(due));
    page.data("flat", json!(flat));
    page.data("linear", json!(linear));
    page.finish(smoke)?;
    for line in &wrong {
        complain(line);
    }
    Ok(wrong.is_empty())
}

const INTRO: &str = "\
Each organisation has about a hundred items: what a customer who imported 24 lines has. Those that are due fall due in\n\
the hour that is measured, with the content and the account of the organisation; all others a day later, so that their\n\
due rows lie in the same partitions, behind. Measured are `retention-plan`, `erasure-purge` after the longest possible\n\
request, and `ledger-seal`, until every receipt is in the ledger. Units are what the embedded DynamoDB says was consumed;\n\
dollars are DynamoDB's, by `prices.toml`.";

async fn measure_all(scales: impl Iterator<Item = Scale>, prices: &Prices) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for scale in scales {
        rows.push(measure(&scale, prices).await?);
    }
    Ok(rows)
}

/// What one due unit costs.
fn per_unit(row: &Row) -> Spent {
    let (total, units) = (row.total(), row.due_units as f64);
    Spent {
        round_trips: (total.round_trips as f64 / units).ceil() as usize,
        read_units: total.read_units / units,
        write_units: total.write_units / units,
        s3: total.s3,
    }
}

/// By how much at most what is spent grows from one row to the next.
fn growth(rows: &[Row], spent: impl Fn(&Row) -> Spent, with: &str, wrong: &mut Vec<String>) -> f64 {
    let mut worst = 0.0_f64;
    for (few, many) in rows.iter().zip(rows.iter().skip(1)) {
        let (before, after) = (spent(few), spent(many));
        let ratios = [
            (
                "round trips",
                after.round_trips as f64 / before.round_trips as f64,
            ),
            ("read units", after.read_units / before.read_units),
            ("write units", after.write_units / before.write_units),
        ];
        for (what, ratio) in ratios {
            worst = worst.max(ratio);
            if ratio > LIMIT {
                wrong.push(format!("{what} grow by {ratio:.2} with ten times the {with}"));
            }
        }
    }
    worst
}

fn slowdowns(rows: &[Row]) -> String {
    let ratio = |(few, many): (&Row, &Row)| format!("{:.2}", many.cpu_seconds / few.cpu_seconds);
    let ratios: Vec<String> = rows.iter().zip(rows.iter().skip(1)).map(ratio).collect();
    ratios.join(" and ")
}

/// A stack with so much in it, at the moment when what is due is due.
async fn measure(scale: &Scale, prices: &Prices) -> Result<Row> {
    let clock = Arc::new(ManualClock::new(START));
    let stack = stack::start(Profile::Trackado, Clocks::Manual(Arc::clone(&clock))).await?;
    let (due, erase_at) = cancelled(&stack, "Due").await?;
    clock.advance(LATER);
    let (other, _) = cancelled(&stack, "Other").await?;
    due.copy(&stack, 0, scale.due - 1)?;
    let others = (scale.stored / other.items("core")).max(1);
    other.copy(&stack, 0, others - 1)?;
    stack.meter(true);
    warm(&stack).await?;
    clock.set(erase_at);
    let (watch, before) = (Stopwatch::start(), cpu_seconds());
    let planned = task(&stack, "retention-plan").await?;
    let plan = Spent::by(&stack, &["retention-plan"]);
    clock.advance(Duration::from_secs(61));
    let purged = task(&stack, "erasure-purge").await?;
    let purge = Spent::by(&stack, &["erasure-purge"]);
    task(&stack, "ledger-seal").await?;
    let seal = Spent::by(&stack, &["ledger-seal"]);
    let (seconds, cpu_seconds) = (watch.elapsed().as_secs_f64(), cpu_seconds() - before);
    let due_units = planned["erased"].as_u64().unwrap_or_default();
    if due_units != 2 * scale.due as u64 || purged["sealed"] != due_units || purged["open"] != 0 {
        return Err(format!(
            "{} organisations were due: {planned}, {purged}",
            scale.due
        ));
    }
    let deleted_items = deleted(&stack)?;
    let mut row = Row {
        stored_items: others * other.items("core"),
        due_units,
        deleted_items,
        seconds,
        cpu_seconds,
        plan,
        purge,
        seal,
        dollars_per_million_items: 0.0,
        dollars_per_million_units: 0.0,
    };
    let dollars = row.total().dollars(prices) * 1e6;
    row.dollars_per_million_items = dollars / deleted_items as f64;
    row.dollars_per_million_units = dollars / due_units as f64;
    Ok(row)
}

/// An organisation that imported something and is cancelled, and when its content goes.
async fn cancelled(stack: &Stack, name: &str) -> Result<(Pattern, Timestamp)> {
    let customer = Customer::register(stack.origin(), name).await?;
    customer.import(name, LINES).await?;
    customer.bill().await?;
    let path = "/v1/organisation/cancel";
    let cancelled = customer.client.post(path, &Value::Null, 200).await?.json()?;
    let classes = cancelled["retention"].as_array().into_iter().flatten();
    let content = classes.into_iter().find(|entry| entry["class"] == "content");
    let at = text(content.ok_or("content is not erased")?, "/erase_at")?;
    let at = at.parse().map_err(|_| format!("{at} is no instant"))?;
    Ok((Pattern::of(stack, &customer).await?, at))
}

/// Runs every task while nothing is due: what a container does once is done.
async fn warm(stack: &Stack) -> Result<()> {
    for name in ["retention-plan", "erasure-purge", "ledger-seal"] {
        task(stack, name).await?;
    }
    stack.clear_calls();
    Ok(())
}

async fn task(stack: &Stack, name: &str) -> Result<Value> {
    let report = stack
        .run_task(name, json!({}), SignedDuration::from_secs(3_600))
        .await;
    report.map_err(|error| format!("{name}: {error}"))
}

/// How many items the receipts say were deleted.
fn deleted(stack: &Stack) -> Result<u64> {
    let mut sum = 0;
    for item in stack.export("control")? {
        if !item.contains("JOB#") {
            continue;
        }
        let job: Value = serde_json::from_str(&item).map_err(|error| error.to_string())?;
        for unit in job["units"]["L"].as_array().into_iter().flatten() {
            let items = unit["M"]["items"]["N"]
                .as_str()
                .and_then(|items| items.parse::<u64>().ok());
            sum += items.unwrap_or_default();
        }
    }
    Ok(sum)
}
