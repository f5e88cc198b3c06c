//! What functions really did, to be held against what their policies let them do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::general::Names;
use super::{AwsCall, FunctionDef};

/// The environment variable that names the directory in which every stack keeps what its functions used.
pub const USAGE_VARIABLE: &str = "TRACKWELL_USAGE";

/// The environment variable that, set to 1, makes every stack learn: whatever functions call is recorded and nothing is
/// refused, and a function that `template.yaml` lacks runs as if it were there. For writing a policy, never for judging.
pub const LEARN_VARIABLE: &str = "TRACKWELL_LEARN";

/// Whether this process learns.
pub(crate) fn learns() -> bool {
    // This package's own tests are about refusals.
    !cfg!(test) && std::env::var_os(LEARN_VARIABLE).is_some_and(|value| value == "1")
}

/// A call as it is kept: with a placeholder for everything that differs from one customer or run to the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Used {
    /// The call.
    #[serde(flatten)]
    pub call: AwsCall,
    /// Whether the policy allowed it.
    pub allowed: bool,
}

/// A line of a file of usage.
#[derive(Serialize, Deserialize)]
struct Line {
    function: String,
    #[serde(flatten)]
    used: Used,
}

/// The distinct calls of each function, by its logical id.
#[derive(Debug, Default)]
pub struct Usage {
    names: Names,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    functions: BTreeMap<String, BTreeSet<Used>>,
    file: Option<File>,
}

impl Usage {
    /// Nothing used yet. What comes is kept in a file of its own in `directory`, if there is one: line by line at the
    /// first call of its kind, so that neither a stack that is dropped nor one that is killed loses any.
    #[must_use]
    pub fn new(names: Names, directory: Option<&Path>) -> Self {
        let file = directory.and_then(|directory| {
            let file = file(directory);
            file.map_err(|error| tracing::error!(%error, "usage is not kept in {}", directory.display()))
                .ok()
        });
        let functions = BTreeMap::new();
        Self {
            names,
            kept: Mutex::new(Kept { functions, file }),
        }
    }

    /// Notes a call of a function, whether its policy allows it or not.
    pub fn note(&self, function: &FunctionDef, call: &AwsCall) {
        let allowed = function.authorize(call).is_ok();
        let of = |call: AwsCall| Used { call, allowed };
        let used = of(self.names.general(call));
        // A key of KMS has another name in every stack, so its judgement is compared under that name.
        let same = || {
            let general = AwsCall {
                resource: self.names.local(&used.call.resource),
                ..used.call.clone()
            };
            function.authorize(&general).is_ok() == allowed
        };
        let mut kept = self.kept();
        if !kept.has(&function.logical_id, &used) {
            // A placeholder must not change what a call is to the policy; where it would, the call stays as it is.
            let used = if same() { used } else { of(call.clone()) };
            kept.note(&function.logical_id, used);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No code panics while it holds the lock, so a poisoned map is still a whole one.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The collected calls by function, sorted.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!(self.kept().functions)
    }
}

impl Kept {
    fn has(&self, function: &str, used: &Used) -> bool {
        self.functions
            .get(function)
            .is_some_and(|uses| uses.contains(used))
    }

    fn note(&mut self, function: &str, used: Used) {
        let uses = self.functions.entry(function.to_owned()).or_default();
        if !uses.insert(used.clone()) {
            return;
        }
        let Some(file) = &mut self.file else { return };
        let line = Line {
            function: function.to_owned(),
            used,
        };
        let written = serde_json::to_string(&line).map_err(Into::into);
        if let Err(error) = written.and_then(|line| file.write_all((line + "\n").as_bytes())) {
            tracing::error!(%error, "what {function} used is not kept");
        }
    }
}

/// A new file: one for each stack of each process.
fn file(directory: &Path) -> std::io::Result<File> {
    static STACKS: AtomicUsize = AtomicUsize::new(0);
    let number = STACKS.fetch_add(1, Ordering::Relaxed);
    std::fs::create_dir_all(directory)?;
    let name = format!("{}-{number}.jsonl", std::process::id());
    File::create_new(directory.join(name))
}

/// What all stacks kept in a directory, by the function's logical id.
///
/// # Errors
/// When the directory or a file of it cannot be read.
pub fn read_usage(directory: &Path) -> std::io::Result<BTreeMap<String, BTreeSet<Used>>> {
    let mut functions: BTreeMap<String, BTreeSet<Used>> = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let text = std::fs::read_to_string(entry?.path())?;
        // A process that was killed can leave half a line, and then nothing behind it.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let line: Line = serde_json::from_str(line)?;
            functions.entry(line.function).or_default().insert(line.used);
        }
    }
    Ok(functions)
}

#[cfg(test)]
mod tests;
