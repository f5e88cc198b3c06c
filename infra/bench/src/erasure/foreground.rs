//! What others notice of erasures: their throughput with and without a purge that never ends, in turns.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use local::{Clocks, Fault, Stack};
use serde::Serialize;
use serde_json::{Value, json};
use shared::policy::Profile;
use tokio::sync::Notify;

use crate::api::text;
use crate::clock::Stopwatch;
use crate::customer::Customer;
use crate::limits::forget_limits;
use crate::mix::{self, Door, SIGNED_IN, Visitor};
use crate::page::{Page, number, quantile};
use crate::population::Pattern;
use crate::{Result, stack};

/// Others at work at the same time.
const VISITORS: usize = 8;

/// Lines that each organisation which is erased had imported: about two thousand items.
const LINES: usize = 500;

/// How long a call to AWS takes on its way, in the setting that is like AWS.
const WAY: Duration = Duration::from_millis(4);

/// The purge deletes so many items with one call.
const DELETED_AT_ONCE: usize = 25;

/// What the setting is, and what it came to.
#[derive(Serialize)]
struct Setting {
    name: &'static str,
    pairs: Vec<(Window, Window)>,
}

/// What was done within a span of time.
#[derive(Default, Clone, Copy, Serialize)]
struct Window {
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    deleted_per_second: f64,
}

impl Setting {
    /// The share of the throughput that is lost while erasures run: the median of the pairs.
    fn drop(&self) -> f64 {
        let mut drops: Vec<f64> = self
            .pairs
            .iter()
            .map(|(quiet, busy)| 1.0 - busy.requests_per_second / quiet.requests_per_second)
            .collect();
        drops.sort_by(f64::total_cmp);
        quantile(&drops, 0.5)
    }

    fn cells(&self) -> Vec<String> {
        let median = |of: fn(&(Window, Window)) -> f64| {
            let mut values: Vec<f64> = self.pairs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            number(quantile(&values, 0.5))
        };
        vec![
            self.name.to_owned(),
            self.pairs.len().to_string(),
            median(|(quiet, _)| quiet.requests_per_second),
            median(|(_, busy)| busy.requests_per_second),
            format!("{:.1} %", self.drop() * 100.0),
            median(|(quiet, _)| quiet.p50_ms),
            median(|(_, busy)| busy.p50_ms),
            median(|(quiet, _)| quiet.p99_ms),
            median(|(_, busy)| busy.p99_ms),
            median(|(_, busy)| busy.deleted_per_second),
        ]
    }
}

const HEADINGS: [&str; 10] = [
    "Setting",
    "Pairs",
    "Requests/s without",
    "With",
    "Drop",
    "p50 ms without",
    "With",
    "p99 ms without",
    "With",
    "Items deleted/s",
];

/// Adds what was measured to the page.
pub(super) async fn measure(smoke: bool, page: &mut Page) -> Result<()> {
    let (pairs, span) = if smoke { (1, 400) } else { (7, 3_000) };
    let span = Duration::from_millis(span);
    let scene = Scene::set(if smoke { 8 } else { LINES }).await?;
    let mut settings = Vec::new();
    for (name, way) in [
        ("each call takes 4 ms", Some(WAY)),
        ("no call takes any time", None),
    ] {
        settings.push(scene.measure(name, way, pairs, span).await?);
    }
    let rows: Vec<_> = settings.iter().map(Setting::cells).collect();
    page.table("What others notice", &HEADINGS, &rows);
    page.paragraph(&explained());
    page.data("foreground", json!(settings));
    page.data(
        "foreground_drop",
        json!(settings.iter().map(Setting::drop).collect::<Vec<_>>()),
    );
    Ok(())
}

fn explained() -> String {
    format!(
        "{VISITORS} visitors of other organisations, one request after the other, straight into the stack of this \
         process:\n{}.\nIn every second window `retention-plan` and `erasure-purge` run as well, one after the other \
         without a pause, on\norganisations of two thousand items; the order of the two windows changes from pair to \
         pair. Everything is the median\nof the pairs. In the first setting each call to AWS waits 4 ms on its way, as \
         it does there, so that the processor is\nnot what limits: what is left is what the erasure itself does to \
         others. In the second setting nothing waits, and\nvisitors, purge and the tables, which are one SQLite that \
         does one thing at a time, share the processor of this\nmachine; Lambda and DynamoDB do not share one.",
        mix::described(SIGNED_IN)
    )
}

/// A stack with visitors, and a supply of organisations that are due.
struct Scene {
    stack: Stack,
    due: Pattern,
    copied: std::cell::Cell<usize>,
    joined: std::cell::Cell<usize>,
}

impl Scene {
    async fn set(lines: usize) -> Result<Self> {
        let stack = stack::start(Profile::Trackado, Clocks::Shifted).await?;
        let customer = Customer::register(stack.origin(), "Due").await?;
        customer.import("Due", lines).await?;
        let path = "/v1/organisation/cancel";
        let cancelled = customer.client.post(path, &Value::Null, 200).await?.json()?;
        let due = Pattern::of(&stack, &customer).await?;
        let at = text(&cancelled, "/retention/0/erase_at")?;
        let at = at.parse().map_err(|_| format!("{at} is no instant"))?;
        stack.move_clock(at).await.map_err(|error| error.to_string())?;
        Ok(Self {
            stack,
            due,
            copied: 0.into(),
            joined: 0.into(),
        })
    }

    async fn measure(
        &self,
        name: &'static str,
        way: Option<Duration>,
        pairs: usize,
        span: Duration,
    ) -> Result<Setting> {
        let joined = self.joined.replace(self.joined.get() + 1);
        // Their tokens must last as long as the setting does, over which the clock is moved.
        forget_limits(&self.stack).await?;
        let mut visitors = Vec::new();
        for number in 0..VISITORS {
            let name = format!("Eve{joined}x{number}");
            let customer = Customer::register(self.stack.origin(), &name).await?;
            let door = Door::Stack(self.stack.clone());
            visitors.push(Visitor::new(door, SIGNED_IN, &customer, name).await?);
        }
        // The first window warms up.
        self.window(&mut visitors, (span, way), false).await?;
        let mut setting = Setting {
            name,
            pairs: Vec::new(),
        };
        for pair in 0..pairs {
            let mut windows = [Window::default(); 2];
            for turn in 0..2 {
                let busy = (pair + turn) % 2 == 1;
                windows[usize::from(busy)] = self.window(&mut visitors, (span, way), busy).await?;
            }
            setting.pairs.push((windows[0], windows[1]));
        }
        Ok(setting)
    }

    /// Lets the visitors work for a while, with erasures beside them or without.
    async fn window(
        &self,
        visitors: &mut Vec<Visitor>,
        (span, way): (Duration, Option<Duration>),
        busy: bool,
    ) -> Result<Window> {
        if busy {
            self.supply(span, way)?;
        }
        if let Some(way) = way {
            delay(&self.stack, way);
        }
        self.stack.clear_calls();
        let erasing = busy.then(|| tokio::spawn(erase(self.stack.clone(), span)));
        let watch = Stopwatch::start();
        let work = std::mem::take(visitors).into_iter().map(|mut visitor| {
            tokio::spawn(async move {
                let mut times = Vec::new();
                while watch.elapsed() < span {
                    let done = visitor.step().await;
                    match done.error {
                        Some(error) => return Err(format!("{}: {error}", done.action.route())),
                        None => times.push(done.micros),
                    }
                }
                Ok((visitor, times))
            })
        });
        let mut times = Vec::new();
        for done in join_all(work).await {
            let (visitor, own) = done.map_err(|error| error.to_string())??;
            visitors.push(visitor);
            times.extend(own);
        }
        let seconds = watch.elapsed().as_secs_f64();
        let deleted = self.deleted();
        self.stack.clear_fault();
        if let Some(erasing) = erasing {
            erasing.await.map_err(|error| error.to_string())??;
            self.clear_away().await?;
        }
        times.sort_unstable();
        let millis = |share: f64| quantile(&times, share) as f64 / 1e3;
        Ok(Window {
            requests_per_second: times.len() as f64 / seconds,
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
            deleted_per_second: deleted as f64 / seconds,
        })
    }

    /// Makes more organisations due than can be erased within that time.
    fn supply(&self, span: Duration, way: Option<Duration>) -> Result<()> {
        let each = if way.is_some() { 500 } else { 200 };
        let times = usize::try_from(span.as_millis() / each).unwrap_or_default() + 2;
        let first = self.copied.replace(self.copied.get() + times);
        self.due.copy(&self.stack, first, times)
    }

    /// Finishes what a window left, so that the next one begins with nothing to do.
    async fn clear_away(&self) -> Result<()> {
        let quiet = self.stack.now().saturating_add(SignedDuration::from_secs(31));
        let quiet = quiet.map_err(|error| error.to_string())?;
        self.stack
            .move_clock(quiet)
            .await
            .map_err(|error| error.to_string())?;
        for name in ["retention-plan", "erasure-purge", "ledger-seal"] {
            run(&self.stack, name, SignedDuration::from_secs(25)).await?;
        }
        Ok(())
    }

    fn deleted(&self) -> usize {
        let kind = (
            "erasure-purge",
            "dynamodb".to_owned(),
            "BatchWriteItem".to_owned(),
        );
        let sum = self.stack.call_sums().get(&kind).copied().unwrap_or_default();
        sum.calls * DELETED_AT_ONCE
    }
}

/// Erases without a pause for as long.
async fn erase(stack: Stack, span: Duration) -> Result<()> {
    let watch = Stopwatch::start();
    while watch.elapsed() < span {
        for name in ["retention-plan", "erasure-purge"] {
            let left = SignedDuration::try_from(span.saturating_sub(watch.elapsed()));
            run(&stack, name, left.unwrap_or_default()).await?;
        }
    }
    Ok(())
}

async fn run(stack: &Stack, name: &str, budget: SignedDuration) -> Result<()> {
    let report = stack.run_task(name, json!({}), budget).await;
    report.map(drop).map_err(|error| format!("{name}: {error}"))
}

/// Makes every call wait before it goes on.
fn delay(stack: &Stack, way: Duration) {
    stack.set_fault(move |_| {
        let go_on = Arc::new(Notify::new());
        let arrived = Arc::clone(&go_on);
        drop(tokio::spawn(async move {
            tokio::time::sleep(way).await;
            arrived.notify_one();
        }));
        Fault::Pause(go_on)
    });
}
