use local::iam::{AwsCall, Policy};
use serde_json::{Value, json};

use super::exceptions::Exception;
use super::judge::{Kind, Policies, Uses, findings};
use super::on_behalf;

const CORE: &str = "arn:aws:dynamodb:eu-west-2:000000000000:table/trackwell-core";

fn allow(action: &str, resource: &str, condition: &Value) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    statement
}

fn keys(patterns: &[&str]) -> Value {
    json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": patterns } })
}

fn call(action: &str, keys: &[&str]) -> AwsCall {
    AwsCall {
        leading_keys: keys.iter().map(|&key| key.to_owned()).collect(),
        ..AwsCall::new(action, CORE)
    }
}

/// The findings of a function with these statements, which made these calls beside another one that used much.
fn judged(statements: &[Value], calls: Vec<AwsCall>, exceptions: &[Exception]) -> Vec<String> {
    let policy = |statements: &[Value]| Policy::parse(&json!({ "Statement": statements })).unwrap();
    let other = [call(
        "dynamodb:PutItem",
        &["UNIT#org_0.content", "UNIT#user_0", "MAIL#user_0"],
    )];
    let others = [allow(
        "dynamodb:PutItem",
        CORE,
        &keys(&["UNIT#org_*.content", "UNIT#user_*", "MAIL#*"]),
    )];
    let policies: Policies = [
        ("A".to_owned(), policy(statements)),
        ("B".to_owned(), policy(&others)),
    ]
    .into();
    let uses: Uses = [
        ("A".to_owned(), calls.into_iter().collect()),
        ("B".to_owned(), other.into()),
    ]
    .into();
    let found = findings(&policies, &uses, exceptions);
    assert!(found.iter().all(|finding| finding.function == "A"), "{found:?}");
    found
        .iter()
        .map(|found| format!("{:?} {} {}", found.kind, found.action, found.what))
        .collect()
}

fn get(keys: &[&str]) -> AwsCall {
    call("dynamodb:GetItem", keys)
}

#[test]
fn a_policy_that_allows_what_was_used_and_nothing_else_has_no_finding() {
    let statements = [allow("dynamodb:GetItem", CORE, &keys(&["UNIT#user_*", "MAIL#*"]))];
    let calls = vec![get(&["UNIT#user_0"]), get(&["MAIL#user_0", "UNIT#user_0"])];
    assert_eq!(judged(&statements, calls, &[]), [""; 0]);
}

#[test]
fn what_was_used_and_is_not_granted_is_a_lack() {
    let statements = [allow("dynamodb:GetItem", CORE, &keys(&["UNIT#user_*"]))];
    let calls = vec![
        get(&["UNIT#user_0"]),
        get(&["MAIL#user_0", "UNIT#user_0"]),
        call("dynamodb:DeleteItem", &["UNIT#user_0"]),
    ];
    let expected = [
        "Lack dynamodb:DeleteItem UNIT#user_0",
        "Lack dynamodb:GetItem MAIL#user_0 with UNIT#user_0",
    ];
    assert_eq!(judged(&statements, calls, &[]), expected);
    assert_eq!(
        judged(&[], vec![get(&["UNIT#user_0"])], &[]),
        ["Lack dynamodb:GetItem UNIT#user_0"]
    );
}

#[test]
fn an_action_a_resource_and_a_key_that_are_never_used_are_excess() {
    let core = keys(&["UNIT#user_*"]);
    let mut statement = allow("dynamodb:GetItem", CORE, &core);
    statement["Action"] = json!(["dynamodb:GetItem", "dynamodb:DeleteItem"]);
    let found = judged(&[statement.clone()], vec![get(&["UNIT#user_0"])], &[]);
    assert_eq!(found, ["Unused dynamodb:DeleteItem UNIT#user_*"]);
    statement["Action"] = "dynamodb:GetItem".into();
    statement["Resource"] = json!([CORE, format!("{CORE}/index/by_update")]);
    let found = judged(&[statement], vec![get(&["UNIT#user_0"])], &[]);
    assert_eq!(found, ["Unused dynamodb:GetItem UNIT#user_*"]);
    let statement = allow("dynamodb:GetItem", CORE, &keys(&["UNIT#user_*", "MAIL#*"]));
    assert_eq!(
        judged(&[statement], vec![get(&["UNIT#user_0"])], &[]),
        ["Unused dynamodb:GetItem MAIL#*"]
    );
}

#[test]
fn what_two_statements_grant_is_excess_in_both() {
    let statement = allow("dynamodb:GetItem", CORE, &keys(&["UNIT#user_*"]));
    let found = judged(&[statement.clone(), statement], vec![get(&["UNIT#user_0"])], &[]);
    assert_eq!(found, ["Unused dynamodb:GetItem UNIT#user_*"]);
}

#[test]
fn a_pattern_wider_than_what_was_used_is_excess() {
    let used = || vec![get(&["UNIT#user_0"])];
    let of = |condition: &Value| judged(&[allow("dynamodb:GetItem", CORE, condition)], used(), &[]);
    assert_eq!(
        of(&keys(&["UNIT#*"])),
        ["Wide dynamodb:GetItem UNIT#org_0.content"]
    );
    // Nobody used such a key, and the pattern ends within a word.
    assert_eq!(
        of(&keys(&["UNIT*user_*"])),
        ["Wide dynamodb:GetItem UNIT-other#user_0"]
    );
    assert!(of(&Value::Null).contains(&"Wide dynamodb:GetItem MAIL#user_0".to_owned()));
}

#[test]
fn patterns_of_actions_tables_and_buckets_are_excess_whatever_was_used() {
    let of = |action: &str, resource: &str| {
        judged(
            &[allow(action, resource, &keys(&["UNIT#user_*"]))],
            vec![get(&["UNIT#user_0"])],
            &[],
        )
    };
    assert_eq!(of("dynamodb:Get*", CORE), ["Pattern dynamodb:Get* UNIT#user_*"]);
    assert_eq!(
        of("dynamodb:GetItem", &format!("{CORE}*")),
        ["Pattern dynamodb:GetItem UNIT#user_*"]
    );
    let object = "arn:aws:s3:::files/org/org_0/a";
    let of = |resource: &str| {
        let statement = allow("s3:GetObject", resource, &Value::Null);
        judged(&[statement], vec![AwsCall::new("s3:GetObject", object)], &[])
    };
    assert_eq!(of("arn:aws:s3:::files/org/*"), [""; 0]);
    assert_eq!(
        of("arn:aws:s3:::files/*"),
        ["Wide s3:GetObject without a condition"]
    );
    assert!(of("arn:aws:s3:::*/org/*").contains(&"Pattern s3:GetObject without a condition".to_owned()));
}

#[test]
fn a_prefix_a_context_or_a_sender_that_a_condition_lacks_is_excess() {
    let bucket = "arn:aws:s3:::files";
    let listing = AwsCall {
        prefix: Some("org/org_0/".to_owned()),
        ..AwsCall::new("s3:ListBucketVersions", bucket)
    };
    let found = judged(
        &[allow("s3:ListBucketVersions", bucket, &Value::Null)],
        vec![listing],
        &[],
    );
    assert_eq!(
        found,
        [
            "Wide s3:ListBucketVersions org-other/org_0/",
            "Wide s3:ListBucketVersions without a condition"
        ]
    );
    let key = "arn:aws:kms:eu-west-2:000000000000:key/data";
    let decrypt = AwsCall {
        encryption_context: [("purpose".to_owned(), "root".to_owned())].into(),
        ..AwsCall::new("kms:Decrypt", key)
    };
    let found = judged(&[allow("kms:Decrypt", key, &Value::Null)], vec![decrypt], &[]);
    assert_eq!(
        found,
        [
            "Wide kms:Decrypt root-other",
            "Wide kms:Decrypt without a condition"
        ]
    );
}

#[test]
fn the_storage_key_has_to_be_granted_for_exactly_the_tables_that_are_used() {
    let behalf = on_behalf(&get(&["UNIT#user_0"])).unwrap();
    let storage = local::storage_key();
    let of = |tables: &[&str]| {
        let condition = json!({ "StringEquals": { "kms:EncryptionContext:aws:dynamodb:tableName": tables } });
        judged(
            &[allow("kms:Decrypt", &storage, &condition)],
            vec![behalf.clone()],
            &[],
        )
    };
    assert_eq!(of(&["trackwell-core"]), [""; 0]);
    assert_eq!(
        of(&["trackwell-core", "trackwell-keys"]),
        ["Unused kms:Decrypt trackwell-keys"]
    );
    assert_eq!(
        of(&["trackwell-keys"]),
        [
            "Lack kms:Decrypt trackwell-core",
            "Unused kms:Decrypt trackwell-keys"
        ]
    );
    let put = |bucket: &str| {
        on_behalf(&AwsCall::new(
            "s3:PutObject",
            format!("arn:aws:s3:::{bucket}/tile/0"),
        ))
    };
    assert_eq!(put("trackwell-ledger").unwrap().action, "kms:GenerateDataKey");
    assert_eq!(put("trackwell-files"), None);
}

#[test]
fn an_exception_covers_an_excess_and_never_a_lack_and_is_a_finding_when_it_covers_nothing() {
    let exception = |action: &'static str| {
        [Exception {
            function: "A",
            action,
            on: "table/trackwell-core",
            reason: "why",
        }]
    };
    let statements = [allow("dynamodb:GetItem", CORE, &keys(&["UNIT#user_*"]))];
    assert_eq!(
        judged(&statements, vec![], &exception("dynamodb:GetItem")),
        [""; 0]
    );
    assert_eq!(
        judged(
            &statements,
            vec![get(&["UNIT#user_0"])],
            &exception("dynamodb:GetItem")
        ),
        ["Exception dynamodb:GetItem why"]
    );
    let found = judged(&[], vec![get(&["UNIT#user_0"])], &exception("dynamodb:GetItem"));
    assert_eq!(
        found,
        [
            "Lack dynamodb:GetItem UNIT#user_0",
            "Exception dynamodb:GetItem why"
        ]
    );
}

#[test]
fn a_finding_says_which_function_what_and_what_to_do() {
    let policies: Policies = [("A".to_owned(), Policy::default())].into();
    let uses: Uses = [("A".to_owned(), [get(&["MAIL#user_0"])].into())].into();
    let [finding] = findings(&policies, &uses, &[]).try_into().unwrap();
    assert_eq!(finding.kind, Kind::Lack);
    assert_eq!(
        finding.to_string(),
        "A: dynamodb:GetItem on table/trackwell-core, MAIL#user_0: was used and is not granted: grant it, or do not use it"
    );
}
