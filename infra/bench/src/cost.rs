//! `cost`: what each function asks of AWS, counted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use functions::registry::{ROUTES, TASKS};
use http::{Response, StatusCode};
use jiff::{SignedDuration, Span, Timestamp};
use local::output::{complain, say};
use local::{Clocks, Fault, Stack};
use serde_json::{Value, json};
use shared::clock::ManualClock;
use shared::policy::Profile;

use crate::api::Client;
use crate::cases::{self, ROUTE_CASES, TASK_CASES};
use crate::price::Calculator;
use crate::stage::Stage;
use crate::{Result, build, customer, stack};
use table::{Row, markdown};

mod table;

/// When it begins: an ordinary Monday noon.
const START: Timestamp = Timestamp::constant(1_795_435_200, 0);

/// What the design promises, in round trips to DynamoDB.
const PROMISED: [(&str, usize); 2] = [("records-get", 1), ("records-create", 2)];

/// Two rounds: the first is thrown away, for it warms the containers; what they keep, they have in the second.
const ROUNDS: [&str; 2] = ["Warming", "Measured"];

/// The tasks that are measured with the input of their cases, and what they find.
const OPERATED: [(&str, &str); 6] = [
    ("holds-place", "a unit"),
    ("holds-release", "a unit"),
    ("staff-invite", "somebody new"),
    ("staff-remove", "somebody without a session"),
    ("keys-warn", "no key ends soon"),
    ("invitations-expire", "no invitation to delete"),
];

struct Bench {
    stack: Stack,
    clock: Arc<ManualClock>,
    rows: Vec<Row>,
}

/// Performs everything and writes the table; says whether it is as promised.
pub(crate) async fn run() -> Result<bool> {
    cases::complete()?;
    let clock = Arc::new(ManualClock::new(START));
    let stack = stack::start(Profile::Trackado, Clocks::Manual(Arc::clone(&clock))).await?;
    stack.meter(true);
    let mut bench = Bench {
        stack,
        clock,
        rows: Vec::new(),
    };
    for word in ROUNDS {
        bench.rows.clear();
        bench.round(word).await?;
    }
    let wrong = bench.wrong();
    let calculator = Calculator::new()?;
    for row in &mut bench.rows {
        let price = calculator.price(&row.usage(bench.stack.memory_mb(row.name)))?;
        (row.billed_ms, row.dollars_per_million) = (price.billed_ms, price.dollars_per_million);
    }
    let circumstances = build::circumstances();
    let text = markdown(&circumstances, &bench.rows, &calculator.prices);
    keep(&circumstances, &bench.rows, &text)?;
    say(&text);
    for line in &wrong {
        complain(line);
    }
    Ok(wrong.is_empty())
}

impl Bench {
    async fn round(&mut self, word: &str) -> Result<()> {
        let stage = Stage::set(&self.stack, word).await?;
        // What the stage erased is finished first, so that there is a receipt and the tasks' figures are their own.
        self.settle().await?;
        for case in ROUTE_CASES {
            let call = case.call(&stage)?.at(self.stack.origin())?;
            self.stack.clear_calls();
            let reply = crate::api::send(call).await?;
            let reply = reply
                .must_be(case.status)
                .map_err(|error| format!("{}: {error}", case.name))?;
            self.note(case.name, "", &reply.status.to_string())?;
        }
        self.settle().await?;
        self.operator(&stage).await?;
        self.mails(word).await?;
        self.erasure().await
    }

    /// Lets the schedules finish what is erased and send what waits, within the minutes for which a sign-in is recent.
    async fn settle(&self) -> Result<()> {
        for name in ["mail-retry", "keys-warn", "invitations-expire"] {
            self.perform(name, json!({})).await?;
        }
        for name in ["erasure-purge", "erasure-purge", "ledger-seal"] {
            self.clock.advance(Duration::from_secs(61));
            self.perform(name, json!({})).await?;
        }
        Ok(())
    }

    /// What the operator runs, and what finds nothing to warn of.
    async fn operator(&mut self, stage: &Stage) -> Result<()> {
        for (name, situation) in OPERATED {
            let case = TASK_CASES
                .iter()
                .find(|case| case.name == name)
                .ok_or("there is no such case")?;
            self.task(name, situation, (case.input)(stage)).await?;
        }
        Ok(())
    }

    async fn mails(&mut self, word: &str) -> Result<()> {
        self.task("mail-retry", "no mail waits", json!({})).await?;
        self.stack.set_fault(|request| match request.service.as_str() {
            "ses" => Fault::Respond(refused()),
            _ => Fault::None,
        });
        let anonymous = Client::anonymous(self.stack.origin());
        let registration = customer::registration(&anonymous, &format!("Ivan{word}")).await?;
        anonymous.post("/v1/auth/register", &registration, 202).await?;
        self.stack.clear_fault();
        self.clock.advance(Duration::from_secs(3600));
        self.task("mail-retry", "a mail waits", json!({})).await
    }

    /// One organisation is cancelled; its periods end, and its data goes.
    async fn erasure(&mut self) -> Result<()> {
        self.task("retention-plan", "nothing is due", json!({})).await?;
        self.task("erasure-purge", "nothing to do", json!({})).await?;
        self.task("ledger-seal", "no receipt waits", json!({})).await?;
        let later = self
            .stack
            .instant_after(Span::new().months(18))
            .map_err(|error| error.to_string())?;
        self.clock.set(later);
        self.task("retention-plan", "a cancelled organisation is due", json!({}))
            .await?;
        self.task("erasure-purge", "purges it", json!({})).await?;
        self.clock.advance(Duration::from_secs(61));
        self.task("erasure-purge", "verifies and seals it", json!({}))
            .await?;
        self.task("ledger-seal", "its receipts wait", json!({})).await?;
        self.task("ledger-verify", "the whole ledger", json!({})).await
    }

    async fn task(&mut self, name: &'static str, situation: &'static str, input: Value) -> Result<()> {
        self.stack.clear_calls();
        let report = self.perform(name, input).await?;
        self.note(name, situation, "ok")?;
        if let Some(row) = self.rows.last_mut() {
            row.report = report;
        }
        Ok(())
    }

    async fn perform(&self, name: &str, input: Value) -> Result<Value> {
        let budget = SignedDuration::from_secs(60);
        let report = self.stack.run_task(name, input, budget).await;
        report.map_err(|error| format!("{name}: {error}"))
    }

    /// Adds up what was asked of AWS since the calls were cleared, which is all this function's.
    fn note(&mut self, name: &'static str, situation: &'static str, status: &str) -> Result<()> {
        let calls = self.stack.calls();
        if let Some(stranger) = calls.iter().find(|call| call.function != name) {
            return Err(format!(
                "{} called AWS while {name} was measured",
                stranger.function
            ));
        }
        self.rows.push(Row::new(name, situation, status, &calls));
        Ok(())
    }

    /// What is not as promised.
    fn wrong(&self) -> Vec<String> {
        let names = ROUTES
            .iter()
            .map(|route| route.name)
            .chain(TASKS.iter().map(|task| task.name));
        let missing = names.filter(|name| !self.rows.iter().any(|row| row.name == *name));
        let mut wrong: Vec<String> = missing.map(|name| format!("{name} was not measured")).collect();
        for row in &self.rows {
            let promised = PROMISED.iter().find(|(name, _)| *name == row.name);
            if let Some((name, trips)) = promised.filter(|(_, trips)| *trips != row.round_trips) {
                wrong.push(format!(
                    "{name}: {trips} round trips are promised, {} were made",
                    row.round_trips
                ));
            }
            if row.kms > 0 {
                wrong.push(format!("{}: a warm container asked KMS", row.name));
            }
        }
        wrong
    }
}

/// SES's answer to a mail that it does not take, which no client repeats by itself.
fn refused() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"{\"message\":\"refused\"}"));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let kind = http::HeaderValue::from_static("MailFromDomainNotVerifiedException");
    response.headers_mut().insert("x-amzn-errortype", kind);
    response
}

fn keep(circumstances: &Value, rows: &[Row], text: &str) -> Result<()> {
    let directory = Path::new(build::HERE).join("results");
    let mut result = circumstances.clone();
    result["profile"] = Profile::Trackado.as_str().into();
    result["rows"] = json!(rows);
    let result = serde_json::to_string_pretty(&result).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&directory)
        .and_then(|()| std::fs::write(directory.join("cost.json"), result + "\n"))
        .and_then(|()| std::fs::write(directory.join("cost.md"), text))
        .map_err(|error| format!("{}: {error}", directory.display()))
}
