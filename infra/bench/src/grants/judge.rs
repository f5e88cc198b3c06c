//! What functions may do against what they did: neither may exceed the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use local::iam::{Atom, AwsCall, Policy};

use super::exceptions::Exception;

/// What functions used, by logical id.
pub(super) type Uses = BTreeMap<String, BTreeSet<AwsCall>>;

/// What functions may do, by logical id.
pub(super) type Policies = BTreeMap<String, Policy>;

/// In what way a policy is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The function did what it may not.
    Lack,
    /// It never did what it may.
    Unused,
    /// A pattern is wider than what it did.
    Wide,
    /// Names a pattern where there must be a name.
    Pattern,
    /// An exception is for nothing.
    Exception,
}

/// What is wrong with a function's policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    pub(super) function: String,
    pub(super) action: String,
    /// The resource, without what all resources of its service have in front.
    pub(super) on: String,
    /// The key, prefix or context, or the pattern of it.
    pub(super) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function,
            action,
            on,
            what,
            ..
        } = self;
        let advice = match self.kind {
            Kind::Lack => "was used and is not granted: grant it, or do not use it",
            Kind::Unused => {
                "is granted and was never used, or another statement grants it too: remove it, or test what needs it"
            }
            Kind::Wide => {
                "is granted by a pattern and was never used: narrow the pattern, or test what needs it"
            }
            Kind::Pattern => "is a pattern: only keys and the keys of objects may be one, so write names",
            Kind::Exception => "is an exception that matches no finding: remove it",
        };
        write!(out, "{function}: {action} on {on}, {what}: {advice}")
    }
}

/// Everything that is not exact, exceptions aside.
pub(super) fn findings(policies: &Policies, uses: &Uses, exceptions: &[Exception]) -> Vec<Finding> {
    let universe = universe(uses);
    let nothing = (Policy::default(), BTreeSet::new());
    let functions: BTreeSet<_> = policies.keys().chain(uses.keys()).collect();
    let of = |function: &String| {
        let policy = policies.get(function).unwrap_or(&nothing.0);
        of_function(
            function,
            policy,
            uses.get(function).unwrap_or(&nothing.1),
            &universe,
        )
    };
    let mut findings: BTreeSet<_> = functions.into_iter().flat_map(of).collect();
    let idle = exceptions
        .iter()
        .filter(|exception| !findings.iter().any(|finding| exception.covers(finding)))
        .map(Exception::idle);
    let idle: Vec<_> = idle.collect();
    findings.retain(|finding| !exceptions.iter().any(|exception| exception.covers(finding)));
    findings.into_iter().chain(idle).collect()
}

/// What is not exact in one function's policy.
pub(super) fn of_function(
    function: &str,
    policy: &Policy,
    used: &BTreeSet<AwsCall>,
    universe: &BTreeSet<AwsCall>,
) -> BTreeSet<Finding> {
    let policy = policy.split();
    let atoms = policy.atoms();
    let unused: Vec<_> = atoms.iter().filter(|atom| !needed(&policy, atom, used)).collect();
    let patterns: Vec<_> = atoms.iter().filter(|atom| names_a_pattern(atom)).collect();
    let mut findings = BTreeSet::from_iter(lacks(function, &policy, used));
    findings.extend(unused.iter().map(|atom| of_atom(Kind::Unused, function, atom)));
    findings.extend(patterns.iter().map(|atom| of_atom(Kind::Pattern, function, atom)));
    // What has another finding is not also to be narrowed.
    let others: Vec<_> = unused.into_iter().chain(patterns).collect();
    findings.extend(wide(function, &policy.without(&others), used, universe));
    findings
}

fn lacks(function: &str, policy: &Policy, used: &BTreeSet<AwsCall>) -> Vec<Finding> {
    used.iter()
        .filter(|call| policy.authorize(function, call).is_err())
        .map(|call| of_call(Kind::Lack, function, call))
        .collect()
}

/// Whether something that was used would be refused without the atom.
fn needed(policy: &Policy, atom: &Atom, used: &BTreeSet<AwsCall>) -> bool {
    let less = policy.without(&[atom]);
    let allowed = |policy: &Policy, call: &AwsCall| policy.authorize("", call).is_ok();
    // Where one key of a call is lacking, the grants of its other keys are needed all the same.
    let mut calls = used.iter().cloned().chain(used.iter().flat_map(single));
    calls.any(|call| allowed(policy, &call) && !allowed(&less, &call))
}

/// Whether something has wildcards that must not: what no recorded call could tell from a name.
fn names_a_pattern(atom: &Atom) -> bool {
    let has_pattern = |text: &str| text.contains(['*', '?']);
    // Of an object's ARN the bucket has to be a name.
    let name = match atom.resource.strip_prefix("arn:aws:s3:::") {
        Some(path) => path.split('/').next().unwrap_or_default(),
        None => &atom.resource,
    };
    has_pattern(&atom.action) || has_pattern(name)
}

/// What a policy allows beyond what was used, of everything that any function used, and of what is named nearly so.
fn wide(
    function: &str,
    policy: &Policy,
    used: &BTreeSet<AwsCall>,
    universe: &BTreeSet<AwsCall>,
) -> BTreeSet<Finding> {
    let used: BTreeSet<AwsCall> = used.iter().flat_map(single).collect();
    let actions: BTreeSet<_> = policy
        .statements
        .iter()
        .flat_map(|statement| &statement.actions)
        .collect();
    let mut wide = BTreeSet::new();
    for action in actions {
        for place in universe
            .iter()
            .filter(|place| service(&place.action) == service(action))
        {
            let call = AwsCall {
                action: action.clone(),
                ..place.clone()
            };
            if !used.contains(&call) && policy.authorize(function, &call).is_ok() {
                wide.insert(of_call(Kind::Wide, function, &call));
            }
        }
    }
    wide
}

/// Every place that any function used, with one key each, and the neighbours of each place.
pub(super) fn universe(uses: &Uses) -> BTreeSet<AwsCall> {
    let mut universe = BTreeSet::new();
    for place in uses.values().flatten().flat_map(single) {
        universe.extend(neighbours(&place));
        universe.insert(place);
    }
    universe
}

/// The call for each of its keys: one statement has to allow them all, but each is granted by itself.
fn single(call: &AwsCall) -> Vec<AwsCall> {
    if call.leading_keys.is_empty() {
        return vec![call.clone()];
    }
    let one = |key: &String| AwsCall {
        leading_keys: vec![key.clone()],
        ..call.clone()
    };
    call.leading_keys.iter().map(one).collect()
}

/// The same place with another first word in its key, object, prefix, context or sender; and without any of them. No
/// function uses these, and a pattern that ends within a word, or is missing, allows them.
fn neighbours(place: &AwsCall) -> Vec<AwsCall> {
    let other = |text: &String| {
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(text.len());
        format!("{}-other{}", &text[..end], &text[end..])
    };
    let bare = AwsCall::new(place.action.clone(), place.resource.clone());
    let mut neighbours = vec![AwsCall {
        leading_keys: place.leading_keys.iter().map(other).collect(),
        encryption_context: place
            .encryption_context
            .iter()
            .map(|(name, value)| (name.clone(), format!("{value}-other")))
            .collect(),
        from_address: place.from_address.as_ref().map(other),
        prefix: place.prefix.as_ref().map(other),
        recipients: place.recipients.clone(),
        ..bare.clone()
    }];
    if let Some((bucket, key)) = place
        .resource
        .split_once('/')
        .filter(|_| service(&place.action) == "s3")
    {
        neighbours.push(AwsCall::new(
            place.action.clone(),
            format!("{bucket}/{}", other(&key.to_owned())),
        ));
    }
    // Every call to DynamoDB but a scan names a key, and where `ForAllValues` has none to look at it holds.
    if place.leading_keys.is_empty() {
        neighbours.push(bare);
    }
    neighbours.retain(|neighbour| neighbour != place);
    neighbours
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// The end of an ARN, which says all that differs here.
pub(super) fn end_of(resource: &str) -> String {
    resource.splitn(6, ':').nth(5).unwrap_or(resource).to_owned()
}

fn of_atom(kind: Kind, function: &str, atom: &Atom) -> Finding {
    Finding {
        kind,
        function: function.to_owned(),
        action: atom.action.clone(),
        on: end_of(&atom.resource),
        what: atom
            .value
            .as_deref()
            .map_or("without a condition".to_owned(), end_of),
    }
}

fn of_call(kind: Kind, function: &str, call: &AwsCall) -> Finding {
    let values = call.encryption_context.values().map(|value| end_of(value));
    let parts: Vec<String> = call
        .leading_keys
        .iter()
        .cloned()
        .chain(values)
        .chain(call.from_address.clone())
        .chain(call.prefix.clone())
        .collect();
    Finding {
        kind,
        function: function.to_owned(),
        action: call.action.clone(),
        on: end_of(&call.resource),
        what: if parts.is_empty() {
            "without a condition".to_owned()
        } else {
            parts.join(" with ")
        },
    }
}
