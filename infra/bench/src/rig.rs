//! What functions are measured in: the embedded stack behind TLS, and the bare binaries beside them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use local::{Clocks, Options, Stack};
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::boot::event;
use crate::cases::{RouteCase, TaskCase};
use crate::container::Container;
use crate::stage::Stage;
use crate::tls::Tls;
use crate::{Result, build, stack};

/// The floor: the Lambda runtime alone.
pub(crate) const FLOOR: &str = "bare-lambda";

/// The unit: the runtime and a DynamoDB client that reads one item.
pub(crate) const UNIT: &str = "bare-dynamodb";

/// The unit and one decryption by KMS.
pub(crate) const UNIT_KMS: &str = "bare-dynamodb-kms";

/// Whose place in the deployment a bare binary takes.
const STAND_IN: &str = "records-get";

/// The stack with its functions as processes.
pub(crate) struct Rig {
    pub(crate) stack: Stack,
    pub(crate) binaries: PathBuf,
    tls: Tls,
}

impl Rig {
    /// Builds the functions and the bare binaries together, so that all have the same dependencies with the same
    /// features, and starts the stack.
    pub(crate) async fn start(release: bool) -> Result<Self> {
        let binaries = build::cargo_build(&["-p", "functions", "-p", "bare", "--bins"], release)?;
        // Processes of their own have the machine's clock, so the stack has it, too.
        let options = Options {
            // The bare binaries have no policy; that the functions keep to theirs is proved elsewhere.
            enforce_policies: false,
            ..stack::options(Profile::Trackado, Clocks::Shifted)
        };
        let stack = Stack::start(options).await.map_err(|error| error.to_string())?;
        let tls = Tls::before(stack.endpoint()).await?;
        Ok(Self { stack, binaries, tls })
    }

    /// Starts a function.
    pub(crate) async fn function(&self, name: &str) -> Result<Container> {
        let environment = self.environment(name)?;
        Container::start(name, &self.binaries, environment).await
    }

    /// Starts a bare binary, which will read the stage's record.
    pub(crate) async fn bare(&self, name: &str, stage: &Stage) -> Result<Container> {
        let mut environment = self.environment(STAND_IN)?;
        let organisation = stage.unit.split('.').next().unwrap_or_default();
        let table = environment.get("CORE_TABLE").cloned().unwrap_or_default();
        let item = [
            ("BARE_TABLE", table),
            ("BARE_PK", format!("RECORD#{organisation}#asset")),
            ("BARE_SK", stage.record.clone()),
        ];
        environment.extend(item.map(|(name, value)| (name.to_owned(), value)));
        Container::start(name, &self.binaries, environment).await
    }

    fn environment(&self, name: &str) -> Result<HashMap<String, String>> {
        let mut environment = self.stack.environment(name);
        if environment.is_empty() {
            return Err(format!("template.yaml has no {name}"));
        }
        self.tls.redirect(&mut environment);
        Ok(environment)
    }

    /// The event of a route's case.
    pub(crate) fn event(&self, case: &RouteCase, stage: &Stage) -> Result<Value> {
        event::of(&case.call(stage)?.at(self.stack.origin())?)
    }

    /// The path of a binary.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        Path::new(&self.binaries).join(name)
    }
}

/// Whether a bare binary found its item: otherwise it would have been measured with less to do.
pub(crate) fn read_its_item(name: &str, answer: &Value) -> Result<()> {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
    if name == FLOOR || body["attributes"].as_u64() > Some(0) {
        Ok(())
    } else {
        Err(format!("{name} did not find its item: {answer}"))
    }
}

/// What a function is asked, and how it must answer.
pub(crate) enum Case {
    Route(&'static RouteCase),
    Task(&'static TaskCase),
}

impl Case {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let tasks = crate::cases::TASK_CASES.iter().map(Self::Task);
        crate::cases::ROUTE_CASES.iter().map(Self::Route).chain(tasks)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Route(case) => case.name,
            Self::Task(case) => case.name,
        }
    }

    pub(crate) fn event(&self, rig: &Rig, stage: &Stage) -> Result<Value> {
        match self {
            Self::Route(case) => rig.event(case, stage),
            Self::Task(case) => Ok((case.input)(stage)),
        }
    }

    /// Whether an answer is what it must be.
    pub(crate) fn check(&self, answer: &Value) -> Result<()> {
        match self {
            Self::Route(case) => event::check(answer, case.status).map(drop),
            Self::Task(_) if answer.is_object() => Ok(()),
            Self::Task(_) => Err(format!("{answer} is no report")),
        }
        .map_err(|error| format!("{}: {error}", self.name()))
    }
}

/// An event for a bare binary, which does not look at it.
pub(crate) fn any_event() -> Value {
    json!({})
}
