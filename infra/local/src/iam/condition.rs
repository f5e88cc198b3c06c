//! The conditions of a statement: the few that this project uses, and an error for every other.

use serde_json::Value;

use super::{AwsCall, glob};

/// One operator on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    key: Key,
    like: bool,
    for_all_values: bool,
    values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    LeadingKeys,
    EncryptionContext(String),
    FromAddress,
    Recipients,
    Prefix,
}

impl Key {
    fn parse(text: &str) -> Result<Self, String> {
        // IAM ignores case in the names of condition keys.
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "dynamodb:leadingkeys" => Ok(Self::LeadingKeys),
            "ses:fromaddress" => Ok(Self::FromAddress),
            "ses:recipients" => Ok(Self::Recipients),
            "s3:prefix" => Ok(Self::Prefix),
            _ => match lower.strip_prefix("kms:encryptioncontext:") {
                Some(name) if !name.is_empty() => Ok(Self::EncryptionContext(name.to_owned())),
                _ => Err(format!(
                    "the condition key {text} is not one that is enforced here"
                )),
            },
        }
    }

    fn service(&self) -> &'static str {
        match self {
            Self::LeadingKeys => "dynamodb",
            Self::EncryptionContext(_) => "kms",
            Self::FromAddress | Self::Recipients => "ses",
            Self::Prefix => "s3",
        }
    }

    fn has_many_values(&self) -> bool {
        matches!(self, Self::LeadingKeys | Self::Recipients)
    }

    fn values_of<'a>(&'a self, call: &'a AwsCall) -> Vec<&'a str> {
        match self {
            Self::LeadingKeys => call.leading_keys.iter().map(String::as_str).collect(),
            Self::Recipients => call.recipients.iter().map(String::as_str).collect(),
            Self::FromAddress => call.from_address.as_deref().into_iter().collect(),
            Self::Prefix => call.prefix.as_deref().into_iter().collect(),
            Self::EncryptionContext(name) => {
                let named = call
                    .encryption_context
                    .iter()
                    .filter(|(key, _)| key.eq_ignore_ascii_case(name));
                named.map(|(_, value)| value.as_str()).collect()
            }
        }
    }
}

/// Reads a `Condition` block, whose variables are resolved already.
pub(super) fn parse(block: &Value, actions: &[String]) -> Result<Vec<Condition>, Vec<String>> {
    let Some(operators) = block.as_object() else {
        return Err(vec!["Condition is not a mapping".to_owned()]);
    };
    let mut conditions = Vec::new();
    let mut errors = Vec::new();
    for (operator, keys) in operators {
        let Some(keys) = keys.as_object().filter(|keys| !keys.is_empty()) else {
            errors.push(format!("the condition {operator} names no key"));
            continue;
        };
        for (key, values) in keys {
            match one(operator, key, values, actions) {
                Ok(condition) => conditions.push(condition),
                Err(error) => errors.push(error),
            }
        }
    }
    if errors.is_empty() {
        Ok(conditions)
    } else {
        Err(errors)
    }
}

fn one(operator: &str, key: &str, values: &Value, actions: &[String]) -> Result<Condition, String> {
    let (for_all_values, plain) = match operator.strip_prefix("ForAllValues:") {
        Some(plain) => (true, plain),
        None => (false, operator),
    };
    let like = match plain {
        "StringEquals" => false,
        "StringLike" => true,
        _ => {
            return Err(format!(
                "the condition operator {operator} is not one that is enforced here"
            ));
        }
    };
    let parsed = Key::parse(key)?;
    match (parsed.has_many_values(), for_all_values) {
        (true, false) => {
            return Err(format!("{key} can have many values: write ForAllValues:{plain}"));
        }
        // It holds when the key is absent: a call without any encryption context would pass.
        (false, true) => {
            return Err(format!(
                "{key} has one value: write {plain}, ForAllValues would let it lack"
            ));
        }
        _ => {}
    }
    // On AWS such a statement would never allow anything, and nothing would say so.
    let service = parsed.service();
    if let Some(foreign) = actions
        .iter()
        .find(|action| action.split(':').next() != Some(service))
    {
        return Err(format!("the condition key {key} does not apply to {foreign}"));
    }
    let scans = |action: &String| action.eq_ignore_ascii_case("dynamodb:scan");
    if parsed == Key::LeadingKeys && actions.iter().any(scans) {
        return Err(format!(
            "a scan has no {key}, so the condition would let it read everything"
        ));
    }
    let values = super::policy::texts(values).map_err(|error| format!("{key}: {error}"))?;
    if values.iter().any(|value| value.contains("${")) {
        return Err(format!("{key}: policy variables are not enforced here"));
    }
    Ok(Condition {
        key: parsed,
        like,
        for_all_values,
        values,
    })
}

impl Condition {
    /// The values that it compares with.
    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// The condition without one of its values; none when it had no other, and so holds for nothing any more.
    pub(super) fn without(&self, value: usize) -> Option<Self> {
        let mut less = self.clone();
        less.values.remove(value);
        (!less.values.is_empty()).then_some(less)
    }

    /// Whether the condition holds. As in IAM, `ForAllValues` holds when there are none.
    pub(super) fn holds(&self, call: &AwsCall) -> bool {
        let found = self.key.values_of(call);
        let fits = |value: &str| {
            self.values.iter().any(|wanted| {
                if self.like {
                    glob(wanted, value)
                } else {
                    wanted == value
                }
            })
        };
        found.iter().all(|value| fits(value)) && (self.for_all_values || !found.is_empty())
    }
}
