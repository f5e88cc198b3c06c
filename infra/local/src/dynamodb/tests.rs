use super::*;

async fn ask(tables: &Tables, operation: &str, body: Value) -> (StatusCode, Value) {
    let response = tables.call(operation, &Bytes::from(body.to_string())).await;
    (
        response.status(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

fn put(key: &str, condition: &str) -> Value {
    json!({ "Put": {
        "TableName": "trackwell-core",
        "Item": { "pk": { "S": key }, "sk": { "S": "A" } },
        "ConditionExpression": condition,
    } })
}

#[tokio::test]
async fn a_cancelled_transaction_says_why_for_each_of_its_parts() {
    let tables = Tables::open(None).unwrap();
    let parts = json!([
        put("a", "attribute_not_exists(pk)"),
        put("b", "attribute_exists(pk)")
    ]);
    let (status, answer) = ask(&tables, "TransactWriteItems", json!({ "TransactItems": parts })).await;
    assert_eq!(status, 400);
    assert!(
        answer["__type"]
            .as_str()
            .unwrap()
            .ends_with("#TransactionCanceledException"),
        "{answer}"
    );
    let codes: Vec<_> = answer["CancellationReasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| &reason["Code"])
        .collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
}

#[tokio::test]
async fn items_are_still_there_when_the_directory_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let item = json!({ "pk": { "S": "a" }, "sk": { "S": "b" }, "data": { "B": BASE64.encode("kept") } });
    let first = Tables::open(Some(directory.path())).unwrap();
    ask(
        &first,
        "PutItem",
        json!({ "TableName": "trackwell-core", "Item": item }),
    )
    .await;
    drop(first);
    let second = Tables::open(Some(directory.path())).unwrap();
    let key = json!({ "pk": { "S": "a" }, "sk": { "S": "b" } });
    let (_, found) = ask(
        &second,
        "GetItem",
        json!({ "TableName": "trackwell-core", "Key": key }),
    )
    .await;
    assert_eq!(found["Item"], item);
    assert!(
        second
            .raw_bytes()
            .await
            .unwrap()
            .iter()
            .any(|(_, bytes)| bytes == b"kept")
    );
}

#[tokio::test]
async fn what_was_deleted_is_in_no_file_after_compacting() {
    let directory = tempfile::tempdir().unwrap();
    let tables = Tables::open(Some(directory.path())).unwrap();
    let found = || {
        let files = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let has = |path: &PathBuf| {
            std::fs::read(path)
                .unwrap()
                .windows(13)
                .any(|bytes| bytes == b"a wrapped key")
        };
        files.filter(|path| has(path)).count()
    };
    let key = json!({ "pk": { "S": "a" }, "sk": { "S": "b" } });
    let mut item = key.clone();
    item["wrapped"] = json!({ "S": "a wrapped key" });
    ask(
        &tables,
        "PutItem",
        json!({ "TableName": "trackwell-keys", "Item": item }),
    )
    .await;
    ask(
        &tables,
        "DeleteItem",
        json!({ "TableName": "trackwell-keys", "Key": key }),
    )
    .await;
    assert!(
        found() > 0,
        "the deleted row is still somewhere, or this test proves nothing"
    );
    tables.compact().await.unwrap();
    assert_eq!(found(), 0);
}

#[tokio::test]
async fn consumed_capacity_is_read_from_one_table_and_from_many() {
    let tables = Tables::open(None).unwrap();
    let request = json!({ "TransactItems": [put("a", "attribute_not_exists(pk)")] });
    let body = metered(&Bytes::from(request.to_string())).unwrap();
    let response = tables.call("TransactWriteItems", &body).await;
    assert_eq!(
        consumed("TransactWriteItems", response.body()),
        Consumed {
            read: 0.0,
            write: 2.0
        }
    );
    let key = json!({ "pk": { "S": "a" }, "sk": { "S": "A" } });
    let request = json!({ "TableName": "trackwell-core", "Key": key, "ConsistentRead": true });
    let body = metered(&Bytes::from(request.to_string())).unwrap();
    let response = tables.call("GetItem", &body).await;
    assert_eq!(
        consumed("GetItem", response.body()),
        Consumed {
            read: 1.0,
            write: 0.0
        }
    );
}

#[tokio::test]
async fn unknown_operations_and_unreadable_bodies_are_errors_of_the_caller() {
    let tables = Tables::open(None).unwrap();
    assert_eq!(ask(&tables, "RestoreTableToPointInTime", json!({})).await.0, 400);
    assert_eq!(
        tables.call("GetItem", &Bytes::from_static(b"{")).await.status(),
        400
    );
    assert_eq!(
        tables
            .call("GetItem", &Bytes::from_static(&[0xff]))
            .await
            .status(),
        400
    );
}
