use serde_json::json;

use super::*;

const PLACE: Place<'_> = Place {
    region: "eu-west-2",
    account: "000000000000",
};
const KEY_ARN: &str = "arn:aws:kms:eu-west-2:000000000000:key/1";

fn resolver(named: Option<&str>, blob: Option<&[u8]>) -> Option<String> {
    match (named, blob) {
        (Some("alias/trackwell-data"), _) | (None, Some(b"blob")) => Some(KEY_ARN.to_owned()),
        _ => None,
    }
}

fn json_request(target: &str, body: &Value) -> Request<Bytes> {
    Request::post("/")
        .header("x-amz-target", target)
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

fn dynamodb(operation: &str, body: Value) -> Result<Vec<AwsCall>, String> {
    let request = json_request(&format!("DynamoDB_20120810.{operation}"), &body);
    aws_calls("dynamodb", &request, PLACE, &resolver)
}

/// Action, table or index, and leading keys of each call, which is all that is to be said about DynamoDB.
fn short(calls: Result<Vec<AwsCall>, String>) -> Vec<String> {
    let prefix = "arn:aws:dynamodb:eu-west-2:000000000000:table/";
    let line = |call: AwsCall| {
        let resource = call
            .resource
            .strip_prefix(prefix)
            .unwrap_or(&call.resource)
            .to_owned();
        format!("{} {resource} {}", call.action, call.leading_keys.join(","))
            .trim_end()
            .to_owned()
    };
    calls.unwrap().into_iter().map(line).collect()
}

fn key(pk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": "x" } })
}

#[test]
fn single_items_name_their_table_and_partition_key() {
    for operation in ["GetItem", "UpdateItem", "DeleteItem"] {
        let calls = dynamodb(operation, json!({ "TableName": "core", "Key": key("ORG#1") }));
        assert_eq!(short(calls), [format!("dynamodb:{operation} core ORG#1")]);
    }
    let put = dynamodb("PutItem", json!({ "TableName": "core", "Item": key("ORG#1") }));
    assert_eq!(short(put), ["dynamodb:PutItem core ORG#1"]);
    let number = dynamodb(
        "GetItem",
        json!({ "TableName": "core", "Key": { "pk": { "N": "7" } } }),
    );
    assert_eq!(short(number), ["dynamodb:GetItem core 7"]);
}

#[test]
fn a_query_names_the_key_it_compares_with_however_it_is_written() {
    let values = json!({ ":x": { "S": "ORG#1" }, ":y": { "S": "REC#" }, ":z": { "S": "REC$" } });
    let names = json!({ "#n": "pk", "#s": "sk", "#g": "g1pk" });
    let query = |expression: &str, index: Option<&str>| {
        let mut body = json!({
            "TableName": "core", "KeyConditionExpression": expression,
            "ExpressionAttributeValues": values, "ExpressionAttributeNames": names,
        });
        if let Some(index) = index {
            body["IndexName"] = index.into();
        }
        dynamodb("Query", body)
    };
    let expressions = [
        "pk = :x",
        "pk=:x",
        ":x = pk",
        "#n = :x AND begins_with(sk, :y)",
        "(#n = :x) and (#s BETWEEN :y AND :z)",
        "sk >= :y AND pk = :x",
        "#s=:y AND (:x=#n)",
    ];
    for expression in expressions {
        assert_eq!(
            short(query(expression, None)),
            ["dynamodb:Query core ORG#1"],
            "{expression}"
        );
    }
    for expression in ["g1pk = :x", "#g = :x AND g1sk < :y"] {
        assert_eq!(
            short(query(expression, Some("g1"))),
            ["dynamodb:Query core/index/g1 ORG#1"],
            "{expression}"
        );
    }
    for expression in [
        "sk = :x",
        "pk < :x",
        "pk <= :x",
        "pk = :none",
        "pk = :x AND pk = :y",
        "#none = :x",
        "",
        "g1pk = :x",
    ] {
        assert!(query(expression, None).is_err(), "{expression}");
    }
    assert!(query("g1sk = :x", Some("g1")).is_err());
    let legacy = dynamodb("Query", json!({ "TableName": "core", "KeyConditions": {} }));
    assert!(legacy.unwrap_err().contains("KeyConditions"));
}

#[test]
fn a_scan_names_no_key_and_its_index_when_it_reads_one() {
    assert_eq!(
        short(dynamodb("Scan", json!({ "TableName": "core" }))),
        ["dynamodb:Scan core"]
    );
    let index = dynamodb("Scan", json!({ "TableName": "core", "IndexName": "g1" }));
    assert_eq!(short(index), ["dynamodb:Scan core/index/g1"]);
}

#[test]
fn batches_ask_once_for_each_table_with_all_its_keys() {
    let get = dynamodb(
        "BatchGetItem",
        json!({ "RequestItems": {
            "core": { "Keys": [key("ORG#1"), key("ORG#2"), key("ORG#1")] },
            "keys": { "Keys": [key("UNIT#1")], "ConsistentRead": true },
        }}),
    );
    let expected = [
        "dynamodb:BatchGetItem core ORG#1,ORG#2",
        "dynamodb:BatchGetItem keys UNIT#1",
    ];
    assert_eq!(short(get), expected);
    let write = dynamodb(
        "BatchWriteItem",
        json!({ "RequestItems": {
            "core": [{ "PutRequest": { "Item": key("ORG#1") } }, { "DeleteRequest": { "Key": key("ORG#2") } }],
        }}),
    );
    assert_eq!(short(write), ["dynamodb:BatchWriteItem core ORG#1,ORG#2"]);
}

#[test]
fn a_transaction_asks_for_the_operations_in_it() {
    let part = |kind: &str, table: &str, field: &str, pk: &str| json!({ kind: { "TableName": table, field: key(pk) } });
    let write = dynamodb(
        "TransactWriteItems",
        json!({ "TransactItems": [
            part("Put", "core", "Item", "ORG#1"),
            part("Put", "core", "Item", "UNIQ#1"),
            part("Update", "control", "Key", "UNIT#1"),
            part("Delete", "keys", "Key", "UNIT#1"),
            part("ConditionCheck", "core", "Key", "ORG#1"),
        ]}),
    );
    let expected = [
        "dynamodb:ConditionCheckItem core ORG#1",
        "dynamodb:DeleteItem keys UNIT#1",
        "dynamodb:PutItem core ORG#1,UNIQ#1",
        "dynamodb:UpdateItem control UNIT#1",
    ];
    assert_eq!(short(write), expected);
    let get = dynamodb(
        "TransactGetItems",
        json!({ "TransactItems": [part("Get", "core", "Key", "ORG#1")] }),
    );
    assert_eq!(short(get), ["dynamodb:GetItem core ORG#1"]);
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let wrong = [
        ("ExecuteStatement", json!({ "Statement": "SELECT * FROM core" })),
        ("DeleteTable", json!({ "TableName": "core" })),
        ("GetItem", json!({ "TableName": "core" })),
        (
            "GetItem",
            json!({ "TableName": "core", "Key": { "id": { "S": "1" } } }),
        ),
        (
            "GetItem",
            json!({ "TableName": "core", "Key": { "pk": { "L": [] } } }),
        ),
        ("GetItem", json!({ "Key": key("ORG#1") })),
        (
            "GetItem",
            json!({ "TableName": "core/index/g1", "Key": key("ORG#1") }),
        ),
        ("BatchGetItem", json!({ "RequestItems": {} })),
        (
            "BatchWriteItem",
            json!({ "RequestItems": { "core": [{ "PutRequest": {} }] } }),
        ),
        (
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Get": { "TableName": "core", "Key": key("a") } }] }),
        ),
        ("TransactWriteItems", json!({ "TransactItems": [{}] })),
        (
            "TransactGetItems",
            json!({ "TransactItems": [{ "Put": { "TableName": "core", "Item": key("a") } }] }),
        ),
    ];
    for (operation, body) in wrong {
        assert!(dynamodb(operation, body.clone()).is_err(), "{operation} {body}");
    }
    let request = |target: &str| json_request(target, &json!({ "TableName": "core", "Key": key("a") }));
    assert!(aws_calls("dynamodb", &request("TrentService.GetItem"), PLACE, &resolver).is_err());
    assert!(aws_calls("sqs", &request("DynamoDB_20120810.GetItem"), PLACE, &resolver).is_err());
    let mut two = request("DynamoDB_20120810.GetItem");
    two.headers_mut()
        .append("x-amz-target", "DynamoDB_20120810.Scan".parse().unwrap());
    assert!(aws_calls("dynamodb", &two, PLACE, &resolver).is_err());
    let broken = Request::post("/")
        .header("x-amz-target", "DynamoDB_20120810.Scan")
        .body(Bytes::from_static(b"{"));
    assert!(aws_calls("dynamodb", &broken.unwrap(), PLACE, &resolver).is_err());
}

#[test]
fn a_kms_call_names_its_key_even_when_only_the_ciphertext_tells_it() {
    let kms = |operation: &str, body: Value| {
        aws_calls(
            "kms",
            &json_request(&format!("TrentService.{operation}"), &body),
            PLACE,
            &resolver,
        )
    };
    let named = kms(
        "Encrypt",
        json!({ "KeyId": "alias/trackwell-data", "EncryptionContext": { "use": "seal" } }),
    );
    let expected = AwsCall {
        encryption_context: BTreeMap::from([("use".to_owned(), "seal".to_owned())]),
        ..AwsCall::new("kms:Encrypt", KEY_ARN)
    };
    assert_eq!(named.unwrap(), [expected]);
    let unnamed = kms("Decrypt", json!({ "CiphertextBlob": BASE64.encode("blob") }));
    assert_eq!(unnamed.unwrap(), [AwsCall::new("kms:Decrypt", KEY_ARN)]);
    assert!(kms("Decrypt", json!({ "CiphertextBlob": BASE64.encode("other") })).is_err());
    assert!(kms("Decrypt", json!({})).is_err());
    assert!(kms("Encrypt", json!({ "KeyId": "alias/unheard-of" })).is_err());
    assert!(kms("ScheduleKeyDeletion", json!({ "KeyId": "alias/trackwell-data" })).is_err());
    let odd = json!({ "KeyId": "alias/trackwell-data", "EncryptionContext": { "use": 1 } });
    assert!(kms("Encrypt", odd).is_err());
}

#[test]
fn a_mail_names_its_identity_sender_and_recipients() {
    let ses = |body: &Value, path: &str| {
        let request = Request::post(path).body(Bytes::from(body.to_string())).unwrap();
        aws_calls("ses", &request, PLACE, &resolver)
    };
    let mut body = json!({
        "FromEmailAddress": "Trackwell <no-reply@trackwell.example>",
        "Destination": { "ToAddresses": ["Ann <ann@a.example>"], "BccAddresses": ["bob@b.example"] },
        "Content": { "Simple": { "Subject": { "Data": "s" }, "Body": { "Text": { "Data": "t" } } } },
    });
    let expected = AwsCall {
        from_address: Some("no-reply@trackwell.example".to_owned()),
        recipients: vec!["ann@a.example".to_owned(), "bob@b.example".to_owned()],
        ..AwsCall::new(
            "ses:SendEmail",
            "arn:aws:ses:eu-west-2:000000000000:identity/trackwell.example",
        )
    };
    let plain = ses(&body, SEND_EMAIL_PATH).unwrap();
    assert_eq!(plain.as_slice(), std::slice::from_ref(&expected));
    body["ConfigurationSetName"] = "main".into();
    let resource = "arn:aws:ses:eu-west-2:000000000000:configuration-set/main".to_owned();
    assert_eq!(
        ses(&body, SEND_EMAIL_PATH).unwrap()[1],
        AwsCall { resource, ..expected }
    );
    let raw = BASE64.encode("From: a@trackwell.example\r\nTo: b@b.example\r\n\r\nhi");
    let raw = ses(&json!({ "Content": { "Raw": { "Data": raw } } }), SEND_EMAIL_PATH).unwrap();
    assert_eq!(
        (raw[0].action.as_str(), raw[0].from_address.as_deref()),
        ("ses:SendRawEmail", Some("a@trackwell.example"))
    );
    assert!(ses(&body, "/v2/email/identities").is_err());
    body["FromEmailAddress"] = "nobody".into();
    assert!(ses(&body, SEND_EMAIL_PATH).is_err());
}
