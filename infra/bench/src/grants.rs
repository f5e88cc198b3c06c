//! `grants`: every function may do exactly what it did in a run of all tests. `--propose` writes such policies.

use std::path::{Path, PathBuf};
use std::process::Command;

use local::iam::{AwsCall, LEARN_VARIABLE, Policy, Template, USAGE_VARIABLE, read_usage};
use local::output::{complain, say};
use local::{general_template, ledger_bucket, storage_key};
use serde_json::json;

use crate::{Result, build};
use exceptions::EXCEPTIONS;
use judge::{Kind, Policies, Uses, findings, of_function, universe};

mod block;
mod exceptions;
mod judge;
mod patterns;
mod propose;
mod report;
mod surgery;
#[cfg(test)]
mod tests;
pub(crate) mod write;

/// Judges what was recorded in `directory`; without one runs all tests and records it.
pub(crate) async fn run(directory: Option<&Path>) -> Result<bool> {
    let fresh;
    let directory = match directory {
        Some(directory) => directory,
        None => {
            fresh = record(false)?;
            fresh.path()
        }
    };
    let uses = recorded_uses(directory)?;
    let template = general_template().await.map_err(|errors| errors.join("\n"))?;
    let policies = policies_of(&template);
    let findings = findings(&policies, &uses, EXCEPTIONS);
    for finding in &findings {
        complain(&finding.to_string());
    }
    let rows = report::rows(&policies, &uses);
    keep(&rows)?;
    let calls: usize = uses.values().map(std::collections::BTreeSet::len).sum();
    say(&format!(
        "{} functions, {} rows of grants, {calls} distinct calls, {} findings",
        policies.len(),
        rows.len(),
        findings.len()
    ));
    if !findings.is_empty() {
        return Ok(false);
    }
    check_itself(&policies, &uses)?;
    Ok(true)
}

fn policies_of(template: &Template) -> Policies {
    let functions = template.functions();
    let policies = functions.map(|function| (function.logical_id.clone(), function.policy.clone()));
    policies.collect()
}

/// What was recorded, with what AWS did on behalf of functions.
fn recorded_uses(directory: &Path) -> Result<Uses> {
    let recorded = read_usage(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    if recorded.is_empty() {
        return Err(format!("{}: nothing was recorded there", directory.display()));
    }
    let mut uses: Uses = Uses::new();
    for (function, used) in recorded {
        let calls: Vec<AwsCall> = used.into_iter().map(|used| used.call).collect();
        let behalf: Vec<AwsCall> = calls.iter().filter_map(on_behalf).collect();
        uses.insert(function, calls.into_iter().chain(behalf).collect());
    }
    Ok(uses)
}

/// Runs all tests of the product and has them record what functions use. When they learn, nothing is refused, and the
/// tests that are about refusals and about the template itself may fail.
fn record(learn: bool) -> Result<tempfile::TempDir> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--quiet", "--locked", "--no-fail-fast", "-p", "tests"])
        .current_dir(build::HERE)
        .env(USAGE_VARIABLE, directory.path())
        .env_remove(LEARN_VARIABLE);
    if learn {
        command.env(LEARN_VARIABLE, "1");
    }
    let status = command
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    match (status.success(), learn) {
        (true, _) => Ok(directory),
        (false, true) => {
            complain("tests fail: what they did not reach is not in the policies");
            Ok(directory)
        }
        (false, false) => Err("the tests fail, so what they used says nothing".to_owned()),
    }
}

/// What AWS asks KMS for in the name of a function that makes a call: the tables and the bucket of the ledger are
/// encrypted with a key of ours.
fn on_behalf(call: &AwsCall) -> Option<AwsCall> {
    let (action, name, value) = match call.action.split(':').next() {
        Some("dynamodb") => {
            let table = call.resource.split_once(":table/")?.1.split('/').next()?;
            ("kms:Decrypt", "aws:dynamodb:tableName", table.to_owned())
        }
        // With a bucket key the context is the bucket, not the object.
        Some("s3") => {
            let bucket = format!("arn:aws:s3:::{}", ledger_bucket());
            call.resource.strip_prefix(&bucket)?.strip_prefix('/')?;
            match call.action.as_str() {
                "s3:PutObject" => ("kms:GenerateDataKey", "aws:s3:arn", bucket),
                "s3:GetObject" => ("kms:Decrypt", "aws:s3:arn", bucket),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(AwsCall {
        encryption_context: [(name.to_owned(), value)].into(),
        ..AwsCall::new(action, storage_key())
    })
}

/// Plants an excess and a lack in each of the real policies, in memory: whoever cannot find these finds nothing.
fn check_itself(policies: &Policies, uses: &Uses) -> Result<()> {
    let universe = universe(uses);
    for (function, used) in uses {
        let policy = policies.get(function).cloned().unwrap_or_default().split();
        let found = |policy: &Policy, kind: Kind| {
            let findings = of_function(function, policy, used, &universe);
            findings.iter().filter(|finding| finding.kind == kind).count()
        };
        let mut excess = policy.clone();
        excess.statements.extend(excessive()?.statements);
        if found(&excess, Kind::Unused) != found(&policy, Kind::Unused) + 1 {
            return Err(format!(
                "{function}: a grant that nothing uses was planted and not found"
            ));
        }
        let Some(atom) = policy.atoms().into_iter().next() else {
            continue;
        };
        if found(&policy.without(&[&atom]), Kind::Lack) <= found(&policy, Kind::Lack) {
            return Err(format!(
                "{function}: a grant was taken away and its lack was not found"
            ));
        }
    }
    Ok(())
}

/// A grant that no function may need.
fn excessive() -> Result<Policy> {
    let statement = json!({
        "Effect": "Allow", "Action": "dynamodb:DeleteItem",
        "Resource": "arn:aws:dynamodb:eu-west-2:000000000000:table/trackwell-keys",
        "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "PLANTED#*" } },
    });
    Policy::parse(&json!({ "Statement": statement })).map_err(|errors| errors.join("\n"))
}

fn keep(rows: &[report::Row]) -> Result<()> {
    let directory: PathBuf = Path::new(build::HERE).join("results");
    let circumstances = build::circumstances();
    let mut result = circumstances.clone();
    result["rows"] = json!(rows);
    let result = serde_json::to_string_pretty(&result).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&directory)
        .and_then(|()| std::fs::write(directory.join("grants.json"), result + "\n"))
        .and_then(|()| {
            std::fs::write(
                directory.join("grants.md"),
                report::markdown(&circumstances, rows),
            )
        })
        .map_err(|error| format!("{}: {error}", directory.display()))
}
