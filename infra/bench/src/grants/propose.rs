//! The policy that allows what was used and nothing else, as statements in the style of `template.yaml`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use local::iam::AwsCall;

use super::judge::end_of;
use super::patterns::{patterns, starred};
use crate::Result;

/// The order of actions in a policy.
const ACTIONS: [&str; 17] = [
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:ConditionCheckItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "ses:SendEmail",
    "kms:GenerateDataKey",
    "kms:Decrypt",
];

/// The order of tables, buckets and keys.
const PLACES: [&str; 10] = [
    "CoreTable",
    "ControlTable",
    "KeysTable",
    "EphemeralTable",
    "FilesBucket",
    "LedgerBucket",
    "DataKeyArn",
    "TokenKeyArn",
    "LedgerKeyArn",
    "StorageKeyArn",
];

/// The order of the types of items. Others come behind these, by the alphabet.
const ITEMS: [&str; 19] = [
    "ORG#",
    "USER#",
    "EMAIL#",
    "MAIL#",
    "BILLING#",
    "RECORD#",
    "EVENT#",
    "UNIQUE#",
    "ATTACHMENT#",
    "IMPORT#",
    "UNIT#user_",
    "UNIT#",
    "DUE#",
    "JOB#",
    "OPENJOBS#",
    "OUTBOX#",
    "LEDGER",
    "SESSION#",
    "IDEMPOTENCY#",
];

/// What a function used, turned into what its block in the template says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    /// The lines of `Policies`, without indentation before the dash; empty for a function that may do nothing.
    pub(super) policies: Vec<String>,
    /// The variables that go with what it may do, with the parameters that they are.
    pub(super) variables: Vec<(&'static str, &'static str)>,
}

/// The names of what parameters stand for.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn new(parameters: &HashMap<String, String>) -> Self {
        let names = parameters.iter().filter(|(name, _)| !name.contains(':'));
        Self(names.map(|(name, value)| (value.clone(), name.clone())).collect())
    }

    fn parameter(&self, value: &str) -> Option<&str> {
        self.0.get(value).map(String::as_str)
    }

    /// The text with the names of parameters as `!Sub` takes them.
    fn substituted(&self, resource: &str) -> String {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let [_, _, service, region, account, last] = parts.as_slice() else {
            return resource.to_owned();
        };
        let last: Vec<String> = last
            .split('/')
            .map(|word| {
                self.parameter(word)
                    .map_or(word.to_owned(), |name| format!("${{{name}}}"))
            })
            .collect();
        let unless_empty = |text: &str, name: &str| {
            if text.is_empty() {
                String::new()
            } else {
                format!("${{AWS::{name}}}")
            }
        };
        let (region, account) = (unless_empty(region, "Region"), unless_empty(account, "AccountId"));
        format!(
            "arn:${{AWS::Partition}}:{service}:{region}:{account}:{}",
            last.join("/")
        )
    }

    /// As a value of YAML.
    fn value(&self, text: &str) -> String {
        match self.parameter(text) {
            Some(name) => format!("!Ref {name}"),
            None if text.starts_with("arn:") => format!("!Sub \"{}\"", self.substituted(text)),
            None => text.to_owned(),
        }
    }

    fn rank(&self, text: &str) -> usize {
        let last = end_of(text);
        let mut words = last.split('/').chain([text]);
        let found = words.find_map(|word| {
            let name = self.parameter(word)?;
            PLACES.iter().position(|place| *place == name)
        });
        found.unwrap_or(PLACES.len())
    }
}

/// What a function that did `used` has to have, where `everybody` are the calls of all functions.
pub(super) fn proposal(
    used: &BTreeSet<AwsCall>,
    everybody: &BTreeSet<AwsCall>,
    names: &Names,
) -> Result<Proposal> {
    let of = |service: &'static str| {
        used.iter()
            .filter(move |call| call.action.split(':').next() == Some(service))
    };
    let known = ["dynamodb", "s3", "ses", "kms"].map(|service| of(service).count());
    if known.iter().sum::<usize>() < used.len() {
        return Err("it uses a service whose statements have to be written by hand".to_owned());
    }
    let mut policies = Vec::new();
    for statement in tables(of("dynamodb"), everybody, names)? {
        policies.extend(statement);
    }
    policies.extend(objects(of("s3"), everybody, names));
    let mut variables = Vec::new();
    if of("ses").next().is_some() {
        policies.extend(MAIL.lines().map(str::to_owned));
        variables.push(("MAIL_CONFIGURATION_SET", "MailConfigurationSet"));
    }
    policies.extend(keys(of("kms"), names)?);
    for call in of("kms") {
        let variable = match names.parameter(&call.resource) {
            Some("TokenKeyArn") => ("TOKEN_SIGNING_KEY_CIPHERTEXT", "TokenSigningKeyCiphertext"),
            Some("LedgerKeyArn") => ("LEDGER_SIGNING_KEY_CIPHERTEXT", "LedgerSigningKeyCiphertext"),
            // The ciphertext of the root key is everybody's.
            _ => continue,
        };
        if !variables.contains(&variable) {
            variables.insert(0, variable);
        }
    }
    Ok(Proposal { policies, variables })
}

/// The statement of every function that sends mail.
const MAIL: &str = r#"- Effect: Allow
  Action: ses:SendEmail
  Resource:
    - !Sub arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${MailConfigurationSet}
    - !Sub
      - arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${Domain}
      - Domain: !Select [1, !Split ["@", !Ref MailFrom]]
  Condition: { StringEquals: { "ses:FromAddress": !Ref MailFrom } }"#;

type Statement = Vec<String>;

/// One statement for each table and set of keys: its actions are those that are used on just these keys.
fn tables<'a>(
    used: impl Iterator<Item = &'a AwsCall>,
    everybody: &BTreeSet<AwsCall>,
    names: &Names,
) -> Result<Vec<Statement>> {
    let mut keys: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for call in used {
        if call.leading_keys.is_empty() {
            return Err(format!("{} on {} names no key", call.action, call.resource));
        }
        let all = call.leading_keys.iter().map(String::as_str);
        keys.entry((&call.resource, &call.action))
            .or_default()
            .extend(all);
    }
    let mut statements: BTreeMap<(usize, &str, Vec<String>), Vec<&str>> = BTreeMap::new();
    for ((resource, action), used) in &keys {
        let same = everybody.iter().filter(|call| call.resource == *resource);
        let all = same
            .flat_map(|call| &call.leading_keys)
            .map(String::as_str)
            .collect();
        let mut patterns: Vec<_> = patterns(used, &all, '#').into_iter().collect();
        patterns.sort_by_key(|pattern| (rank(&ITEMS, |item| pattern.starts_with(item)), pattern.clone()));
        statements
            .entry((names.rank(resource), *resource, patterns))
            .or_default()
            .push(action);
    }
    let mut ordered: Vec<_> = statements
        .into_iter()
        .map(|((place, resource, patterns), mut actions)| {
            actions.sort_by_key(|action| rank(&ACTIONS, |known| known == *action));
            let first = rank(&ACTIONS, |known| actions.first() == Some(&known));
            ((place, resource, first), patterns, actions)
        })
        .collect();
    ordered.sort();
    let statement =
        |((_, resource, _), patterns, actions): ((usize, &str, usize), Vec<String>, Vec<&str>)| {
            let patterns: Vec<_> = patterns.iter().map(|pattern| format!("\"{pattern}\"")).collect();
            let condition = format!(
                "{{ \"ForAllValues:StringLike\": {{ \"dynamodb:LeadingKeys\": [{}] }} }}",
                patterns.join(", ")
            );
            let resource = format!("!Sub {}", names.substituted(resource));
            statement(&listed(&actions), &[resource], Some(&condition))
        };
    Ok(ordered.into_iter().map(statement).collect())
}

/// Statements on buckets and objects.
fn objects<'a>(
    used: impl Iterator<Item = &'a AwsCall>,
    everybody: &BTreeSet<AwsCall>,
    names: &Names,
) -> Statement {
    let used: Vec<&AwsCall> = used.collect();
    let actions: BTreeSet<_> = used
        .iter()
        .map(|call| (rank(&ACTIONS, |known| known == call.action), call.action.as_str()))
        .collect();
    let mut lines = Vec::new();
    for (_, action) in actions {
        let mut of_objects: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut of_buckets: BTreeMap<&str, BTreeSet<Option<String>>> = BTreeMap::new();
        for call in used.iter().filter(|call| call.action == action) {
            match call.resource.split_once('/') {
                Some((bucket, key)) => drop(of_objects.entry(bucket).or_default().insert(key)),
                None => {
                    // The organisation is a whole folder.
                    let prefix = call
                        .prefix
                        .as_deref()
                        .map(|prefix| starred(prefix).replace("org/org_*", "org/*"));
                    of_buckets.entry(&call.resource).or_default().insert(prefix);
                }
            }
        }
        for (bucket, keys) in of_objects {
            let all = everybody
                .iter()
                .filter_map(|call| call.resource.strip_prefix(bucket)?.strip_prefix('/'));
            let patterns = patterns(&keys, &all.collect(), '/');
            let resource = |key: &String| format!("!Sub {}/{key}", names.substituted(bucket));
            let resources: Vec<_> = patterns.iter().map(resource).collect();
            lines.extend(statement(action, &resources, None));
        }
        for (bucket, prefixes) in of_buckets {
            let resource = [format!("!Sub {}", names.substituted(bucket))];
            let prefixes: Option<Vec<String>> = prefixes.into_iter().collect();
            let condition = prefixes.map(|prefixes| {
                let quoted: Vec<_> = prefixes.iter().map(|prefix| format!("\"{prefix}\"")).collect();
                format!("{{ StringLike: {{ \"s3:prefix\": {} }} }}", list_or_one(&quoted))
            });
            lines.extend(statement(action, &resource, condition.as_deref()));
        }
    }
    lines
}

/// How a key of KMS is used: its rank and that of the action, the key, the action, and the name in the context.
type Opening<'a> = (usize, usize, &'a str, &'a str, &'a str);

/// Statements on keys of KMS.
fn keys<'a>(used: impl Iterator<Item = &'a AwsCall>, names: &Names) -> Result<Statement> {
    let mut contexts: BTreeMap<Opening<'_>, BTreeSet<(usize, &str)>> = BTreeMap::new();
    for call in used {
        let mut context = call.encryption_context.iter();
        let (Some((name, value)), None) = (context.next(), context.next()) else {
            return Err(format!("{} has not one encryption context", call.action));
        };
        let action = rank(&ACTIONS, |known| known == call.action);
        let place = (
            names.rank(&call.resource),
            action,
            call.resource.as_str(),
            call.action.as_str(),
            name.as_str(),
        );
        contexts
            .entry(place)
            .or_default()
            .insert((names.rank(value), value));
    }
    let mut ordered: Vec<_> = contexts.into_iter().collect();
    // Tables, which nearly every function has, come last.
    ordered.sort_by_key(|((place, _, _, _, name), _)| {
        (*name == "aws:dynamodb:tableName", *name != "aws:s3:arn", *place)
    });
    let mut lines = Vec::new();
    for ((_, _, resource, action, name), values) in ordered {
        let values: Vec<_> = values.iter().map(|(_, value)| names.value(value)).collect();
        let condition = format!(
            "{{ StringEquals: {{ \"kms:EncryptionContext:{name}\": {} }} }}",
            list_or_one(&values)
        );
        lines.extend(statement(action, &[names.value(resource)], Some(&condition)));
    }
    Ok(lines)
}

fn statement(action: &str, resources: &[String], condition: Option<&str>) -> Statement {
    let mut lines = vec!["- Effect: Allow".to_owned(), format!("  Action: {action}")];
    match resources {
        [one] => lines.push(format!("  Resource: {one}")),
        many => {
            lines.push("  Resource:".to_owned());
            lines.extend(many.iter().map(|resource| format!("    - {resource}")));
        }
    }
    lines.extend(condition.map(|condition| format!("  Condition: {condition}")));
    lines
}

fn listed(texts: &[&str]) -> String {
    let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
    list_or_one(&texts)
}

fn list_or_one(texts: &[String]) -> String {
    match texts {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn rank(order: &[&str], is: impl Fn(&str) -> bool) -> usize {
    order.iter().position(|known| is(known)).unwrap_or(order.len())
}

#[cfg(test)]
mod tests;
