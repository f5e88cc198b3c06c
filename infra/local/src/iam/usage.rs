//! What functions really did, to be held against what their policies let them do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::AwsCall;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    action: String,
    resource: String,
    leading_key: Option<String>,
}

/// The distinct calls of each function: action, resource and the beginning of the leading key.
#[derive(Debug, Default)]
pub struct Usage {
    functions: Mutex<BTreeMap<String, BTreeSet<Use>>>,
}

impl Usage {
    /// Nothing used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a call of a function.
    pub fn record(&self, function: &str, call: &AwsCall) {
        let used = |leading_key: Option<String>| Use {
            action: call.action.clone(),
            resource: general(&call.resource),
            leading_key,
        };
        // No code panics while it holds the lock, so a poisoned map is still a whole one.
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = functions.entry(function.to_owned()).or_default();
        if call.leading_keys.is_empty() {
            uses.insert(used(None));
        }
        for key in &call.leading_keys {
            let end = key.find('#').map_or(key.len(), |at| at + 1);
            uses.insert(used(Some(key[..end].to_owned())));
        }
    }

    /// The collected calls by function, sorted.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let as_json = |used: &Use| json!({ "action": used.action, "resource": used.resource, "leading_key_prefix": used.leading_key });
        let entries = functions
            .iter()
            .map(|(function, uses)| (function.clone(), uses.iter().map(as_json).collect()));
        Value::Object(entries.collect())
    }
}

/// The resource without the name of the single object, of which there may be millions.
fn general(resource: &str) -> String {
    let object = resource
        .strip_prefix("arn:aws:s3:::")
        .and_then(|path| path.split_once('/'));
    match object {
        Some((bucket, key)) => {
            let folder = key.split_once('/').map_or(String::new(), |(first, _)| {
                // The first folder is an id more often than not; what comes before an underscore says of what.
                first
                    .split_once('_')
                    .map_or(format!("{first}/"), |(kind, _)| format!("{kind}_*/"))
            });
            format!("arn:aws:s3:::{bucket}/{folder}*")
        }
        None => resource.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_differ_only_in_ids_are_one_use_and_functions_are_apart() {
        let usage = Usage::new();
        let table = "arn:aws:dynamodb:eu-west-2:0:table/core";
        for keys in [vec!["ORG#1", "USER#2"], vec!["ORG#3"], vec!["plain"], vec![]] {
            let leading_keys = keys.into_iter().map(str::to_owned).collect();
            usage.record(
                "A",
                &AwsCall {
                    leading_keys,
                    ..AwsCall::new("dynamodb:GetItem", table)
                },
            );
        }
        for key in ["org_1/content/a", "org_2/content/b", "exports/a", "top"] {
            usage.record(
                "B",
                &AwsCall::new("s3:GetObject", format!("arn:aws:s3:::files/{key}")),
            );
        }
        usage.record("B", &AwsCall::new("s3:ListBucket", "arn:aws:s3:::files"));
        let json = usage.to_json();
        let keys: Vec<_> = json["A"]
            .as_array()
            .unwrap()
            .iter()
            .map(|used| used["leading_key_prefix"].clone())
            .collect();
        assert_eq!(keys, [Value::Null, "ORG#".into(), "USER#".into(), "plain".into()]);
        assert_eq!(json["A"][1]["action"], "dynamodb:GetItem");
        assert_eq!(json["A"][1]["resource"], table);
        let resources: Vec<_> = json["B"]
            .as_array()
            .unwrap()
            .iter()
            .map(|used| used["resource"].clone())
            .collect();
        let expected = ["files/*", "files/exports/*", "files/org_*/*", "files"]
            .map(|path| format!("arn:aws:s3:::{path}"));
        assert_eq!(resources, expected);
    }
}
