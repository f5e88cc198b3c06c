//! `erasure`: how long it takes until an account of some size is unreadable and until its receipt is signed, what that
//! costs, and what others notice of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use local::output::complain;
use local::{Clocks, Fault, Stack};
use serde::Serialize;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::api::{Call, text};
use crate::clock::Stopwatch;
use crate::customer::Customer;
use crate::limits::forget_limits;
use crate::page::{Page, number, quantile};
use crate::price::Prices;
use crate::spent::Spent;
use crate::{Result, stack};

mod foreground;

/// The route that erases, and the tasks that finish it.
const ERASING: [&str; 3] = ["me-delete", "erasure-purge", "ledger-seal"];

/// Items that belong to an account whatever it holds.
const BESIDE: usize = 16;

/// What was measured with accounts of one size.
#[derive(Serialize)]
struct Row {
    items: u64,
    object_versions: u64,
    accounts: usize,
    /// Milliseconds from the request to the end of the transaction that destroys the keys.
    unreadable: [f64; 2],
    /// Milliseconds from the request to its answer.
    answered: [f64; 2],
    /// Milliseconds of work from the request until the receipt is signed.
    sealed: [f64; 2],
    /// Transactions until everything is unreadable.
    transactions: usize,
    spent: Spent,
    dollars: f64,
}

/// How one account was erased.
#[derive(Default, Clone, Copy)]
struct Erased {
    unreadable: f64,
    answered: f64,
    sealed: f64,
    transactions: usize,
    items: u64,
    object_versions: u64,
    spent: Spent,
}

/// Measures everything; says whether it is as promised.
pub(crate) async fn run(smoke: bool) -> Result<bool> {
    let prices = Prices::read()?;
    // Each size with as many accounts.
    let sizes: &[(usize, usize)] = if smoke {
        &[(80, 2), (400, 1)]
    } else {
        &[(80, 21), (2_000, 11), (20_000, 7)]
    };
    let stack = start().await?;
    let mut rows = Vec::new();
    for &(items, accounts) in sizes {
        rows.push(size(&stack, items, accounts, &prices).await?);
    }
    drop(stack);
    let mut wrong = Vec::new();
    for row in &rows {
        if row.transactions != 1 {
            let Row {
                items, transactions, ..
            } = row;
            wrong.push(format!("{items} items took {transactions} transactions to shred"));
        }
    }
    for (few, many) in rows.iter().zip(rows.iter().skip(1)) {
        let (before, after) = (per_item(few), per_item(many));
        if after > before {
            wrong.push(format!(
                "an item of {} costs {after:.2} units, of {} {before:.2}",
                many.items, few.items
            ));
        }
    }
    let mut page = Page::new("erasure", "How an account is erased", INTRO);
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    page.table(
        "Time",
        &TIMES,
        &cells.iter().map(|(times, _)| times.clone()).collect::<Vec<_>>(),
    );
    page.paragraph(SEALED);
    page.table(
        "Cost",
        &COSTS,
        &cells.into_iter().map(|(_, costs)| costs).collect::<Vec<_>>(),
    );
    page.data("accounts", json!(rows));
    foreground::measure(smoke, &mut page).await?;
    page.finish(smoke)?;
    for line in &wrong {
        complain(line);
    }
    Ok(wrong.is_empty())
}

const INTRO: &str = "\
Each account has one person and one organisation, with records, their events and guards, and a file for every fortieth\n\
record. It is erased by `DELETE /v1/me` in the profile `trackr`. One account of each size is measured for its cost, the\n\
others for their time.";

const SEALED: &str = "\
*Unreadable* is the end of the one transaction that destroys the keys. The request then goes on purging for two seconds\n\
at most. *Sealed* is all the work until the receipt is signed; the wait for the longest possible request (30 s) and for\n\
the schedule (at most a minute) is skipped by moving the clock, and comes on top.";

const TIMES: [&str; 10] = [
    "Items",
    "Object versions",
    "Accounts",
    "Transactions to shred",
    "Unreadable, median ms",
    "p95",
    "Answered, median ms",
    "p95",
    "Sealed, median ms",
    "p95",
];

const COSTS: [&str; 9] = [
    "Items",
    "Round trips",
    "S3",
    "Read units",
    "Write units",
    "Round trips per item",
    "Units per item",
    "$ per account",
    "$ per million items",
];

/// What an item costs, in units of both kinds.
fn per_item(row: &Row) -> f64 {
    row.spent.units() / row.items as f64
}

impl Row {
    /// Its cells in the table of times and in that of costs.
    fn cells(&self) -> (Vec<String>, Vec<String>) {
        let items = self.items as f64;
        let counts = [
            self.items,
            self.object_versions,
            self.accounts as u64,
            self.transactions as u64,
        ];
        let times = [self.unreadable, self.answered, self.sealed];
        let times = counts
            .iter()
            .map(u64::to_string)
            .chain(times.as_flattened().iter().map(|millis| number(*millis)));
        let costs = [
            items,
            self.spent.round_trips as f64,
            self.spent.s3 as f64,
            self.spent.read_units,
            self.spent.write_units,
            self.spent.round_trips as f64 / items,
            per_item(self),
        ];
        let costs = costs.iter().map(|value| number(*value));
        let dollars = [format!("{:.6}", self.dollars), number(self.dollars / items * 1e6)];
        (times.collect(), costs.chain(dollars).collect())
    }
}

/// A stack whose clock runs, and can be moved.
async fn start() -> Result<Stack> {
    stack::start(Profile::Trackr, Clocks::Shifted).await
}

async fn size(stack: &Stack, items: usize, accounts: usize, prices: &Prices) -> Result<Row> {
    // The first one also warms the containers; its times are not used.
    stack.meter(true);
    let metered = one(stack, items, 0).await?;
    stack.meter(false);
    let mut timed = Vec::new();
    for number in 1..=accounts {
        timed.push(one(stack, items, number).await?);
    }
    let both = |of: fn(&Erased) -> f64| {
        let mut times: Vec<f64> = timed.iter().map(of).collect();
        times.sort_by(f64::total_cmp);
        [quantile(&times, 0.5), quantile(&times, 0.95)]
    };
    Ok(Row {
        items: metered.items,
        object_versions: metered.object_versions,
        accounts,
        unreadable: both(|erased| erased.unreadable),
        answered: both(|erased| erased.answered),
        sealed: both(|erased| erased.sealed),
        transactions: timed
            .iter()
            .chain([&metered])
            .map(|erased| erased.transactions)
            .max()
            .unwrap_or_default(),
        spent: metered.spent,
        dollars: metered.spent.dollars(prices),
    })
}

/// Makes an account of about so many items, and erases it.
async fn one(stack: &Stack, items: usize, number: usize) -> Result<Erased> {
    forget_limits(stack).await?;
    let customer = Customer::register(stack.origin(), &format!("Ada{items}x{number}")).await?;
    fill(&customer, items.saturating_sub(BESIDE) / 4).await?;
    stack.clear_calls();
    let watcher = Watcher::set(stack);
    let watch = Stopwatch::start();
    let call = Call::new(Method::DELETE, "/v1/me");
    let reply = customer.client.call(call).await?.must_be(202)?;
    let answered = watch.elapsed();
    stack.clear_fault();
    let (transactions, unreadable) = watcher.seen()?;
    let erasure = reply.text("/erasure_id")?;
    let work = answered + finish(stack, &customer, &erasure).await?;
    let (items, object_versions) = counted(&customer, &erasure).await?;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(Erased {
        unreadable: millis(unreadable),
        answered: millis(answered),
        sealed: millis(work),
        transactions,
        items,
        object_versions,
        spent: Spent::by(stack, &ERASING),
    })
}

/// So many records, with a file for every fortieth.
async fn fill(customer: &Customer, records: usize) -> Result<()> {
    let mut left = records;
    while left > 0 {
        let lines = left.min(5_000);
        customer.import(&format!("part{left}"), lines).await?;
        left -= lines;
    }
    let list = customer.client.get("/v1/records?kind=asset&limit=50").await?;
    let ids = list["data"].as_array().cloned().unwrap_or_default();
    for number in 0..records.div_ceil(40) {
        // A record takes 20 files, so they go to several.
        let id = text(&ids[number % ids.len()], "/id")?;
        customer.attach(&id, &format!("file-{number}.txt")).await?;
    }
    Ok(())
}

/// Lets the schedules finish an erasure, with the clock moved over what they would wait for; how long they worked.
async fn finish(stack: &Stack, customer: &Customer, erasure: &str) -> Result<Duration> {
    let path = format!("/v1/erasures/{erasure}");
    let mut work = Duration::ZERO;
    let later = SignedDuration::from_secs(61);
    for _ in 0..100 {
        let to = stack
            .now()
            .saturating_add(later)
            .map_err(|error| error.to_string())?;
        stack.move_clock(to).await.map_err(|error| error.to_string())?;
        let watch = Stopwatch::start();
        let report = stack
            .run_task("erasure-purge", json!({}), stack.budget("erasure-purge"))
            .await;
        report.map_err(|error| format!("erasure-purge: {error}"))?;
        work += watch.elapsed();
        if customer.client.get(&path).await?["state"] == "sealed" {
            let sealed = stack.run_task("ledger-seal", json!({}), later).await;
            sealed.map_err(|error| format!("ledger-seal: {error}"))?;
            return Ok(work);
        }
    }
    Err(format!("{erasure} is not sealed after a hundred runs"))
}

/// What the receipt says was deleted.
async fn counted(customer: &Customer, erasure: &str) -> Result<(u64, u64)> {
    let erasure = customer.client.get(&format!("/v1/erasures/{erasure}")).await?;
    let receipt = &erasure["receipt"];
    let units = find(receipt, "units").ok_or_else(|| format!("a receipt without units: {receipt}"))?;
    let sum = |name: &str| -> u64 {
        let units = units.as_array().into_iter().flatten();
        units.filter_map(|unit| unit[name].as_u64()).sum()
    };
    Ok((sum("items_deleted"), sum("object_versions_deleted")))
}

/// The value of a name, however deep it lies.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object
        .get(name)
        .or_else(|| object.values().find_map(|value| find(value, name)))
}

/// Sees from the calls of the request when the keys are destroyed: its first transaction does it, and the next call
/// is the first of the purge.
struct Watcher(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    transactions: usize,
    unreadable: Option<Duration>,
}

impl Watcher {
    fn set(stack: &Stack) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (noted, watch) = (Arc::clone(&seen), Stopwatch::start());
        stack.set_fault(move |call| {
            let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
            if call.function == ERASING[0] && seen.unreadable.is_none() {
                match call.operation.as_str() {
                    "TransactWriteItems" => seen.transactions += 1,
                    _ if seen.transactions > 0 => seen.unreadable = Some(watch.elapsed()),
                    _ => {}
                }
            }
            Fault::None
        });
        Self(seen)
    }

    fn seen(&self) -> Result<(usize, Duration)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unreadable = seen.unreadable.ok_or("nothing was shredded")?;
        Ok((seen.transactions, unreadable))
    }
}
