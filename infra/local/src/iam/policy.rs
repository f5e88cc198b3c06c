//! Policy documents and their evaluation.

use serde_json::Value;

use super::condition::{self, Condition};
use super::{AwsCall, Denied, glob};

/// What a statement does with the calls it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It lets them pass unless another statement denies them.
    Allow,
    /// It refuses them whatever other statements say.
    Deny,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What the statement does.
    pub effect: Effect,
    /// The patterns of its actions, such as `dynamodb:GetItem`.
    pub actions: Vec<String>,
    /// The patterns of its resources.
    pub resources: Vec<String>,
    pub(super) conditions: Vec<Condition>,
}

/// All statements that one function's role has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The statements, in the order of the template.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// Reads SAM's `Policies`: one policy document or a list of them, with all intrinsic functions resolved.
    ///
    /// # Errors
    /// Everything that is wrong or not enforced here.
    pub fn parse(policies: &Value) -> Result<Self, Vec<String>> {
        let mut policy = Self::default();
        let mut errors = Vec::new();
        for (number, document) in listed(policies).enumerate() {
            match document.as_object() {
                Some(fields) if fields.contains_key("Statement") => {
                    for unknown in fields
                        .keys()
                        .filter(|key| !["Statement", "Version", "Id"].contains(&key.as_str()))
                    {
                        errors.push(format!("policy {}: {unknown} is not known", number + 1));
                    }
                    for statement in fields.get("Statement").into_iter().flat_map(listed) {
                        match Statement::parse(statement) {
                            Ok(statement) => policy.statements.push(statement),
                            Err(found) => errors.extend(found),
                        }
                    }
                }
                // Managed policies and SAM's policy templates would have to be expanded to be enforced.
                _ => errors.push(format!(
                    "policy {} is not a document with a Statement: {document}",
                    number + 1
                )),
            }
        }
        if errors.is_empty() {
            Ok(policy)
        } else {
            Err(errors)
        }
    }

    /// Judges a call: an explicit deny wins, then an allow, and without either the call is refused.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn authorize(&self, function: &str, call: &AwsCall) -> Result<(), Denied> {
        let denied = |explicit: bool, reason: String| Denied {
            function: function.to_owned(),
            action: call.action.clone(),
            resource: call.resource.clone(),
            explicit,
            reason,
        };
        let of = |effect: Effect| {
            self.statements
                .iter()
                .filter(move |statement| statement.effect == effect)
        };
        if of(Effect::Deny).any(|statement| statement.matches(call)) {
            return Err(denied(true, "a statement denies it explicitly".to_owned()));
        }
        if of(Effect::Allow).any(|statement| statement.matches(call)) {
            return Ok(());
        }
        let action_known = of(Effect::Allow).any(|statement| statement.has_action(&call.action));
        let nearly = |statement: &&Statement| {
            statement.has_action(&call.action) && statement.has_resource(&call.resource)
        };
        let reason = match (of(Effect::Allow).find(nearly), action_known) {
            (Some(_), _) => format!(
                "the condition of the statement that allows it does not hold for {}",
                context(call)
            ),
            (None, true) => format!("its policy allows {} on other resources only", call.action),
            (None, false) => format!("no statement of its policy allows {}", call.action),
        };
        Err(denied(false, reason))
    }
}

impl Statement {
    fn parse(value: &Value) -> Result<Self, Vec<String>> {
        let Some(fields) = value.as_object() else {
            return Err(vec![format!("a statement is not a mapping: {value}")]);
        };
        let mut errors = Vec::new();
        let name = fields.get("Sid").and_then(Value::as_str).unwrap_or("statement");
        for key in fields.keys() {
            if !["Sid", "Effect", "Action", "Resource", "Condition"].contains(&key.as_str()) {
                errors.push(format!("{name}: {key} is not enforced here"));
            }
        }
        let effect = match fields.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => {
                errors.push(format!("{name}: Effect is neither Allow nor Deny"));
                Effect::Deny
            }
        };
        let mut list = |field: &str, check: fn(&str) -> Result<(), String>| {
            let texts = fields.get(field).map_or(Err("is missing".to_owned()), texts);
            let checked = texts.and_then(|texts| {
                texts.iter().try_for_each(|text| check(text))?;
                Ok(texts)
            });
            checked.unwrap_or_else(|error| {
                errors.push(format!("{name}: {field}: {error}"));
                Vec::new()
            })
        };
        let actions = list("Action", check_action);
        let resources = list("Resource", check_resource);
        let conditions = match fields
            .get("Condition")
            .map(|block| condition::parse(block, &actions))
        {
            None => Vec::new(),
            Some(Ok(conditions)) => conditions,
            Some(Err(found)) => {
                errors.extend(found.into_iter().map(|error| format!("{name}: {error}")));
                Vec::new()
            }
        };
        if errors.is_empty() {
            Ok(Self {
                effect,
                actions,
                resources,
                conditions,
            })
        } else {
            Err(errors)
        }
    }

    /// Whether the statement is about a call.
    pub fn matches(&self, call: &AwsCall) -> bool {
        self.has_action(&call.action)
            && self.has_resource(&call.resource)
            && self.conditions.iter().all(|condition| condition.holds(call))
    }

    fn has_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.actions
            .iter()
            .any(|pattern| glob(&pattern.to_ascii_lowercase(), &action))
    }

    fn has_resource(&self, resource: &str) -> bool {
        self.resources.iter().any(|pattern| {
            // A wildcard stays within its part of the ARN; only the last part may contain colons.
            let mut pairs = pattern.splitn(6, ':').zip(resource.splitn(6, ':'));
            pattern == "*"
                || (resource.splitn(6, ':').count() == 6 && pairs.all(|(part, text)| glob(part, text)))
        })
    }
}

fn context(call: &AwsCall) -> String {
    let mut parts = Vec::new();
    if !call.leading_keys.is_empty() {
        parts.push(format!("the leading keys {:?}", call.leading_keys));
    }
    if call.action.starts_with("kms:") {
        parts.push(format!("the encryption context {:?}", call.encryption_context));
    }
    if let Some(from) = &call.from_address {
        parts.push(format!("the sender {from}"));
    }
    if let Some(prefix) = &call.prefix {
        parts.push(format!("the prefix {prefix:?}"));
    }
    if parts.is_empty() {
        "a call without context".to_owned()
    } else {
        parts.join(" and ")
    }
}

fn check_action(action: &str) -> Result<(), String> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_pattern = |text: &str| is_name(&text.replace(['*', '?'], "x"));
    match action.split_once(':') {
        Some((service, name)) if is_name(service) && is_pattern(name) => Ok(()),
        None if action == "*" => Ok(()),
        _ => Err(format!("{action} is not an action")),
    }
}

fn check_resource(resource: &str) -> Result<(), String> {
    if resource.contains("${") {
        return Err(format!(
            "{resource} has a policy variable, which is not enforced here"
        ));
    }
    let is_arn = resource.starts_with("arn:")
        && resource.splitn(6, ':').filter(|part| !part.contains(' ')).count() == 6;
    if resource == "*" || is_arn {
        Ok(())
    } else {
        Err(format!("{resource} is not an ARN"))
    }
}

/// One text or a list of texts, and at least one.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    let found: Option<Vec<String>> = listed(value)
        .map(|text| text.as_str().map(str::to_owned))
        .collect();
    found
        .filter(|list| !list.is_empty())
        .ok_or_else(|| format!("{value} is neither a text nor a list of texts"))
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    }
    .iter()
}

#[cfg(test)]
mod tests;
