//! A Lambda binary as a process of its own.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::{InvokeError, RuntimeApi, Shared};

/// Of what a function writes, this many lines are kept: enough to see why it failed.
const KEPT_LINES: usize = 200;

/// A running Lambda binary; it is killed when the value is dropped.
pub struct Bootstrap {
    process_id: Option<u32>,
    output: Arc<Mutex<Vec<String>>>,
    watcher: JoinHandle<()>,
}

impl Drop for Bootstrap {
    fn drop(&mut self) {
        // The watcher owns the process, which is killed on being dropped.
        self.watcher.abort();
    }
}

impl Bootstrap {
    /// Starts a binary against a Runtime API, with the environment that Lambda would give it and `environment` on top.
    /// It inherits nothing from this process, so that nothing works here that would not on Lambda.
    ///
    /// When the process ends, what waits for its answer fails, and so does every later invocation.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn spawn(
        binary: &Path,
        environment: &HashMap<String, String>,
        runtime: &RuntimeApi,
    ) -> io::Result<Self> {
        let root = binary.parent().unwrap_or(Path::new("/"));
        let lambda = [
            ("AWS_LAMBDA_RUNTIME_API", runtime.address().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", runtime.function().to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            (
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/aws/lambda/{}", runtime.function()),
            ),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("LAMBDA_TASK_ROOT", root.display().to_string()),
            ("LAMBDA_RUNTIME_DIR", root.display().to_string()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
        ];
        let mut child = Command::new(binary)
            .env_clear()
            .envs(lambda)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let process_id = child.id();
        let output = Arc::new(Mutex::new(Vec::new()));
        let stdout = child.stdout.take().map(|pipe| collect(pipe, Arc::clone(&output)));
        let stderr = child.stderr.take().map(|pipe| collect(pipe, Arc::clone(&output)));
        let shared = Arc::clone(&runtime.shared);
        let watcher = tokio::spawn(watch(child, shared, stdout, stderr, Arc::clone(&output)));
        Ok(Self {
            process_id,
            output,
            watcher,
        })
    }

    /// The id of the process.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process_id
    }

    /// The last lines that the process wrote, to its output and its error output alike.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn watch(
    mut child: Child,
    shared: Arc<Shared>,
    stdout: Option<impl Future<Output = ()>>,
    stderr: Option<impl Future<Output = ()>>,
    output: Arc<Mutex<Vec<String>>>,
) {
    // The pipes are read while the process runs, or it would stop when they are full; and to their end before anybody
    // is told that it ended, so that the last words are there.
    let read = async {
        if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
            tokio::join!(stdout, stderr);
        }
    };
    let (status, ()) = tokio::join!(child.wait(), read);
    let how = ended(status);
    let last = output
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .last()
        .cloned();
    let how = last.map_or(how.clone(), |last| format!("{how}; last it wrote: {last}"));
    shared.fail_all(&InvokeError::Exited(how));
}

fn ended(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| format!("unknown: {error}"), |status| status.to_string())
}

async fn collect(pipe: impl AsyncRead + Unpin, output: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(pipe).split(b'\n');
    // A pipe that cannot be read any more is one that has ended.
    while let Ok(Some(line)) = lines.next_segment().await {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        if output.len() == KEPT_LINES {
            output.remove(0);
        }
        output.push(String::from_utf8_lossy(&line).into_owned());
    }
}
