//! Everything of the stack but its listeners: the functions, what they work with, the clock and the schedules.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use shared::clock::Clock;
use shared::config::{AwsConfig, Config};
use shared::ctx::Ctx;
use shared::entropy::{self, SystemEntropy};
use shared::error::{Error, Result};
use shared::policy::{Policy, Profile};

use crate::account::Account;
use crate::aws::{Aws, AwsRequest, CallRecord, CallSums, Fault};
use crate::clock::Time;
use crate::connector;
use crate::deployment::Deployment;
use crate::dynamodb::Tables;
use crate::event::Invocation;
use crate::gateway;
use crate::kms::{Kms, REGION};
use crate::names::Names;
use crate::schedule::{Ran, Schedule};
use crate::ses::Ses;

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
    pub(crate) account: Account,
    pub(crate) ses: Ses,
    pub(crate) names: Names,
    pub(crate) contexts: Mutex<HashMap<&'static str, Arc<Ctx>>>,
    /// Variables of the environment that every function has instead of those of the deployment.
    pub(crate) variables: Mutex<HashMap<String, String>>,
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

    /// The names of the outside world, as the functions resolve them.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The name of the bucket of `files` or of the `ledger`.
    pub fn bucket(&self, which: &str) -> String {
        self.account.bucket(which)
    }

    /// The keys of KMS, for drills.
    pub fn kms(&self) -> &Kms {
        &self.kms
    }

    /// The buckets.
    pub fn buckets(&self) -> &local_s3::Store {
        &self.s3
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

    pub(crate) fn container(&self, name: &str) -> Result<Arc<Ctx>> {
        let function = self.deployment.function(name).ok_or(Error::NotFound)?;
        // Nothing panics while it holds the lock, so the map is whole.
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ctx) = contexts.get(function.name) {
            return Ok(Arc::clone(ctx));
        }
        let changed = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        let variable = |name: &str| {
            changed
                .get(name)
                .or_else(|| function.environment.get(name))
                .cloned()
        };
        let config = Config::from(&variable).map_err(Error::internal)?;
        let aws = shared::aws::Aws::with_http(&config.aws, connector::client(&self.aws));
        let ctx = Arc::new(Ctx::new(config, aws, self.clock(), Arc::new(SystemEntropy))?);
        contexts.insert(function.name, Arc::clone(&ctx));
        Ok(ctx)
    }

    /// Gives every function another value of a variable, as a new deployment of the same code does: containers that have
    /// the old one are gone.
    pub fn redeploy_with(&self, name: &str, value: &str) {
        let mut changed = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(name.to_owned(), value.to_owned());
        drop(changed);
        self.forget_containers();
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

    /// The size of a function's container. 0 when there is no such function.
    pub fn memory_mb(&self, name: &str) -> u64 {
        self.deployment
            .function(name)
            .map_or(0, |function| function.definition.memory_mb)
    }

    /// Clients with every right, for looking at what is stored; no fault, no policy and no meter applies to them.
    pub fn operator(&self) -> shared::aws::Aws {
        let operator = self.deployment.operator().clone();
        let config = AwsConfig {
            region: REGION.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: operator.access_key,
            secret_access_key: operator.secret_key,
            session_token: operator.session_token,
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

    /// See [`Aws::call_sums`].
    pub fn call_sums(&self) -> CallSums {
        self.aws.call_sums()
    }

    /// See [`Aws::clear_calls`].
    pub fn clear_calls(&self) {
        self.aws.clear_calls();
    }

    /// See [`Aws::meter`].
    pub fn meter(&self, on: bool) {
        self.aws.meter(on);
    }

    /// What functions used so far, as JSON: the distinct calls, with placeholders for ids, by logical id.
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

    /// What time it is for the functions.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// The functions' clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.time.clock()
    }
}
