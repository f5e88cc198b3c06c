//! CloudFormation's intrinsic functions, as far as a function's policy, environment and events use them.

use std::collections::HashMap;

use serde_json::{Map, Value};
use serde_yaml_ng::{Mapping, Value as Yaml};

/// Conditions may name each other; deeper than this they go in a circle.
const MAX_DEPTH: usize = 20;

/// What the names in a template stand for.
pub(super) struct Scope {
    values: HashMap<String, String>,
    conditions: Mapping,
}

impl Scope {
    /// The caller's values go before the defaults of the template's own parameters.
    pub(super) fn new(template: &Yaml, given: &HashMap<String, String>) -> Self {
        let mut values: HashMap<String, String> =
            [("AWS::Partition", "aws"), ("AWS::URLSuffix", "amazonaws.com")]
                .map(owned)
                .into();
        let parameters = template.get("Parameters").and_then(Yaml::as_mapping);
        for (name, parameter) in parameters.into_iter().flatten() {
            let default = parameter.get("Default").and_then(|value| plain(value).ok());
            if let (Some(name), Some(default)) = (name.as_str(), default.as_ref().and_then(text)) {
                values.insert(name.to_owned(), default);
            }
        }
        values.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        let conditions = template
            .get("Conditions")
            .and_then(Yaml::as_mapping)
            .cloned()
            .unwrap_or_default();
        Self { values, conditions }
    }

    /// The value with every intrinsic function replaced by what it gives; none for `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Yaml) -> Result<Option<Value>, String> {
        if let Some((name, argument)) = intrinsic(value) {
            return self.call(&name, argument);
        }
        match value {
            Yaml::Sequence(items) => {
                let resolved: Result<Vec<_>, _> = items.iter().map(|item| self.resolve(item)).collect();
                Ok(Some(resolved?.into_iter().flatten().collect()))
            }
            Yaml::Mapping(fields) => {
                let mut resolved = Map::new();
                for (key, value) in fields {
                    let key = key.as_str().ok_or_else(|| format!("{key:?} is not a text"))?;
                    if let Some(value) = self.resolve(value).map_err(|error| format!("{key}: {error}"))? {
                        resolved.insert(key.to_owned(), value);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            scalar => plain(scalar).map(Some),
        }
    }

    /// Like [`Scope::resolve`] for what must be one text.
    pub(super) fn text(&self, value: &Yaml) -> Result<String, String> {
        let resolved = self.resolve(value)?.unwrap_or_default();
        text(&resolved).ok_or_else(|| format!("{resolved} is not a text"))
    }

    /// Whether the named condition of the template holds.
    pub(super) fn condition(&self, name: &str) -> Result<bool, String> {
        self.named_condition(name, 0)
    }

    fn call(&self, name: &str, argument: &Yaml) -> Result<Option<Value>, String> {
        match name {
            "Ref" => match argument.as_str() {
                Some("AWS::NoValue") => Ok(None),
                Some(name) => self.named(name).map(|value| Some(value.into())),
                None => Err("Ref does not name anything".to_owned()),
            },
            "GetAtt" => {
                let path = match argument {
                    Yaml::Sequence(parts) => parts
                        .iter()
                        .map(Yaml::as_str)
                        .collect::<Option<Vec<_>>>()
                        .map(|parts| parts.join(".")),
                    other => other.as_str().map(str::to_owned),
                };
                let path = path.ok_or("GetAtt does not name an attribute")?;
                self.named(&path).map(|value| Some(value.into()))
            }
            "Sub" => self.substitute(argument).map(|text| Some(text.into())),
            "Join" => {
                let [delimiter, list] = arguments(argument, "Join")?;
                let delimiter = self.text(delimiter)?;
                let list = self.resolve(list)?.unwrap_or_default();
                let parts = list
                    .as_array()
                    .and_then(|parts| parts.iter().map(text).collect::<Option<Vec<_>>>());
                let parts = parts.ok_or("Join has something else than a list of texts")?;
                Ok(Some(parts.join(&delimiter).into()))
            }
            "Split" => {
                let [delimiter, source] = arguments(argument, "Split")?;
                let (delimiter, source) = (self.text(delimiter)?, self.text(source)?);
                if delimiter.is_empty() {
                    return Err("Split has an empty delimiter".to_owned());
                }
                Ok(Some(source.split(&delimiter).collect()))
            }
            "Select" => {
                let [index, list] = arguments(argument, "Select")?;
                let index = self.text(index)?;
                let list = self.resolve(list)?.unwrap_or_default();
                let selected = index
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| list.as_array()?.get(index));
                let selected =
                    selected.ok_or_else(|| format!("Select finds nothing at {index} of {list}"))?;
                Ok(Some(selected.clone()))
            }
            "If" => {
                let [condition, yes, no] = arguments(argument, "If")?;
                let condition = condition.as_str().ok_or("If does not name a condition")?;
                self.resolve(if self.condition(condition)? { yes } else { no })
            }
            other => Err(format!("the function {other} is not resolved here")),
        }
    }

    fn named(&self, name: &str) -> Result<String, String> {
        self.values
            .get(name)
            .cloned()
            .ok_or_else(|| format!("{name} has no value"))
    }

    fn substitute(&self, argument: &Yaml) -> Result<String, String> {
        let mut own = HashMap::new();
        let pattern = match argument {
            Yaml::Sequence(_) => {
                let [pattern, variables] = arguments(argument, "Sub")?;
                for (name, value) in variables
                    .as_mapping()
                    .ok_or("Sub has variables that are not a mapping")?
                {
                    let name = name
                        .as_str()
                        .ok_or("Sub has a variable whose name is not a text")?;
                    own.insert(name, self.text(value)?);
                }
                pattern
            }
            pattern => pattern,
        };
        let mut rest = pattern.as_str().ok_or("Sub has no text")?;
        let mut result = String::new();
        while let Some((before, from)) = rest.split_once("${") {
            let (name, after) = from
                .split_once('}')
                .ok_or_else(|| format!("Sub: ${{{from} is not closed"))?;
            result.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => result.extend(["${", literal, "}"]),
                None => match own.get(name) {
                    Some(value) => result.push_str(value),
                    None => result.push_str(&self.named(name)?),
                },
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn named_condition(&self, name: &str, depth: usize) -> Result<bool, String> {
        let condition = self
            .conditions
            .get(name)
            .ok_or_else(|| format!("there is no condition {name}"))?;
        self.truth(condition, depth + 1)
            .map_err(|error| format!("condition {name}: {error}"))
    }

    fn truth(&self, value: &Yaml, depth: usize) -> Result<bool, String> {
        if depth > MAX_DEPTH {
            return Err("the conditions are nested too deeply".to_owned());
        }
        let long = value
            .as_mapping()
            .filter(|fields| fields.len() == 1)
            .and_then(|fields| fields.get("Condition"));
        let (name, argument) = match long {
            Some(named) => ("Condition".to_owned(), named),
            None => intrinsic(value).ok_or("it is not a condition function")?,
        };
        let each = || {
            let parts = argument
                .as_sequence()
                .filter(|parts| !parts.is_empty())
                .ok_or("it has no list")?;
            parts
                .iter()
                .map(|part| self.truth(part, depth + 1))
                .collect::<Result<Vec<_>, String>>()
        };
        match name.as_str() {
            "Condition" => self.named_condition(argument.as_str().ok_or("it names nothing")?, depth),
            "Equals" => {
                let [left, right] = arguments(argument, "Equals")?;
                Ok(self.text(left)? == self.text(right)?)
            }
            "And" => each().map(|parts| parts.iter().all(|part| *part)),
            "Or" => each().map(|parts| parts.iter().any(|part| *part)),
            "Not" => match each()?.as_slice() {
                [only] => Ok(!only),
                _ => Err("Not takes one condition".to_owned()),
            },
            other => Err(format!("{other} is not a condition function")),
        }
    }
}

/// A number, truth value or text as a text, as CloudFormation passes it on.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn plain(scalar: &Yaml) -> Result<Value, String> {
    serde_json::to_value(scalar).map_err(|error| error.to_string())
}

/// The name and argument of an intrinsic function, in its short or its long form.
fn intrinsic(value: &Yaml) -> Option<(String, &Yaml)> {
    if let Yaml::Tagged(tagged) = value {
        let name = tagged.tag.to_string();
        return Some((name.trim_start_matches('!').to_owned(), &tagged.value));
    }
    let fields = value.as_mapping().filter(|fields| fields.len() == 1)?;
    let (name, argument) = fields.iter().next()?;
    match name.as_str()? {
        "Ref" => Some(("Ref".to_owned(), argument)),
        name => name.strip_prefix("Fn::").map(|name| (name.to_owned(), argument)),
    }
}

fn arguments<'a, const N: usize>(value: &'a Yaml, function: &str) -> Result<&'a [Yaml; N], String> {
    let list = value
        .as_sequence()
        .and_then(|list| list.as_slice().try_into().ok());
    list.ok_or_else(|| format!("{function} does not have {N} arguments"))
}
