//! Everything of the stack but its listeners: the functions, what they work with, the clock and the schedules.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use aws_sdk_dynamodb::types::AttributeValue;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use functions::registry::{self, Task};
use futures::FutureExt as _;
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::{AwsConfig, Config};
use shared::ctx::Ctx;
use shared::entropy::{self, SystemEntropy};
use shared::error::{Error, Result};
use shared::policy::{Policy, Profile};
use shared::task::Deadline;

use crate::aws::{Aws, AwsRequest, CallRecord, Fault};
use crate::clock::{self, ClockError, Time};
use crate::connector;
use crate::deployment::Deployment;
use crate::dynamodb::Tables;
use crate::event::Invocation;
use crate::gateway;
use crate::kms::{Kms, REGION};
use crate::schedule::{ERASURE, Ran, Schedule};
use crate::ses::Ses;

/// A task stops this long before Lambda would stop it.
const SPARE: u64 = 5;

/// How often the erasure tasks are run in turn after the clock moved. Each turn does at least one page of work.
const MAX_TURNS: usize = 200;

/// The last runs that the control page shows.
const KEPT_RUNS: usize = 20;

/// The stack without its listeners. A [`Stack`](crate::Stack) derefs to it.
pub struct Machine {
    pub(crate) profile: Profile,
    pub(crate) policy: Policy,
    pub(crate) origin: String,
    pub(crate) endpoint: String,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) is_new: bool,
    pub(crate) ledger_verifier_key: String,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) aws: Aws,
    pub(crate) time: Time,
    pub(crate) tables: Tables,
    pub(crate) s3: local_s3::Store,
    pub(crate) kms: Kms,
    pub(crate) ses: Ses,
    pub(crate) contexts: Mutex<HashMap<&'static str, Arc<Ctx>>>,
    /// Locked while tasks run by the clock, so that none overlaps itself; none when schedules are off.
    pub(crate) schedule: Option<tokio::sync::Mutex<Schedule>>,
    pub(crate) runs: Mutex<VecDeque<Ran>>,
    /// Held as long as the stack lives, so that no second process works in the directory.
    pub(crate) _lock: Option<File>,
}

impl Machine {
    /// The front of the stand-ins.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Whose policy is executed.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// That policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The API's origin, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where AWS is, for SDK clients and Lambda binaries in other processes.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The key that verifies receipts.
    pub fn ledger_verifier_key(&self) -> &str {
        &self.ledger_verifier_key
    }

    /// Whether this start made the deployment's keys.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The mailbox, which plays the outside world.
    pub fn mails(&self) -> &Ses {
        &self.ses
    }

    /// The keys of KMS, for drills.
    pub fn kms(&self) -> &Kms {
        &self.kms
    }

    /// The buckets.
    pub fn buckets(&self) -> &local_s3::Store {
        &self.s3
    }

    /// Everything at rest but the mailbox, as pairs of a name and bytes: each item, each object version, each row of
    /// their metadata and, for a stack in a directory, each file. For tests that look for traces.
    ///
    /// # Errors
    /// When something cannot be read: a search that skips it would prove nothing.
    pub fn raw_bytes(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut found = self.tables.raw_bytes()?;
        found.extend(self.s3.raw_bytes());
        let mut directories: Vec<PathBuf> = self.directory.iter().cloned().collect();
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).map_err(|error| error.to_string())? {
                let path = entry.map_err(|error| error.to_string())?.path();
                if path.is_dir() {
                    if path.file_name().is_some_and(|name| name != "mailbox") {
                        directories.push(path);
                    }
                } else {
                    let bytes =
                        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                    found.push((path.display().to_string(), bytes));
                }
            }
        }
        Ok(found)
    }

    /// What the function of that name works with: its own environment, identity and policy. It is kept, as a container
    /// is, until [`forget_containers`](Self::forget_containers).
    ///
    /// # Panics
    /// When the registry has no such function.
    pub fn ctx(&self, name: &str) -> Arc<Ctx> {
        self.container(name)
            .expect("the registry has a function of that name")
    }

    fn container(&self, name: &str) -> Result<Arc<Ctx>> {
        let function = self.deployment.function(name).ok_or(Error::NotFound)?;
        // Nothing panics while it holds the lock, so the map is whole.
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ctx) = contexts.get(function.name) {
            return Ok(Arc::clone(ctx));
        }
        let config =
            Config::from(&|variable| function.environment.get(variable).cloned()).map_err(Error::internal)?;
        let aws = shared::aws::Aws::with_http(&config.aws, connector::client(&self.aws));
        let ctx = Arc::new(Ctx::new(config, aws, self.clock(), Arc::new(SystemEntropy))?);
        contexts.insert(function.name, Arc::clone(&ctx));
        Ok(ctx)
    }

    /// The next request to each function starts cold.
    pub fn forget_containers(&self) {
        self.contexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The environment of a function, for its binary in a process of its own. Empty when there is no such function.
    pub fn environment(&self, name: &str) -> HashMap<String, String> {
        self.deployment
            .function(name)
            .map(|function| function.environment.clone())
            .unwrap_or_default()
    }

    /// The items of a table as they lie there: keys and clear attributes.
    ///
    /// # Errors
    /// When there is no such table, or it does not answer.
    pub async fn items(&self, table: &str) -> Result<Vec<Value>, String> {
        let client = self.operator().dynamodb();
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = client
                .scan()
                .table_name(format!("trackwell-{table}"))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|_| format!("There is no table {table}: core, control, keys or ephemeral."))?;
            items.extend(page.items().iter().map(|item| {
                let clear = item.iter().filter_map(|(name, value)| Some((name.clone(), clear(value)?)));
                Value::Object(clear.collect())
            }));
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// The versions and delete markers of a bucket.
    ///
    /// # Errors
    /// When there is no such bucket, or it does not answer.
    pub async fn object_versions(&self, bucket: &str) -> Result<Vec<Value>, String> {
        let client = self.operator().s3();
        let mut found = Vec::new();
        let (mut key, mut version) = (None, None);
        loop {
            let page = client
                .list_object_versions()
                .bucket(format!("trackwell-{bucket}"))
                .set_key_marker(key)
                .set_version_id_marker(version)
                .send()
                .await
                .map_err(|_| format!("There is no bucket {bucket}: files or ledger."))?;
            let one = |key: Option<&str>, version: Option<&str>, marker: bool| {
                serde_json::json!({ "key": key, "version": version, "delete_marker": marker })
            };
            found.extend(page.versions().iter().map(|of| one(of.key(), of.version_id(), false)));
            found.extend(page.delete_markers().iter().map(|of| one(of.key(), of.version_id(), true)));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            key = page.next_key_marker().map(str::to_owned);
            version = page.next_version_id_marker().map(str::to_owned);
        }
    }

    /// Clients with every right, for looking at what is stored; no fault, no policy and no meter applies to them.
    pub fn operator(&self) -> shared::aws::Aws {
        let (access_key, secret_key) = self.deployment.operator();
        let config = AwsConfig {
            region: REGION.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: access_key.to_owned(),
            secret_access_key: secret_key.to_owned(),
            session_token: None,
            system_roots: false,
        };
        shared::aws::Aws::with_http(&config, connector::client(&self.aws))
    }

    /// See [`Aws::set_fault`].
    pub fn set_fault(&self, hook: impl Fn(&AwsRequest) -> Fault + Send + Sync + 'static) {
        self.aws.set_fault(hook);
    }

    /// See [`Aws::clear_fault`].
    pub fn clear_fault(&self) {
        self.aws.clear_fault();
    }

    /// See [`Aws::calls`].
    pub fn calls(&self) -> Vec<CallRecord> {
        self.aws.calls()
    }

    /// See [`Aws::clear_calls`].
    pub fn clear_calls(&self) {
        self.aws.clear_calls();
    }

    /// See [`Aws::meter`].
    pub fn meter(&self, on: bool) {
        self.aws.meter(on);
    }

    /// What functions used so far, as JSON: action, resource and the beginning of the key, by logical id.
    pub fn usage(&self) -> Value {
        self.aws.usage().to_json()
    }

    /// Takes an HTTP request through the gateway to its function and back. Dropping the future ends the function where
    /// it stands, as a kill would.
    pub async fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        let matched = gateway::matched(request.method().as_str(), request.uri().path());
        let name = matched.route.name;
        let timeout = self
            .deployment
            .function(name)
            .map_or(0, |function| function.definition.timeout_seconds);
        let invocation = Invocation {
            request_id: hex::encode(entropy::bytes::<8>(&SystemEntropy)),
            now: self.now(),
            timeout: Duration::from_secs(timeout),
        };
        match self.container(name) {
            Ok(ctx) => gateway::invoke(matched, ctx, invocation, request).await,
            Err(error) => {
                tracing::error!(function = name, %error, "a function does not start");
                gateway::refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// Runs a task by hand.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such task, or whatever the task fails with.
    pub async fn run_task(&self, name: &str, input: Value, budget: SignedDuration) -> Result<Value> {
        let task = registry::task(name).ok_or(Error::NotFound)?;
        let ctx = self.container(name)?;
        (task.handler)(ctx, input, Deadline::after(self.clock(), budget)).await
    }

    /// How long a task has when Lambda runs it.
    pub fn budget(&self, name: &str) -> SignedDuration {
        let timeout = self
            .deployment
            .function(name)
            .map_or(0, |function| function.definition.timeout_seconds);
        SignedDuration::from_secs(i64::try_from(timeout.saturating_sub(SPARE).max(1)).unwrap_or(i64::MAX))
    }

    /// Runs a task as EventBridge does: with an empty input, within its limits, and whatever happens is a report.
    async fn fire(&self, task: &'static Task) -> Ran {
        let at = self.now();
        let budget = self.budget(task.name);
        let limit = Duration::try_from(budget).unwrap_or_default() + Duration::from_secs(SPARE);
        let work = AssertUnwindSafe(self.run_task(task.name, json!({}), budget)).catch_unwind();
        let (report, error) = match tokio::time::timeout(limit, work).await {
            Ok(Ok(Ok(report))) => (Some(report), None),
            Ok(Ok(Err(error))) => (None, Some(error.to_string())),
            Ok(Err(_)) => (None, Some("the task panicked".to_owned())),
            Err(_) => (None, Some("the task ran into its time limit".to_owned())),
        };
        if let Some(error) = &error {
            tracing::error!(task = task.name, error, "a scheduled task failed");
        }
        let ran = Ran {
            task: task.name,
            at,
            report,
            error,
        };
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() == KEPT_RUNS {
            runs.pop_front();
        }
        runs.push_back(ran.clone());
        ran
    }

    /// Runs the tasks whose time has come, each once; none when schedules are off.
    pub async fn fire_due(&self) -> Vec<Ran> {
        let Some(schedule) = &self.schedule else {
            return Vec::new();
        };
        let mut schedule = schedule.lock().await;
        self.fire_all(schedule.take_due(self.now())).await
    }

    async fn fire_all(&self, tasks: Vec<&'static Task>) -> Vec<Ran> {
        let mut ran = Vec::new();
        for task in tasks {
            ran.push(self.fire(task).await);
        }
        ran
    }

    /// The instant that is a span from now, on the calendar of the operator's time zone.
    ///
    /// # Errors
    /// [`ClockError::OutOfRange`].
    pub fn instant_after(&self, span: Span) -> Result<Timestamp, ClockError> {
        clock::after(self.now(), span, self.policy.time_zone())
    }

    /// Moves the clock, runs what became due, and then the erasure tasks in turn until nothing is left for them.
    ///
    /// # Errors
    /// When the clock cannot go there.
    pub async fn move_clock(&self, to: Timestamp) -> Result<Vec<Ran>, ClockError> {
        let Some(schedule) = &self.schedule else {
            self.time.move_to(to)?;
            return Ok(Vec::new());
        };
        let mut schedule = schedule.lock().await;
        self.time.move_to(to)?;
        let mut all = self.fire_all(schedule.take_due(self.now())).await;
        for _ in 0..MAX_TURNS {
            let turn = self
                .fire_all(ERASURE.into_iter().filter_map(registry::task).collect())
                .await;
            let more = turn.iter().any(Ran::left_work) && turn.iter().all(|ran| ran.error.is_none());
            all.extend(turn);
            if !more {
                return Ok(all);
            }
        }
        tracing::warn!("the erasure tasks still have work; the schedules go on with it");
        Ok(all)
    }

    /// What time it is for the functions.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// The functions' clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.time.clock()
    }
}

/// An attribute that lies in the clear, as JSON; `None` for bytes, which are sealed.
fn clear(value: &AttributeValue) -> Option<Value> {
    match value {
        AttributeValue::S(text) => Some(Value::from(text.as_str())),
        AttributeValue::N(number) => Some(Value::from(number.as_str())),
        AttributeValue::Bool(truth) => Some(Value::from(*truth)),
        AttributeValue::L(values) => Some(values.iter().filter_map(clear).collect()),
        AttributeValue::M(map) => {
            Some(Value::Object(map.iter().filter_map(|(name, value)| Some((name.clone(), clear(value)?))).collect()))
        }
        _ => None,
    }
}
