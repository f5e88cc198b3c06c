//! The local stack in a process of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::Result;
use crate::api::Client;
use crate::clock::Stopwatch;

/// How long the stack may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Kills a process that was started here, with no chance to tidy up.
pub(crate) async fn end(process: &mut Child) -> Result<()> {
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

/// How the stack is started.
pub(crate) struct Server {
    binary: PathBuf,
    directory: PathBuf,
    /// Whether it keeps its data in the directory.
    keeps: bool,
    /// The same after the restart: tokens are good for one origin only.
    port: u16,
}

impl Server {
    /// The stack of that binary, which works in that directory, on a port that is free.
    pub(crate) fn new(binary: &Path, directory: &Path, keeps: bool) -> Result<Self> {
        Ok(Self {
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            keeps,
            port: free_port()?,
        })
    }

    /// Where its API is.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the stack and waits until it answers. It dies with this process.
    pub(crate) async fn start(&self) -> Result<Child> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.binary.display());
        let log = self.directory.join("server.log");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(failed)?;
        let mut command = Command::new(&self.binary);
        if self.keeps {
            command.arg("--data-dir").arg(self.directory.join("data"));
        } else {
            command.arg("--ephemeral");
        }
        let mut process = command
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
