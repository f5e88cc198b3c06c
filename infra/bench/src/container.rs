//! A function's binary as Lambda starts it, before an API that hands it one event after the other.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use local::runtime_api::{Bootstrap, Deadline, RuntimeApi};
use serde_json::Value;

use crate::Result;
use crate::boot::doorbell::Doorbell;
use crate::clock::{self, Stopwatch};
use crate::process::{self, Used};

/// How long a function may take to start, and to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// A started function; it ends when it is dropped.
pub(crate) struct Container {
    runtime: RuntimeApi,
    process: Bootstrap,
    id: u32,
    /// From the start of the process to its first request for an event.
    pub(crate) init: Duration,
    _doorbell: Doorbell,
}

impl Container {
    /// Starts a binary and waits until it asks for its first event.
    pub(crate) async fn start(
        name: &str,
        binaries: &Path,
        mut environment: HashMap<String, String>,
    ) -> Result<Self> {
        let failed = |error: std::io::Error| format!("{name} cannot be started: {error}");
        let runtime = RuntimeApi::start_for(name).await.map_err(failed)?;
        let doorbell = Doorbell::before(runtime.address()).await.map_err(failed)?;
        environment.insert(
            "AWS_LAMBDA_RUNTIME_API".to_owned(),
            doorbell.address().to_string(),
        );
        let started = Stopwatch::start();
        let process = Bootstrap::spawn(&binaries.join(name), &environment, &runtime).map_err(failed)?;
        let rang = tokio::time::timeout(LIMIT, doorbell.ring()).await.ok().flatten();
        let rang = rang.ok_or_else(|| format!("{name} does not start: {}", process.output().join("\n")))?;
        let id = process.process_id().ok_or("the process has no id")?;
        Ok(Self {
            runtime,
            process,
            id,
            init: started.until(rang),
            _doorbell: doorbell,
        })
    }

    /// Hands it an event; gives the answer and how long it took.
    pub(crate) async fn ask(&self, event: Value) -> Result<(Value, Duration)> {
        let asked = Stopwatch::start();
        let answer = self
            .runtime
            .invoke(event, Deadline::after(clock::now(), LIMIT))
            .await;
        let took = asked.elapsed();
        let name = self.runtime.function();
        let answer =
            answer.map_err(|error| format!("{name}: {error}\n{}", self.process.output().join("\n")))?;
        Ok((answer, took))
    }

    /// What it has used so far.
    pub(crate) async fn used(&self) -> Result<Used> {
        process::at_rest(self.id).await
    }
}
