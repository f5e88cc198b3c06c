//! `kill`: the local stack is killed in the middle of its work, and what was acknowledged must be there afterwards.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use local::output::{complain, say};
use shared::entropy::{self, SystemEntropy};
use tokio::process::Child;
use tokio::sync::Notify;

use crate::api::{Call, Client, Reply};
use crate::clock::Stopwatch;
use crate::customer::{self, Customer};
use crate::server::{Server, end};
use crate::{Result, build};
use left::Left;

mod left;

/// How many records are to be created.
const CREATES: usize = 1000;

/// How many clients create at the same time.
const CLIENTS: usize = 8;

/// A record that somebody tried to create.
pub(crate) struct Attempt {
    pub(crate) tag: String,
    /// Its id, once the API said that it was created.
    pub(crate) acknowledged: Option<String>,
}

impl Attempt {
    /// The request; sending it again is the same creation.
    pub(crate) async fn send(&self, client: &Client) -> Result<Reply> {
        let call = Call::new(Method::POST, "/v1/records").json(&customer::asset(&self.tag));
        client.call(call.header("idempotency-key", &self.tag)).await
    }
}

/// Creates, kills, restarts and looks; says whether everything is there that must be.
pub(crate) async fn run() -> Result<bool> {
    say("Building the stack");
    let binary = build::cargo_build(&["-p", "local"], false)?.join("local");
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let outcome = drill(&binary, directory.path()).await;
    if !matches!(outcome, Ok(true)) {
        complain(&format!("What is left is kept in {}", directory.keep().display()));
    }
    outcome
}

async fn drill(binary: &Path, directory: &Path) -> Result<bool> {
    let server = Server::new(binary, directory, true)?;
    let mut process = server.start().await?;
    let customer = Customer::register(&server.origin(), "Ada").await?;
    // Anywhere in the middle: the first creates go to an empty table, the last to nobody.
    let threshold = 350 + usize::from(entropy::bytes::<1>(&SystemEntropy)[0]) % 100;
    let watch = Stopwatch::start();
    let attempts = create_until_killed(&customer.client, &mut process, threshold).await?;
    let took = watch.elapsed();
    let acknowledged = attempts
        .iter()
        .filter(|attempt| attempt.acknowledged.is_some())
        .count();
    say(&format!(
        "Killed after {threshold} acknowledgements: {acknowledged} creates were acknowledged and {} were under way, \
         in {:.1} s",
        attempts.len() - acknowledged,
        took.as_secs_f64(),
    ));
    let watch = Stopwatch::start();
    let mut process = server.start().await?;
    say(&format!(
        "Started again in {:.1} s",
        watch.elapsed().as_secs_f64()
    ));
    let customer = Customer::sign_in(&server.origin(), customer.email).await?;
    let found = Left::examine(&customer.client, &attempts).await;
    end(&mut process).await?;
    let found = found?;
    for line in &found.figures {
        say(line);
    }
    for line in &found.wrong {
        complain(line);
    }
    say(if found.wrong.is_empty() {
        "Nothing acknowledged is lost, and nothing is half there"
    } else {
        "FAILED"
    });
    Ok(found.wrong.is_empty())
}

/// Has clients create records until so many are acknowledged, and then kills the server under them.
async fn create_until_killed(client: &Client, process: &mut Child, threshold: usize) -> Result<Vec<Attempt>> {
    let (begun, acknowledged, enough) = (AtomicUsize::new(0), AtomicUsize::new(0), Notify::new());
    let create = async || {
        let mut attempts = Vec::new();
        loop {
            let n = begun.fetch_add(1, Ordering::Relaxed);
            if n >= CREATES {
                return Ok(attempts);
            }
            let mut attempt = Attempt {
                tag: format!("kill-{n:04}"),
                acknowledged: None,
            };
            let answer = attempt.send(client).await;
            let is_dead = answer.is_err();
            if let Ok(reply) = answer {
                attempt.acknowledged = Some(reply.must_be(201)?.text("/id")?);
                if acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == threshold {
                    enough.notify_one();
                }
            }
            attempts.push(attempt);
            if is_dead {
                return Ok(attempts);
            }
        }
    };
    let clients = join_all((0..CLIENTS).map(|_| create()));
    let kill = async {
        enough.notified().await;
        end(process).await
    };
    let limit = Duration::from_secs(300);
    let both = async { tokio::join!(clients, kill) };
    let (attempts, killed) = tokio::time::timeout(limit, both)
        .await
        .map_err(|_| format!("{threshold} creates were not acknowledged within {limit:?}"))?;
    killed?;
    let attempts: Result<Vec<Vec<Attempt>>> = attempts.into_iter().collect();
    let attempts: Vec<Attempt> = attempts?.into_iter().flatten().collect();
    if attempts.len() >= CREATES {
        return Err("every create was answered before the kill; this proves nothing".to_owned());
    }
    Ok(attempts)
}
