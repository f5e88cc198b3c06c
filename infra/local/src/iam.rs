//! What each function may do: the policies of `template.yaml`, judged as IAM judges them.
//!
//! A call that the function's own policy does not allow fails here as it would on AWS, which is the only way that a
//! missing permission shows before a deployment. So everything this module does not understand (a condition, an
//! intrinsic function, an operation) is an error, and nothing is skipped.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use atoms::Atom;
pub use calls::{KeyResolver, Place, aws_calls};
pub use general::Names;
pub use policy::{Effect, Policy, Statement};
pub use template::{Event, FunctionDef, Template};
pub(crate) use usage::learns;
pub use usage::{LEARN_VARIABLE, USAGE_VARIABLE, Usage, Used, read_usage};

mod atoms;
mod calls;
mod condition;
mod dynamodb;
mod general;
mod policy;
mod resolve;
mod s3;
mod template;
mod usage;

/// One thing that a request asks permission for. A request that touches two tables asks twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AwsCall {
    /// The action, such as `dynamodb:Query`.
    pub action: String,
    /// The ARN of what the action is on.
    pub resource: String,
    /// The partition keys that the call names (`dynamodb:LeadingKeys`); a scan names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leading_keys: Vec<String>,
    /// The encryption context of a KMS call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encryption_context: BTreeMap<String, String>,
    /// The sender of a mail, without its display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_address: Option<String>,
    /// The recipients of a mail, without their display names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// The prefix that a listing of a bucket is restricted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl AwsCall {
    /// A call without any context beyond its resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            ..Self::default()
        }
    }
}

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The logical id of the function that called.
    pub function: String,
    /// The action that was refused.
    pub action: String,
    /// The resource it was refused on.
    pub resource: String,
    /// Whether a `Deny` statement refused it, and not merely the lack of an `Allow`.
    pub explicit: bool,
    /// What is missing, for whoever has to mend the policy.
    pub reason: String,
}

impl fmt::Display for Denied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function,
            action,
            resource,
            reason,
            ..
        } = self;
        write!(
            out,
            "{function} is not authorized to perform {action} on {resource}: {reason}"
        )
    }
}

impl std::error::Error for Denied {}

/// Whether a text fits a pattern in which `*` stands for any text and `?` for one character.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut position) = (0, 0);
    // Where to go on when a guess for the last star's length turns out wrong.
    let mut retry = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, position));
                at += 1;
            }
            Some(expected) if *expected == '?' || *expected == text[position] => {
                at += 1;
                position += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    position = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn stars_stand_for_any_text_and_question_marks_for_one_character() {
        let fits = [
            ("", ""),
            ("*", ""),
            ("a*", "a"),
            ("a*c", "abbc"),
            ("*b*b", "abab"),
            ("a?c", "abc"),
            ("??", "ab"),
            ("ORG#*", "ORG#1"),
            ("a**", "ab"),
            ("*é", "xé"),
        ];
        for (pattern, text) in fits {
            assert!(glob(pattern, text), "{pattern} should fit {text}");
        }
        let misfits = [
            ("", "a"),
            ("a", ""),
            ("a?", "a"),
            ("a*c", "acb"),
            ("*b", "abc"),
            ("ORG#*", "USER#ORG#1"),
            ("A", "a"),
            ("?", "ab"),
        ];
        for (pattern, text) in misfits {
            assert!(!glob(pattern, text), "{pattern} should not fit {text}");
        }
    }
}
