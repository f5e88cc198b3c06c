//! `kill`: the local stack is killed in the middle of its work, and what was acknowledged must be there afterwards.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use local::output::{complain, say};
use shared::entropy::{self, SystemEntropy};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use crate::api::{Call, Client, Reply};
use crate::clock::Stopwatch;
use crate::customer::{self, Customer};
use crate::{Result, build};
use left::Left;

mod left;

/// How many records are to be created.
const CREATES: usize = 1000;

/// How many clients create at the same time.
const CLIENTS: usize = 8;

/// How long the stack may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);

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
    let port = free_port()?;
    let server = Server {
        binary: binary.to_owned(),
        directory: directory.to_owned(),
        port,
    };
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

/// Kills a process that was started here, with no chance to tidy up.
async fn end(process: &mut Child) -> Result<()> {
    process
        .kill()
        .await
        .map_err(|error| format!("the server cannot be killed: {error}"))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address
        .map_err(|error| format!("there is no free port: {error}"))?
        .port())
}

struct Server {
    binary: PathBuf,
    directory: PathBuf,
    /// The same after the restart: tokens are good for one origin only.
    port: u16,
}

impl Server {
    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the stack and waits until it answers. It dies with this process.
    async fn start(&self) -> Result<Child> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.binary.display());
        let log = self.directory.join("server.log");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(failed)?;
        let mut process = Command::new(&self.binary)
            .arg("--data-dir")
            .arg(self.directory.join("data"))
            .args(["--port", &self.port.to_string()])
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let client = Client::anonymous(&self.origin());
        let watch = Stopwatch::start();
        while client.get("/_local/clock").await.is_err() {
            let exit = process.try_wait().map_err(failed)?;
            if exit.is_some() || watch.elapsed() > START_LIMIT {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("the stack does not answer ({exit:?}):\n{log}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(process)
    }
}
