use super::*;
use crate::iam::Policy;

const CORE: &str = "arn:aws:dynamodb:eu-west-2:000000000000:table/core";

fn function(id: &str, statement: &Value) -> FunctionDef {
    FunctionDef {
        logical_id: id.to_owned(),
        policy: Policy::parse(&json!({ "Version": "2012-10-17", "Statement": [statement] })).unwrap(),
        environment: BTreeMap::new(),
        timeout_seconds: 3,
        memory_mb: 128,
        events: Vec::new(),
    }
}

fn reader(pattern: &str) -> FunctionDef {
    let condition = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": pattern } });
    let statement = json!({
        "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": CORE, "Condition": condition,
    });
    function("Reader", &statement)
}

fn get(key: &str) -> AwsCall {
    AwsCall {
        leading_keys: vec![key.to_owned()],
        ..AwsCall::new("dynamodb:GetItem", CORE)
    }
}

#[test]
fn calls_that_differ_only_in_ids_are_one_use_and_denied_ones_are_kept_as_such() {
    let usage = Usage::default();
    let reader = reader("ORG#*");
    usage.note(&reader, &get("ORG#org_01m81a2b3c4d5e6f7g8h9jkmnp"));
    usage.note(&reader, &get("ORG#org_01m81a2b3c4d5e6f7g8h9jkmnq"));
    usage.note(&reader, &get("USER#user_01m81a2b3c4d5e6f7g8h9jkmnq"));
    let json = usage.to_json();
    let uses = json["Reader"].as_array().unwrap();
    let keys: Vec<_> = uses
        .iter()
        .map(|used| (&used["leading_keys"][0], &used["allowed"]))
        .collect();
    let zeros = "0".repeat(26);
    let expected = [
        (json!(format!("ORG#org_{zeros}")), json!(true)),
        (json!(format!("USER#user_{zeros}")), json!(false)),
    ];
    assert_eq!(
        keys,
        expected
            .iter()
            .map(|(key, allowed)| (key, allowed))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_call_whose_placeholder_the_policy_would_judge_otherwise_stays_as_it_is() {
    let usage = Usage::default();
    usage.note(&reader("DUE#account#3"), &get("DUE#account#3"));
    assert_eq!(usage.to_json()["Reader"][0]["leading_keys"][0], "DUE#account#3");
}

#[test]
fn a_key_of_kms_has_the_same_name_in_every_stack() {
    let (local, general) = (
        "arn:aws:kms:eu-west-2:0:key/1a-2b",
        "arn:aws:kms:eu-west-2:0:key/data",
    );
    let usage = Usage::new(Names::new([(local.to_owned(), general.to_owned())]), None);
    let statement = json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": local });
    usage.note(&function("A", &statement), &AwsCall::new("kms:Decrypt", local));
    assert_eq!(usage.to_json()["A"][0]["resource"], general);
}

#[test]
fn what_was_used_is_on_the_disk_before_the_stack_ends_and_is_read_back_from_all_stacks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usage");
    let reader = reader("ORG#*");
    let stacks = [(); 2].map(|()| Usage::new(Names::default(), Some(&path)));
    for usage in &stacks {
        usage.note(&reader, &get("ORG#org_01m81a2b3c4d5e6f7g8h9jkmnp"));
    }
    stacks[1].note(&reader, &get("EMAIL#0"));
    std::fs::write(path.join("killed.jsonl"), "{\"function\":\"Rea").unwrap();
    let read = read_usage(&path).unwrap();
    let allowed: Vec<bool> = read["Reader"].iter().map(|used| used.allowed).collect();
    assert_eq!((read.len(), allowed), (1, vec![false, true]));
}
