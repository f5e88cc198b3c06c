//! The functions of a SAM template: what each may do, what it is told, and what calls it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;

use super::policy::Policy;
use super::resolve::{self, Scope};
use super::{AwsCall, Denied};

const FUNCTION: &str = "AWS::Serverless::Function";

/// What Lambda gives a function that says nothing else.
const DEFAULT_TIMEOUT: u64 = 3;
const DEFAULT_MEMORY: u64 = 128;

/// The functions of a template.
#[derive(Debug, Clone)]
pub struct Template {
    functions: BTreeMap<String, FunctionDef>,
    blank: FunctionDef,
}

/// One function of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionDef {
    /// The name in the template, such as `RecordsCreateFunction`.
    pub logical_id: String,
    /// What the function's role allows.
    pub policy: Policy,
    /// The environment, with what `Globals` sets.
    pub environment: BTreeMap<String, String>,
    /// After how many seconds a call is broken off.
    pub timeout_seconds: u64,
    /// The size of the container.
    pub memory_mb: u64,
    /// What calls the function.
    pub events: Vec<Event>,
}

/// What calls a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A route of the HTTP API.
    HttpApi {
        /// The method in capitals, or `ANY`.
        method: String,
        /// The path with its parameters in braces.
        path: String,
    },
    /// A schedule of EventBridge Scheduler.
    Schedule {
        /// The expression, such as `rate(5 minutes)`.
        expression: String,
        /// The time zone of a cron expression, when it is not UTC.
        time_zone: Option<String>,
        /// What the function is called with, when the template says.
        input: Option<String>,
    },
}

impl Template {
    /// Reads a template. `parameters` holds what `!Ref Name` and `${Name}` stand for, `AWS::Region` and
    /// `AWS::AccountId` among them, and under `Resource.Attribute` what `!GetAtt` gives.
    ///
    /// # Errors
    /// Everything that is wrong, each with the logical id it was found in.
    pub fn parse(text: &str, parameters: &HashMap<String, String>) -> Result<Self, Vec<String>> {
        let yaml: Yaml =
            serde_yaml_ng::from_str(text).map_err(|error| vec![format!("the template: {error}")])?;
        let scope = Scope::new(&yaml, parameters);
        let globals = yaml.get("Globals").and_then(|globals| globals.get("Function"));
        let mut functions = BTreeMap::new();
        let mut errors = Vec::new();
        for (id, resource) in yaml
            .get("Resources")
            .and_then(Yaml::as_mapping)
            .into_iter()
            .flatten()
        {
            let Some(id) = id.as_str() else {
                errors.push(format!("a resource has no text as its name: {id:?}"));
                continue;
            };
            if resource.get("Type").and_then(Yaml::as_str) != Some(FUNCTION) {
                continue;
            }
            match function(&scope, id, resource, globals) {
                Ok(Some(function)) => drop(functions.insert(id.to_owned(), function)),
                Ok(None) => {}
                Err(found) => errors.extend(found.into_iter().map(|error| format!("{id}: {error}"))),
            }
        }
        let blank = function(&scope, "", &Yaml::Null, globals).map(Option::unwrap_or_default);
        let blank = collect(&mut errors, blank);
        if errors.is_empty() && functions.is_empty() {
            errors.push(format!("the template has no resource of type {FUNCTION}"));
        }
        if errors.is_empty() {
            Ok(Self { functions, blank })
        } else {
            Err(errors)
        }
    }

    /// The function of a logical id.
    #[must_use]
    pub fn function(&self, logical_id: &str) -> Option<&FunctionDef> {
        self.functions.get(logical_id)
    }

    /// A function of that logical id that says nothing itself: it has what `Globals` says, and may do nothing.
    #[must_use]
    pub fn blank(&self, logical_id: &str) -> FunctionDef {
        FunctionDef {
            logical_id: logical_id.to_owned(),
            ..self.blank.clone()
        }
    }

    /// All functions, by logical id.
    pub fn functions(&self) -> impl Iterator<Item = &FunctionDef> {
        self.functions.values()
    }
}

impl FunctionDef {
    /// Judges a call against the function's own policy.
    ///
    /// # Errors
    /// When the policy does not allow the call.
    pub fn authorize(&self, call: &AwsCall) -> Result<(), Denied> {
        self.policy.authorize(&self.logical_id, call)
    }
}

/// Reads one function; none when its condition does not hold.
fn function(
    scope: &Scope,
    id: &str,
    resource: &Yaml,
    globals: Option<&Yaml>,
) -> Result<Option<FunctionDef>, Vec<String>> {
    if let Some(condition) = resource.get("Condition") {
        let name = condition
            .as_str()
            .ok_or_else(|| vec!["Condition is not a name".to_owned()])?;
        if !scope.condition(name).map_err(|error| vec![error])? {
            return Ok(None);
        }
    }
    let nothing = Yaml::Null;
    let properties = resource.get("Properties").unwrap_or(&nothing);
    let mut errors = Vec::new();
    for property in ["Role", "Connectors", "PermissionsBoundary"] {
        // Each changes what the function may do in a way that is not enforced here.
        if properties.get(property).is_some()
            || globals.is_some_and(|globals| globals.get(property).is_some())
        {
            errors.push(format!("{property} is not enforced here; give Policies"));
        }
    }
    let policy = collect(&mut errors, policies(scope, properties));
    let environment = collect(&mut errors, environment(scope, properties, globals));
    let events = collect(&mut errors, events(scope, properties));
    let mut number = |name: &str, default: u64| {
        let value = properties
            .get(name)
            .or_else(|| globals.and_then(|globals| globals.get(name)));
        let number = value.map_or(Ok(default), |value| {
            let text = scope.text(value)?;
            text.parse().map_err(|_| format!("{text} is not a whole number"))
        });
        collect(
            &mut errors,
            number.map_err(|error| vec![format!("{name}: {error}")]),
        )
    };
    let timeout_seconds = number("Timeout", DEFAULT_TIMEOUT);
    let memory_mb = number("MemorySize", DEFAULT_MEMORY);
    let logical_id = id.to_owned();
    let function = FunctionDef {
        logical_id,
        policy,
        environment,
        timeout_seconds,
        memory_mb,
        events,
    };
    if errors.is_empty() {
        Ok(Some(function))
    } else {
        Err(errors)
    }
}

fn collect<T: Default>(errors: &mut Vec<String>, result: Result<T, Vec<String>>) -> T {
    result.unwrap_or_else(|found| {
        errors.extend(found);
        T::default()
    })
}

fn policies(scope: &Scope, properties: &Yaml) -> Result<Policy, Vec<String>> {
    let Some(policies) = properties.get("Policies") else {
        return Ok(Policy::default());
    };
    let resolved = scope
        .resolve(policies)
        .map_err(|error| vec![format!("Policies: {error}")])?;
    resolved.map_or(Ok(Policy::default()), |policies| Policy::parse(&policies))
}

fn environment(
    scope: &Scope,
    properties: &Yaml,
    globals: Option<&Yaml>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut environment = BTreeMap::new();
    let mut errors = Vec::new();
    for level in globals.into_iter().chain([properties]) {
        let variables = level
            .get("Environment")
            .and_then(|environment| environment.get("Variables"));
        for (name, value) in variables.and_then(Yaml::as_mapping).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            match scope
                .resolve(value)
                .map(|value| value.as_ref().map(resolve::text))
            {
                Ok(Some(Some(text))) => drop(environment.insert(name.to_owned(), text)),
                Ok(Some(None)) => errors.push(format!("Environment: {name} is not a text")),
                Ok(None) => {}
                Err(error) => errors.push(format!("Environment: {name}: {error}")),
            }
        }
    }
    if errors.is_empty() {
        Ok(environment)
    } else {
        Err(errors)
    }
}

fn events(scope: &Scope, properties: &Yaml) -> Result<Vec<Event>, Vec<String>> {
    let mut events = Vec::new();
    let mut errors = Vec::new();
    for (name, event) in properties
        .get("Events")
        .and_then(Yaml::as_mapping)
        .into_iter()
        .flatten()
    {
        match one_event(scope, event) {
            Ok(event) => events.push(event),
            Err(error) => errors.push(format!("Events: {}: {error}", name.as_str().unwrap_or_default())),
        }
    }
    if errors.is_empty() {
        Ok(events)
    } else {
        Err(errors)
    }
}

fn one_event(scope: &Scope, event: &Yaml) -> Result<Event, String> {
    let optional = |name: &str| -> Result<Option<String>, String> {
        let Some(value) = event
            .get("Properties")
            .and_then(|properties| properties.get(name))
        else {
            return Ok(None);
        };
        match scope.resolve(value).map_err(|error| format!("{name}: {error}"))? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => resolve::text(&value)
                .map(Some)
                .ok_or_else(|| format!("{name}: {value} is not a text")),
        }
    };
    let required = |name: &str| optional(name)?.ok_or_else(|| format!("{name} is missing"));
    match event.get("Type").and_then(Yaml::as_str) {
        Some("HttpApi") => Ok(Event::HttpApi {
            method: required("Method")?.to_ascii_uppercase(),
            path: required("Path")?,
        }),
        Some("ScheduleV2") => Ok(Event::Schedule {
            expression: required("ScheduleExpression")?,
            time_zone: optional("ScheduleExpressionTimezone")?,
            input: optional("Input")?,
        }),
        Some(other) => Err(format!("{other} is not a kind of event that is delivered here")),
        None => Err("Type is missing".to_owned()),
    }
}

#[cfg(test)]
mod tests;
