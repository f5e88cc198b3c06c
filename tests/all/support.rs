//! What several modules of tests share: everything that is stored, things that happen at one moment, faults.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use local::Fault;
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use crate::harness::{Client, Reply, World};

/// The tables.
pub const TABLES: [&str; 4] = ["core", "control", "keys", "ephemeral"];

/// As often as it takes.
pub const ALWAYS: usize = usize::MAX;

/// Everything that is stored: items by table and key, object versions by name and version.
pub type Everything = BTreeMap<String, Value>;

impl World {
    /// Everything that is stored, but for what only counts how often something was tried.
    pub async fn everything(&self) -> Everything {
        let mut everything = Everything::new();
        for table in TABLES {
            let items = self.items(table).await.into_iter();
            for item in items.filter(|item| item["t"] != "counter" && item["t"] != "softlock") {
                let text = |name: &str| item[name].as_str().unwrap().to_owned();
                everything.insert(format!("{table} {} {}", text("pk"), text("sk")), item);
            }
        }
        let client = self.stack.operator().s3();
        let listed = client
            .list_object_versions()
            .bucket(self.stack.bucket("files"))
            .send()
            .await
            .unwrap();
        for version in listed.versions() {
            let name = format!(
                "files {} {}",
                version.key().unwrap(),
                version.version_id().unwrap()
            );
            everything.insert(name, json!(version.size()));
        }
        for marker in listed.delete_markers() {
            let name = format!("files {} {}", marker.key().unwrap(), marker.version_id().unwrap());
            everything.insert(name, Value::Null);
        }
        everything
    }

    /// The items of a type in a table.
    pub async fn of_type(&self, table: &str, name: &str) -> Vec<Value> {
        self.items(table)
            .await
            .into_iter()
            .filter(|item| item["t"] == name)
            .collect()
    }

    /// The first `times` calls of an operation by a function go wrong; the calls that went wrong are counted.
    pub fn fail(
        &self,
        function: &'static str,
        operation: &'static str,
        times: usize,
        fault: impl Fn() -> Fault + Send + Sync + 'static,
    ) -> Arc<AtomicUsize> {
        let failed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&failed);
        self.stack.set_fault(move |call| {
            if call.function != function || call.operation != operation {
                return Fault::None;
            }
            let one_more = |before: usize| (before < times).then_some(before + 1);
            match count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more) {
                Ok(_) => fault(),
                Err(_) => Fault::None,
            }
        });
        failed
    }

    /// The first `n` calls of an operation by a function wait for each other: all of them have read before one writes.
    /// They wait in threads, so the test needs a runtime with several of them.
    pub fn meet(&self, function: &'static str, operation: &'static str, n: usize) {
        let (arrived, all) = (Mutex::new(0), Condvar::new());
        self.stack.set_fault(move |call| {
            if call.function == function && call.operation == operation {
                tokio::task::block_in_place(|| {
                    let mut arrived = arrived.lock().unwrap();
                    *arrived += 1;
                    all.notify_all();
                    let (arrived, timeout) = all
                        .wait_timeout_while(arrived, Duration::from_secs(60), |arrived| *arrived < n)
                        .unwrap();
                    assert!(!timeout.timed_out(), "only {arrived} of {n} calls came");
                });
            }
            Fault::None
        });
    }

    /// Lets a request go on until its function makes the call of that operation that comes after `passed` others, and
    /// kills it there, before the call has any effect.
    pub async fn killed_at(
        &self,
        function: &'static str,
        operation: &'static str,
        passed: usize,
        request: impl Future<Output = Reply>,
    ) {
        let reached = Arc::new(Notify::new());
        let (signal, count) = (Arc::clone(&reached), AtomicUsize::new(0));
        self.stack.set_fault(move |call| {
            let is_it = call.function == function && call.operation == operation;
            if is_it && count.fetch_add(1, Ordering::SeqCst) >= passed {
                signal.notify_one();
                Fault::Hang
            } else {
                Fault::None
            }
        });
        tokio::select! {
            reply = request => panic!("it answered before it was killed: {reply:?}"),
            () = reached.notified() => {}
        }
        self.stack.clear_fault();
    }

    /// The call of an operation by a function that comes after `passed` others waits until it may go on. Gives the
    /// notice that it waits, and the notice that lets it go on.
    pub fn pause_after(
        &self,
        function: &'static str,
        operation: &'static str,
        passed: usize,
    ) -> (Arc<Notify>, Arc<Notify>) {
        let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (signal, wait, count) = (Arc::clone(&reached), Arc::clone(&go_on), AtomicUsize::new(0));
        self.stack.set_fault(move |call| {
            let is_of = call.function == function && call.operation == operation;
            if is_of && count.fetch_add(1, Ordering::SeqCst) == passed {
                signal.notify_one();
                Fault::Pause(Arc::clone(&wait))
            } else {
                Fault::None
            }
        });
        (reached, go_on)
    }

    /// The operations that a function called since the calls were cleared.
    pub fn operations(&self, function: &str) -> Vec<String> {
        let calls = self.stack.calls();
        calls
            .into_iter()
            .filter(|call| call.function == function)
            .map(|call| call.operation)
            .collect()
    }

    /// Switches a key of KMS on or off, as an operator does.
    pub async fn switch_key(&self, alias: &str, on: bool) {
        let kms = self.stack.operator().kms();
        let described = kms.describe_key().key_id(alias).send().await.unwrap();
        // These two take no alias.
        let id = described.key_metadata().unwrap().key_id();
        if on {
            kms.enable_key().key_id(id).send().await.unwrap();
        } else {
            kms.disable_key().key_id(id).send().await.unwrap();
        }
    }

    /// How many mails went to an address, with their subjects.
    pub fn subjects(&self, email: &str) -> Vec<String> {
        let mails = self.stack.mails().messages();
        mails
            .iter()
            .filter(|mail| mail.is_for(email))
            .map(|mail| mail.subject.clone())
            .collect()
    }

    /// A client with an access token.
    pub fn with_token(&self, token: &str) -> Client {
        let mut client = self.anonymous();
        client.token = Some(token.to_owned());
        client
    }
}

/// A number of an item, which comes as text so that no digit is lost.
pub fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Asserts that nothing was written, changed or deleted.
pub fn assert_unchanged(before: &Everything, after: &Everything, what: &str) {
    let added: Vec<_> = after.keys().filter(|key| !before.contains_key(*key)).collect();
    let removed: Vec<_> = before.keys().filter(|key| !after.contains_key(*key)).collect();
    let changed: Vec<_> = before
        .iter()
        .filter(|(key, item)| after.get(*key).is_some_and(|now| now != *item))
        .collect();
    assert!(
        added.is_empty() && removed.is_empty() && changed.is_empty(),
        "{what}: added {added:?}, removed {removed:?}, changed {changed:?}"
    );
}

/// Begins `n` things at the same moment, each in a task of its own.
pub async fn together<T, F>(n: usize, start: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(n));
    let tasks = (0..n).map(|index| {
        let (barrier, work) = (Arc::clone(&barrier), start(index));
        tokio::spawn(async move {
            barrier.wait().await;
            work.await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    futures::future::join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// What DynamoDB or KMS answer when they refuse.
pub fn refusal(status: u16, kind: &str, more: &Value) -> Fault {
    let mut body =
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "drill" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    answer(status, "application/x-amz-json-1.0", body.to_string())
}

/// An answer of a service that did nothing.
pub fn answer(status: u16, content_type: &str, body: String) -> Fault {
    let response = Response::builder()
        .status(status)
        .header("content-type", content_type);
    Fault::Respond(response.body(Bytes::from(body)).unwrap())
}

impl Reply {
    /// A text of the body.
    pub fn text(&self, name: &str) -> String {
        let text = self.json()[name].as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// Status, headers and body without what names the request: two answers that nobody can tell apart are equal.
    pub fn anonymised(&self) -> (u16, Vec<(String, String)>, String) {
        let id = self
            .header("apigw-requestid")
            .expect("every answer names its request");
        let body = String::from_utf8(self.body.to_vec()).unwrap().replace(id, "…");
        let headers = self.headers.iter().filter(|(name, _)| *name != "apigw-requestid");
        let mut headers: Vec<_> = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        (self.status, headers, body)
    }

    /// Asserts what every answer of the API has, whatever happened (S-04, S-05, S-06).
    pub fn assert_hardened(&self) {
        let value = |name: &str| self.header(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        let hsts = value("strict-transport-security");
        let age = hsts
            .split(';')
            .find_map(|part| part.trim().strip_prefix("max-age="))
            .unwrap();
        assert!(
            age.parse::<u32>().unwrap() >= 31_536_000 && hsts.contains("includeSubDomains"),
            "{hsts}"
        );
        assert_eq!(value("x-content-type-options"), "nosniff");
        for directive in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(
                value("content-security-policy").contains(directive),
                "{directive}"
            );
        }
        assert_eq!(value("referrer-policy"), "no-referrer");
        if self.body.is_empty() {
            assert!(matches!(self.status, 204 | 304), "{self:?}");
        } else {
            assert!(value("content-type").ends_with("; charset=utf-8"), "{self:?}");
        }
        for name in ["server", "x-powered-by", "access-control-allow-origin"] {
            assert_eq!(self.header(name), None);
        }
    }
}
