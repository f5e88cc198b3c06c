//! `boot`: every Lambda binary is started as Lambda starts it, and answers one real event.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local::output::say;
use local::runtime_api::{Bootstrap, Deadline, RuntimeApi};
use local::{Clocks, Stack};
use serde_json::Value;
use shared::policy::Profile;

use crate::cases::{self, ROUTE_CASES, TASK_CASES};
use crate::clock::{self, Stopwatch};
use crate::stage::Stage;
use crate::{Result, build, stack};
use doorbell::Doorbell;

pub(crate) mod doorbell;
pub(crate) mod event;

/// How long a function may take to start and answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Of what a function that failed wrote, this much is shown.
const SHOWN_LINES: usize = 10;

struct Boot {
    binaries: PathBuf,
    stack: Stack,
    passed: usize,
    failed: usize,
}

/// What a function answered, and how long it took.
struct Answered {
    answer: Value,
    init: Duration,
    invoke: Duration,
}

/// Starts every function; says whether each answered as it must.
pub(crate) async fn run(release: bool) -> Result<bool> {
    cases::complete()?;
    say("Building the functions");
    let binaries = build::cargo_build(&["-p", "functions", "--bins"], release)?;
    // Processes of their own have the machine's clock, so the stack has it, too.
    let stack = stack::start(Profile::Trackado, Clocks::Shifted).await?;
    let stage = Stage::set(&stack, "Boot").await?;
    let mut boot = Boot {
        binaries,
        stack,
        passed: 0,
        failed: 0,
    };
    for case in ROUTE_CASES {
        let event = event::of(&case.call(&stage)?.at(boot.stack.origin())?)?;
        let expected = case.status;
        boot.try_out(case.name, event, |answer| event::check(answer, expected))
            .await;
    }
    for case in TASK_CASES {
        boot.try_out(case.name, (case.input)(&stage), report).await;
    }
    say(&format!("{} passed, {} failed", boot.passed, boot.failed));
    Ok(boot.failed == 0)
}

/// Whether a task's answer is a report.
fn report(answer: &Value) -> Result<String> {
    if answer.is_object() {
        Ok("ok".to_owned())
    } else {
        Err(format!("{answer} is no report"))
    }
}

impl Boot {
    async fn try_out(&mut self, name: &str, event: Value, check: impl FnOnce(&Value) -> Result<String>) {
        let mut output = Vec::new();
        let outcome = self.ask(name, event, &mut output).await.and_then(|answered| {
            let status = check(&answered.answer)?;
            Ok((status, answered))
        });
        match outcome {
            Ok((status, Answered { init, invoke, .. })) => {
                self.passed += 1;
                let (init, invoke) = (init.as_millis(), invoke.as_millis());
                say(&format!(
                    "{name:<26} {status:>4}  init {init:>5} ms  invoke {invoke:>5} ms"
                ));
            }
            Err(error) => {
                self.failed += 1;
                say(&format!("{name:<26} FAIL  {error}"));
                for line in output.iter().skip(output.len().saturating_sub(SHOWN_LINES)) {
                    say(&format!("    {line}"));
                }
            }
        }
    }

    /// Starts a function with its event waiting, as a cold start is. It ends with this call.
    async fn ask(&self, name: &str, event: Value, output: &mut Vec<String>) -> Result<Answered> {
        let failed = |error: std::io::Error| format!("it cannot be started: {error}");
        let runtime = RuntimeApi::start_for(name).await.map_err(failed)?;
        let doorbell = Doorbell::before(runtime.address()).await.map_err(failed)?;
        let environment = environment(&self.stack, name, &doorbell)?;
        let started = Stopwatch::start();
        let process =
            Bootstrap::spawn(&executable(&self.binaries, name), &environment, &runtime).map_err(failed)?;
        let answer = runtime.invoke(event, Deadline::after(clock::now(), LIMIT)).await;
        let ended = Stopwatch::start();
        *output = process.output();
        let answer = answer.map_err(|error| error.to_string())?;
        let rang = doorbell.rang().ok_or("it answered without asking for an event")?;
        Ok(Answered {
            answer,
            init: started.until(rang),
            invoke: rang.until(ended),
        })
    }
}

fn executable(binaries: &Path, name: &str) -> PathBuf {
    binaries.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// The function's own environment, with the doorbell in front of the Runtime API.
fn environment(stack: &Stack, name: &str, doorbell: &Doorbell) -> Result<HashMap<String, String>> {
    let mut environment = stack.environment(name);
    if environment.is_empty() {
        return Err("template.yaml has no such function".to_owned());
    }
    environment.insert(
        "AWS_LAMBDA_RUNTIME_API".to_owned(),
        doorbell.address().to_string(),
    );
    Ok(environment)
}
