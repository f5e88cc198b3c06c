//! The one front of all stand-ins. Every call of a function passes here, whichever way it came: who calls, may they,
//! what goes wrong, who answers.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::account::Account;
use crate::deployment::{Caller, Deployment, Function, key_names};
use crate::dynamodb::{self, Consumed, Tables};
use crate::iam::{AwsCall, Place, USAGE_VARIABLE, Usage, aws_calls};
use crate::kms::REGION;
use crate::ses::Ses;
use refusal::{missing_identity, not_authorized, unknown_identity};

mod credential;
mod refusal;
#[cfg(test)]
mod tests;

use credential::Credential;

/// The log of calls keeps this many; a stack that runs for days must not grow by it.
const KEPT_CALLS: usize = 20_000;

/// A request of a function to AWS, as a fault hook sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsRequest {
    /// The function's name in the registry.
    pub function: &'static str,
    /// `dynamodb`, `s3`, `kms` or `ses`.
    pub service: String,
    /// The operation, such as `TransactWriteItems`.
    pub operation: String,
    /// How many requests came since the hook was set, before this one.
    pub n: usize,
}

/// What goes wrong with a request.
#[derive(Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection breaks before the service sees the request.
    DropBefore,
    /// The service does what was asked, and the connection breaks before the answer arrives.
    ApplyThenDrop,
    /// The service answers this and does nothing.
    Respond(Response<Bytes>),
    /// Nothing ever comes back. A test that then drops the request has killed the function before the call.
    Hang,
    /// The service does what was asked, and nothing ever comes back: the function was killed after the call.
    ApplyThenHang,
    /// The request waits until it is told to go on: a process that was paused.
    Pause(Arc<tokio::sync::Notify>),
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRecord {
    /// The function's name in the registry.
    pub function: &'static str,
    /// `dynamodb`, `s3`, `kms` or `ses`.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Read capacity units, when metering is on.
    pub consumed_read: f64,
    /// Write capacity units, when metering is on.
    pub consumed_write: f64,
}

/// What calls of one kind came to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CallSum {
    /// How many there were.
    pub calls: usize,
    /// Read capacity units, when metering is on.
    pub consumed_read: f64,
    /// Write capacity units, when metering is on.
    pub consumed_write: f64,
}

/// The calls of each function: its name, the service, the operation, and what they came to.
pub type CallSums = BTreeMap<(&'static str, String, String), CallSum>;

/// The connection broke without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection broke")
    }
}

impl std::error::Error for Dropped {}

type Hook = Arc<dyn Fn(&AwsRequest) -> Fault + Send + Sync>;

/// The stand-ins behind one function; clones are handles to the same.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
}

pub(crate) struct Parts {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) enforce_policies: bool,
    pub(crate) tables: Tables,
    pub(crate) s3: local_s3::Service,
    pub(crate) account: Account,
    pub(crate) ses: Ses,
}

struct Inner {
    parts: Parts,
    usage: Usage,
    hook: Mutex<Option<Hook>>,
    count: AtomicUsize,
    meters: AtomicBool,
    calls: Mutex<VecDeque<CallRecord>>,
    sums: Mutex<CallSums>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these locks, so what they guard is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Aws {
    pub(crate) fn new(parts: Parts) -> Self {
        // This package's own tests play functions, so what they ask for is no evidence.
        let kept_in = std::env::var_os(USAGE_VARIABLE).filter(|_| !cfg!(test));
        let inner = Inner {
            usage: Usage::new(key_names(&parts.account), kept_in.as_deref().map(Path::new)),
            parts,
            hook: Mutex::default(),
            count: AtomicUsize::new(0),
            meters: AtomicBool::new(false),
            calls: Mutex::default(),
            sums: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Answers one request; when the connection is made to break, with 503.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.exchange(request).await.unwrap_or_else(|Dropped| {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        })
    }

    /// Answers one request.
    ///
    /// # Errors
    /// When the connection is made to break.
    pub async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Dropped> {
        let parts = &self.inner.parts;
        let Some(credential) = Credential::of(&request) else {
            return Ok(missing_identity(&request));
        };
        let service = credential.service.as_str();
        match parts.deployment.caller(&credential.access_key) {
            None => Ok(unknown_identity(service)),
            // A browser asks before a cross-origin upload, without a signature; AWS answers from the bucket's rules.
            Some(_) if request.method() == Method::OPTIONS && service == "s3" => {
                Ok(self.serve(service, "", request).await)
            }
            Some(Caller::Operator) => Ok(self.serve(service, &operation(service, &request), request).await),
            Some(Caller::Function(function)) => self.of_function(function, service, request).await,
        }
    }

    async fn of_function(
        &self,
        function: &Function,
        service: &str,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Dropped> {
        let inner = &self.inner;
        let judged = self.judge(function, service, &request);
        if let Err(denied) = &judged
            && inner.parts.enforce_policies
        {
            tracing::error!(%denied, "template.yaml does not allow a call");
            return Ok(not_authorized(service, denied));
        }
        let asked = AwsRequest {
            function: function.name,
            service: service.to_owned(),
            operation: operation(service, &request),
            n: inner.count.fetch_add(1, Ordering::SeqCst),
        };
        let hook = lock(&inner.hook).clone();
        let fault = hook.map_or(Fault::None, |hook| hook(&asked));
        let metered = service == "dynamodb" && inner.meters.load(Ordering::Relaxed);
        if metered && let Some(body) = dynamodb::metered(request.body()) {
            *request.body_mut() = body;
        }
        match fault {
            Fault::DropBefore => {
                self.note(asked, Consumed::default());
                Err(Dropped)
            }
            Fault::Respond(response) => {
                self.note(asked, Consumed::default());
                Ok(response)
            }
            Fault::Hang => {
                self.note(asked, Consumed::default());
                std::future::pending().await
            }
            fault @ (Fault::None | Fault::ApplyThenDrop | Fault::ApplyThenHang | Fault::Pause(_)) => {
                if let Fault::Pause(go_on) = &fault {
                    go_on.notified().await;
                }
                let absence = absence(service, &request);
                let presigned = is_presigned(&request);
                let response = self.serve(service, &asked.operation, request).await;
                if presigned && response.status().is_success() {
                    self.used(function, judged.as_deref().unwrap_or_default());
                }
                let response = match absence {
                    Some(call) if response.status() == StatusCode::NOT_FOUND => {
                        self.tell_absence(function, &call, response)
                    }
                    _ => response,
                };
                let consumed = if metered {
                    dynamodb::consumed(&asked.operation, response.body())
                } else {
                    Consumed::default()
                };
                self.note(asked, consumed);
                if matches!(fault, Fault::ApplyThenHang) {
                    return std::future::pending().await;
                }
                if matches!(fault, Fault::None | Fault::Pause(_)) {
                    Ok(response)
                } else {
                    Err(Dropped)
                }
            }
        }
    }

    /// The permissions that a request needs, when the function has all of them.
    fn judge(
        &self,
        function: &Function,
        service: &str,
        request: &Request<Bytes>,
    ) -> Result<Vec<AwsCall>, String> {
        let account = &self.inner.parts.account;
        let place = Place {
            region: REGION,
            account: account.id(),
        };
        let calls = aws_calls(service, request, place, &|key, blob| account.resolve(key, blob))?;
        if !is_presigned(request) {
            self.used(function, &calls);
        }
        let refused = calls
            .iter()
            .find_map(|call| function.definition.authorize(call).err());
        refused.map_or(Ok(calls), |denied| Err(denied.to_string()))
    }

    fn used(&self, function: &Function, calls: &[AwsCall]) {
        for call in calls {
            self.inner.usage.note(&function.definition, call);
        }
    }

    /// S3 tells only those who may list a bucket that an object is not in it; it refuses all others.
    fn tell_absence(
        &self,
        function: &Function,
        call: &AwsCall,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        match function.definition.authorize(call) {
            Err(denied) if self.inner.parts.enforce_policies => not_authorized("s3", &denied.to_string()),
            Err(_) => response,
            Ok(()) => {
                // Nobody asks for it by itself, so only a function that has the permission is said to use it.
                self.inner.usage.note(&function.definition, call);
                response
            }
        }
    }

    async fn serve(&self, service: &str, operation: &str, request: Request<Bytes>) -> Response<Bytes> {
        let parts = &self.inner.parts;
        let kms = match &parts.account {
            Account::External(external) => return external.call(service, request, &parts.ses).await,
            Account::Embedded(kms) => kms,
        };
        match service {
            "dynamodb" => parts.tables.call(operation, request.body()).await,
            "s3" => parts.s3.call(request).await,
            "kms" => kms.call(request).await,
            "ses" => parts.ses.call(request).await,
            _ => unknown_identity(service),
        }
    }

    fn note(&self, request: AwsRequest, consumed: Consumed) {
        let kind = (
            request.function,
            request.service.clone(),
            request.operation.clone(),
        );
        let mut sums = lock(&self.inner.sums);
        let sum = sums.entry(kind).or_default();
        sum.calls += 1;
        sum.consumed_read += consumed.read;
        sum.consumed_write += consumed.write;
        drop(sums);
        let mut calls = lock(&self.inner.calls);
        if calls.len() == KEPT_CALLS {
            calls.pop_front();
        }
        calls.push_back(CallRecord {
            function: request.function,
            service: request.service,
            operation: request.operation,
            consumed_read: consumed.read,
            consumed_write: consumed.write,
        });
    }

    /// From now on asks `hook` what goes wrong with each request, and counts requests from 0.
    pub fn set_fault(&self, hook: impl Fn(&AwsRequest) -> Fault + Send + Sync + 'static) {
        *lock(&self.inner.hook) = Some(Arc::new(hook));
        self.inner.count.store(0, Ordering::SeqCst);
    }

    /// From now on nothing goes wrong.
    pub fn clear_fault(&self) {
        *lock(&self.inner.hook) = None;
    }

    /// The last calls of functions, oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        lock(&self.inner.calls).iter().cloned().collect()
    }

    /// What all calls of functions came to, however many they were.
    pub fn call_sums(&self) -> CallSums {
        lock(&self.inner.sums).clone()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        lock(&self.inner.calls).clear();
        lock(&self.inner.sums).clear();
    }

    /// Whether calls note the capacity they consume.
    pub fn meter(&self, on: bool) {
        self.inner.meters.store(on, Ordering::Relaxed);
    }

    /// What functions used so far, to be held against what the template lets them use.
    pub fn usage(&self) -> &Usage {
        &self.inner.usage
    }
}

/// Whether a request was handed out. Whoever has it can change it, so only an answer proves that it is the function's.
fn is_presigned(request: &Request<Bytes>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.contains("X-Amz-Signature=")
}

/// The permission that it takes to be told that the object of a request is not there.
fn absence(service: &str, request: &Request<Bytes>) -> Option<AwsCall> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (bucket, _) = request.uri().path().strip_prefix('/')?.split_once('/')?;
    (service == "s3" && reads).then(|| AwsCall::new("s3:ListBucket", format!("arn:aws:s3:::{bucket}")))
}

/// The operation's name in the service's own reference.
fn operation(service: &str, request: &Request<Bytes>) -> String {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    match (service, target) {
        ("s3", _) => s3_operation(request).to_owned(),
        ("ses", _) => "SendEmail".to_owned(),
        (_, Some(target)) => target.rsplit('.').next().unwrap_or_default().to_owned(),
        (_, None) => String::new(),
    }
}

fn s3_operation(request: &Request<Bytes>) -> &'static str {
    let query = request.uri().query().unwrap_or_default();
    let asks_for = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let on_object = request
        .uri()
        .path()
        .trim_start_matches('/')
        .split_once('/')
        .is_some_and(|(_, key)| !key.is_empty());
    match (request.method().as_str(), on_object) {
        ("GET", true) if asks_for("tagging") => "GetObjectTagging",
        ("PUT", true) if asks_for("tagging") => "PutObjectTagging",
        ("PUT", true) if request.headers().contains_key("x-amz-copy-source") => "CopyObject",
        ("GET", true) => "GetObject",
        ("PUT", true) => "PutObject",
        ("HEAD", true) => "HeadObject",
        ("DELETE", true) => "DeleteObject",
        ("GET", false) if asks_for("versions") => "ListObjectVersions",
        ("GET", false) => "ListObjectsV2",
        ("HEAD", false) => "HeadBucket",
        ("POST", false) if asks_for("delete") => "DeleteObjects",
        _ => "Unknown",
    }
}
