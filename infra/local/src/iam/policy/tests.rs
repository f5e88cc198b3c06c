use serde_json::json;

use super::*;

const TABLE: &str = "arn:aws:dynamodb:eu-west-2:000000000000:table/core";

fn policy(statements: &Value) -> Policy {
    Policy::parse(&json!([{ "Statement": statements }])).unwrap()
}

fn verdict(policy: &Policy, action: &str, resource: &str, leading_keys: &[&str]) -> Result<(), Denied> {
    let leading_keys = leading_keys.iter().map(|&key| key.to_owned()).collect();
    policy.authorize(
        "RecordsGetFunction",
        &AwsCall {
            leading_keys,
            ..AwsCall::new(action, resource)
        },
    )
}

fn errors(statement: &Value) -> String {
    Policy::parse(&json!([{ "Statement": [statement] }]))
        .unwrap_err()
        .join("\n")
}

#[test]
fn without_an_allow_everything_is_refused_and_the_message_says_what_is_missing() {
    let none = Policy::default();
    let denied = verdict(&none, "dynamodb:GetItem", TABLE, &["ORG#1"]).unwrap_err();
    assert!(!denied.explicit);
    assert_eq!(
        denied.to_string(),
        format!(
            "RecordsGetFunction is not authorized to perform dynamodb:GetItem on {TABLE}: \
             no statement of its policy allows dynamodb:GetItem"
        )
    );
    let get = policy(&json!({ "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE }));
    verdict(&get, "dynamodb:GetItem", TABLE, &["ORG#1"]).unwrap();
    let planted = verdict(&get, "dynamodb:PutItem", TABLE, &["ORG#1"]).unwrap_err();
    assert!(planted.reason.contains("no statement"), "{planted}");
    let index = verdict(&get, "dynamodb:GetItem", &format!("{TABLE}/index/g1"), &[]).unwrap_err();
    assert!(index.reason.contains("other resources"), "{index}");
}

#[test]
fn an_explicit_deny_wins_over_every_allow_wherever_it_stands() {
    for order in [[0, 1], [1, 0]] {
        let statements = [
            json!({ "Effect": "Allow", "Action": ["dynamodb:*"], "Resource": ["*"] }),
            json!({ "Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": TABLE }),
        ];
        let policy = policy(&json!(order.map(|at| statements[at].clone())));
        verdict(&policy, "dynamodb:PutItem", TABLE, &[]).unwrap();
        assert!(
            verdict(&policy, "dynamodb:DeleteItem", TABLE, &[])
                .unwrap_err()
                .explicit
        );
        verdict(
            &policy,
            "dynamodb:DeleteItem",
            &TABLE.replace("core", "control"),
            &[],
        )
        .unwrap();
    }
}

#[test]
fn actions_ignore_case_and_resources_do_not() {
    let policy = policy(&json!({
        "Effect": "Allow", "Action": "DynamoDB:get*",
        "Resource": ["arn:aws:dynamodb:*:000000000000:table/co?e", "arn:aws:s3:::files/exports/*"],
    }));
    verdict(&policy, "dynamodb:GetItem", TABLE, &[]).unwrap();
    verdict(&policy, "dynamodb:PutItem", TABLE, &[]).unwrap_err();
    verdict(&policy, "dynamodb:GetItem", &TABLE.replace("core", "Core"), &[]).unwrap_err();
    verdict(&policy, "dynamodb:GetItem", &TABLE.replace("core", "core2"), &[]).unwrap_err();
    verdict(
        &policy,
        "dynamodb:GetItem",
        "arn:aws:s3:::files/exports/a:b/c",
        &[],
    )
    .unwrap();
    verdict(&policy, "dynamodb:GetItem", "arn:aws:s3:::files/exports", &[]).unwrap_err();
    // The star for the region must not swallow the account.
    let elsewhere = "arn:aws:dynamodb:eu-west-2:999999999999:000000000000:table/core";
    verdict(&policy, "dynamodb:GetItem", elsewhere, &[]).unwrap_err();
    verdict(&policy, "dynamodb:GetItem", "arn:aws:dynamodb", &[]).unwrap_err();
}

#[test]
fn every_leading_key_must_fit_and_one_foreign_key_refuses_the_call() {
    let policy = policy(&json!({
        "Effect": "Allow", "Action": ["dynamodb:Query", "dynamodb:BatchGetItem"], "Resource": TABLE,
        "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["ORG#*", "MEM#*"] } },
    }));
    verdict(&policy, "dynamodb:BatchGetItem", TABLE, &["ORG#1", "MEM#2"]).unwrap();
    let foreign = verdict(&policy, "dynamodb:BatchGetItem", TABLE, &["ORG#1", "BILL#2"]).unwrap_err();
    assert!(foreign.reason.contains("BILL#2"), "{foreign}");
    verdict(&policy, "dynamodb:Query", TABLE, &["XORG#1"]).unwrap_err();
    // As on AWS: the operator holds when there is no key at all.
    verdict(&policy, "dynamodb:Query", TABLE, &[]).unwrap();
}

#[test]
fn an_encryption_context_must_be_there_and_fit() {
    let key = "arn:aws:kms:eu-west-2:000000000000:key/1";
    let policy = policy(&json!({
        "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key,
        "Condition": {
            "StringEquals": { "kms:EncryptionContext:use": ["seal", "token"] },
            "StringLike": { "kms:EncryptionContext:unit": "unit_*" },
        },
    }));
    let judge = |pairs: &[(&str, &str)]| {
        let encryption_context = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        policy.authorize(
            "F",
            &AwsCall {
                encryption_context,
                ..AwsCall::new("kms:Decrypt", key)
            },
        )
    };
    judge(&[("use", "seal"), ("unit", "unit_1")]).unwrap();
    judge(&[("use", "token"), ("unit", "unit_1"), ("more", "x")]).unwrap();
    judge(&[("use", "seal")]).unwrap_err();
    judge(&[("use", "sealed"), ("unit", "unit_1")]).unwrap_err();
    judge(&[("use", "*"), ("unit", "unit_1")]).unwrap_err();
    let denied = judge(&[]).unwrap_err();
    assert!(denied.reason.contains("encryption context"), "{denied}");
}

#[test]
fn a_sender_or_a_prefix_outside_the_condition_is_refused() {
    let statement = |action: &str, resource: &str, operator: &str, key: &str, value: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource, "Condition": { operator: { key: value } } });
    let identity = "arn:aws:ses:eu-west-2:000000000000:identity/a.example";
    let bucket = "arn:aws:s3:::files";
    let policy = policy(&json!([
        statement(
            "ses:SendEmail",
            identity,
            "StringEquals",
            "ses:FromAddress",
            "no-reply@a.example"
        ),
        statement(
            "s3:ListBucket",
            bucket,
            "StringLike",
            "s3:prefix",
            "org_*/content/*"
        ),
    ]));
    let mail = |from: Option<&str>| {
        let from_address = from.map(str::to_owned);
        policy.authorize(
            "F",
            &AwsCall {
                from_address,
                ..AwsCall::new("ses:SendEmail", identity)
            },
        )
    };
    mail(Some("no-reply@a.example")).unwrap();
    mail(Some("ceo@a.example")).unwrap_err();
    mail(None).unwrap_err();
    let list = |prefix: Option<&str>| {
        let prefix = prefix.map(str::to_owned);
        policy.authorize(
            "F",
            &AwsCall {
                prefix,
                ..AwsCall::new("s3:ListBucket", bucket)
            },
        )
    };
    list(Some("org_1/content/")).unwrap();
    list(Some("org_1/billing/")).unwrap_err();
    list(None).unwrap_err();
}

#[test]
fn a_deny_with_a_condition_refuses_only_what_the_condition_holds_for() {
    let policy = policy(&json!([
        { "Effect": "Allow", "Action": "ses:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "ses:SendEmail", "Resource": "*",
          "Condition": { "StringLike": { "ses:FromAddress": "*@evil.example" } } },
    ]));
    let mail = |from: &str| {
        let from_address = Some(from.to_owned());
        policy.authorize(
            "F",
            &AwsCall {
                from_address,
                ..AwsCall::new("ses:SendEmail", "arn:aws:ses:a:b:c")
            },
        )
    };
    mail("a@good.example").unwrap();
    assert!(mail("a@evil.example").unwrap_err().explicit);
}

#[test]
fn what_is_not_enforced_is_an_error_and_never_ignored() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut statement = json!({ "Effect": "Allow", "Action": "dynamodb:Query", "Resource": TABLE });
        change(&mut statement);
        errors(&statement)
    };
    let condition = |operator: &str, key: &str| {
        with(&|statement| statement["Condition"] = json!({ operator: { key: "x" } }))
    };
    assert!(condition("StringNotEquals", "dynamodb:LeadingKeys").contains("StringNotEquals"));
    assert!(condition("ForAnyValue:StringEquals", "dynamodb:LeadingKeys").contains("ForAnyValue"));
    assert!(condition("StringEqualsIfExists", "dynamodb:LeadingKeys").contains("IfExists"));
    assert!(condition("ForAllValues:StringEquals", "dynamodb:Attributes").contains("dynamodb:Attributes"));
    assert!(condition("StringEquals", "aws:SourceIp").contains("aws:SourceIp"));
    assert!(condition("StringEquals", "dynamodb:LeadingKeys").contains("ForAllValues:StringEquals"));
    assert!(condition("StringEquals", "ses:FromAddress").contains("does not apply"));
    assert!(condition("StringEquals", "kms:EncryptionContext:").contains("not one"));
    assert!(
        with(&|statement| {
            statement["Action"] = "kms:Decrypt".into();
            statement["Condition"] =
                json!({ "ForAllValues:StringEquals": { "kms:EncryptionContext:a": "x" } });
        })
        .contains("would let it lack")
    );
    assert!(
        with(&|statement| {
            statement["Action"] = json!(["dynamodb:Query", "dynamodb:Scan"]);
            statement["Condition"] = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "x" } });
        })
        .contains("scan")
    );
    assert!(with(&|statement| statement["NotAction"] = "x:y".into()).contains("NotAction"));
    assert!(with(&|statement| statement["Principal"] = "*".into()).contains("Principal"));
    assert!(with(&|statement| statement["Effect"] = "allow".into()).contains("Effect"));
    assert!(with(&|statement| statement["Action"] = "Query".into()).contains("not an action"));
    assert!(with(&|statement| statement["Action"] = json!([])).contains("Action"));
    assert!(with(&|statement| statement["Resource"] = "core".into()).contains("not an ARN"));
    assert!(
        with(&|statement| statement["Resource"] = format!("{TABLE}${{aws:userid}}").into())
            .contains("variable")
    );
    assert!(
        with(&|statement| drop(statement.as_object_mut().unwrap().remove("Resource"))).contains("Resource")
    );
    let template = Policy::parse(&json!([{ "DynamoDBCrudPolicy": { "TableName": "core" } }])).unwrap_err();
    assert!(template[0].contains("DynamoDBCrudPolicy"), "{template:?}");
    let managed = Policy::parse(&json!(["AmazonDynamoDBFullAccess"])).unwrap_err();
    assert!(managed[0].contains("AmazonDynamoDBFullAccess"), "{managed:?}");
}
