//! The table of least privilege: what each function may do, where, and how many kinds of calls needed it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use local::iam::{AwsCall, Policy};
use serde::Serialize;
use serde_json::Value;

use super::exceptions::EXCEPTIONS;
use super::judge::{Policies, Uses, end_of};

/// One action of a function on one resource.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    function: String,
    action: String,
    on: String,
    /// The keys, prefixes, contexts or senders that it is limited to.
    only: Vec<String>,
    /// How many distinct calls were recorded that it allows.
    used_by: usize,
}

/// A row for each action and resource of each function.
pub(super) fn rows(policies: &Policies, uses: &Uses) -> Vec<Row> {
    let nothing = BTreeSet::new();
    let rows = policies
        .iter()
        .flat_map(|(function, policy)| of(function, &policy.split(), uses.get(function).unwrap_or(&nothing)));
    rows.collect()
}

fn of(function: &str, policy: &Policy, used: &BTreeSet<AwsCall>) -> Vec<Row> {
    let mut places: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for atom in policy.atoms() {
        let only = places.entry((atom.action, atom.resource)).or_default();
        only.extend(atom.value.as_deref().map(end_of));
    }
    let row = |((action, resource), only): ((String, String), Vec<String>)| {
        let of_place = |call: &&AwsCall| {
            let statements = policy.statements.iter();
            let mut of_place = statements.filter(|statement| {
                statement.actions.contains(&action) && statement.resources.contains(&resource)
            });
            of_place.any(|statement| statement.matches(call))
        };
        Row {
            function: function.to_owned(),
            used_by: used.iter().filter(of_place).count(),
            on: end_of(&resource),
            action,
            only,
        }
    };
    places.into_iter().map(row).collect()
}

/// The table as Markdown.
pub(super) fn markdown(circumstances: &Value, rows: &[Row]) -> String {
    let text = |name: &str| circumstances[name].as_str().unwrap_or("unknown").to_owned();
    let mut table = format!(
        "# What each function may do\n\n\
         Every grant of `template.yaml`, and how many distinct calls of a run of all tests needed it. A call that is\n\
         not granted, a grant that no call needs and a pattern wider than the calls make `cargo run -p bench -- grants`\n\
         fail. Ids, digests and numbers are not told apart, words are. Calls of `kms:…` with the key `storage` are\n\
         those that DynamoDB and S3 make on behalf of the function.\n\n\
         {}, commit {}.\n\n\
         | function | action | on | only | calls |\n|---|---|---|---|---|\n",
        text("date"),
        text("commit"),
    );
    let mut last = "";
    for row in rows {
        let function = if row.function == last {
            ""
        } else {
            row.function.as_str()
        };
        let only: Vec<_> = row.only.iter().map(|only| format!("`{only}`")).collect();
        let Row {
            action, on, used_by, ..
        } = row;
        // Writing to a text cannot fail.
        let _ = writeln!(
            table,
            "| {function} | {action} | {on} | {} | {used_by} |",
            only.join(" ")
        );
        last = &row.function;
    }
    table.push_str("\n## Exceptions\n\n");
    for exception in EXCEPTIONS {
        let _ = writeln!(
            table,
            "- {}: {} on {}. {}",
            exception.function, exception.action, exception.on, exception.reason
        );
    }
    table
}
