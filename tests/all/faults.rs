//! Bad days: throttling, lost answers, partial batches, conflicts, keys and mail out of reach.

use std::sync::atomic::Ordering;

use http::Method;
use local::Fault;
use serde_json::{Value, json};

use crate::harness::{Customer, Reply, announcement};
use crate::records::{create, setting};
use crate::support::{ALWAYS, answer, assert_unchanged, refusal};

/// What happens to a call, and how it is made to happen.
pub type Trouble = (&'static str, fn() -> Fault);

pub fn throttled() -> Fault {
    refusal(400, "ProvisionedThroughputExceededException", &Value::Null)
}

const OF_TABLES: [Trouble; 6] = [
    ("throughput exceeded", throttled),
    ("throttling", || refusal(400, "ThrottlingException", &Value::Null)),
    ("request limit", || {
        refusal(400, "RequestLimitExceeded", &Value::Null)
    }),
    ("internal error", || {
        refusal(500, "InternalServerError", &Value::Null)
    }),
    ("no connection", || Fault::DropBefore),
    ("an answer that is none", || {
        answer(503, "text/html", "<html>".to_owned())
    }),
];

pub fn assert_unavailable(reply: &Reply, what: &str) {
    assert_eq!(
        reply.problem(),
        (503, "unavailable".into(), vec![]),
        "{what}: {reply:?}"
    );
    let seconds = reply
        .header("retry-after")
        .unwrap_or_else(|| panic!("{what}: no Retry-After"));
    assert!(seconds.parse::<u32>().unwrap() >= 1);
    reply.assert_hardened();
    let text = reply.json().to_string();
    for word in [
        "Item",
        "Throttl",
        "Exception",
        "trackwell-",
        "dynamo",
        "s3",
        "kms",
        "drill",
    ] {
        assert!(!text.contains(word), "nothing of the inside: {text}");
    }
}

/// The requests whose faults are tried, each with the function and its calls to the tables.
const REQUESTS: [(&str, &[&str]); 6] = [
    ("records-create", &["BatchGetItem", "TransactWriteItems"]),
    ("records-update", &["BatchGetItem", "TransactWriteItems"]),
    ("records-get", &["BatchGetItem"]),
    ("records-list", &["BatchGetItem", "Query"]),
    ("me-update", &["BatchGetItem", "TransactWriteItems"]),
    (
        "attachments-create",
        &["BatchGetItem", "Query", "TransactWriteItems"],
    ),
];

async fn request(customer: &Customer, function: &str, path: &str, n: usize) -> Reply {
    match function {
        "records-create" => create(customer, "asset", json!({ "asset_tag": format!("N-{n}") })).await,
        "records-update" => {
            let body = json!({ "fields": { "name": n.to_string() } });
            let etag = customer.get(path).await.header("etag").unwrap().to_owned();
            customer
                .json(Method::PATCH, path, &body, &[("if-match", &etag)])
                .await
        }
        "records-get" => customer.get(path).await,
        "records-list" => customer.get("/v1/records?kind=asset").await,
        "me-update" => {
            customer
                .json(Method::PATCH, "/v1/me", &json!({ "name": n.to_string() }), &[])
                .await
        }
        _ => {
            customer
                .post(
                    &format!("{path}/attachments"),
                    &announcement("a.txt", &n.to_string()),
                )
                .await
        }
    }
}

#[tokio::test]
async fn s_01_a_call_to_the_tables_that_fails_once_is_repeated_and_one_that_always_fails_is_503_and_changes_nothing()
 {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let mut n = 0;
    for (function, operations) in REQUESTS {
        for operation in operations {
            for (trouble, fault) in OF_TABLES {
                let what = format!("{function} {operation}: {trouble}");
                n += 1;
                let before = world.everything().await;
                let failed = world.fail(function, operation, ALWAYS, fault);
                let reply = request(&customer, function, &path, n).await;
                world.stack.clear_fault();
                assert_unavailable(&reply, &what);
                let attempts = failed.load(Ordering::SeqCst);
                assert_eq!(attempts, 3, "{what}: tried again within limits");
                assert_unchanged(&before, &world.everything().await, &what);
                let failed = world.fail(function, operation, 1, fault);
                let reply = request(&customer, function, &path, n).await;
                world.stack.clear_fault();
                assert!(matches!(reply.status, 200 | 201), "{what} once: {reply:?}");
                assert_eq!(failed.load(Ordering::SeqCst), 1, "{what}");
                if function == "attachments-create" {
                    let id = reply.json()["id"].as_str().unwrap().to_owned();
                    assert_eq!(
                        customer
                            .delete(&format!("{path}/attachments/{id}"), &[])
                            .await
                            .status,
                        204
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn k_18_a_write_whose_answer_is_lost_is_recognised_as_done() {
    let (world, customer) = setting().await;
    let before = world.everything().await.len();
    let failed = world.fail("records-create", "TransactWriteItems", 1, || Fault::ApplyThenDrop);
    let reply = create(
        &customer,
        "asset",
        json!({ "asset_tag": "LT-1", "serial": "S-1" }),
    )
    .await;
    world.stack.clear_fault();
    assert_eq!(
        (reply.status, failed.load(Ordering::SeqCst)),
        (201, 1),
        "{reply:?}"
    );
    assert_eq!(
        world.everything().await.len(),
        before + 4,
        "one record, one event, two guards"
    );
    let path = reply.header("location").unwrap().to_owned();
    world.fail("records-update", "TransactWriteItems", 2, || Fault::ApplyThenDrop);
    let changed = customer
        .json(
            Method::PATCH,
            &path,
            &json!({ "fields": { "name": "x" } }),
            &[("if-match", "\"1\"")],
        )
        .await;
    world.stack.clear_fault();
    assert_eq!(
        (changed.status, changed.header("etag")),
        (200, Some("\"2\"")),
        "{changed:?}"
    );
    assert_eq!(world.of_type("core", "event").await.len(), 2);
}

#[tokio::test]
async fn o_07_when_every_answer_is_lost_the_same_key_finds_the_effect_and_makes_no_second_one() {
    let (world, customer) = setting().await;
    let body = json!({ "kind": "licence", "fields": { "name": "Editor" } });
    let key = [("idempotency-key", "k1")];
    world.fail("records-create", "TransactWriteItems", ALWAYS, || {
        Fault::ApplyThenDrop
    });
    let lost = customer.post_with("/v1/records", &body, &key).await;
    world.stack.clear_fault();
    assert_unavailable(&lost, "every answer lost");
    let again = customer.post_with("/v1/records", &body, &key).await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (201, Some("true")),
        "{again:?}"
    );
    let listed = customer.get("/v1/records?kind=licence").await.json();
    assert_eq!(listed["data"], json!([again.json()]));
    assert_eq!(world.of_type("core", "event").await.len(), 1);
}

#[tokio::test]
async fn o_19_when_the_key_of_a_request_cannot_be_looked_up_nothing_is_done() {
    let (world, customer) = setting().await;
    let before = world.everything().await;
    world.fail("imports-create", "GetItem", ALWAYS, throttled);
    assert_unavailable(
        &crate::http::import(&customer, "k1", "asset_tag\nA\n").await,
        "the import's row",
    );
    world.fail("records-create", "BatchGetItem", ALWAYS, throttled);
    let body = json!({ "kind": "asset", "fields": { "asset_tag": "LT-1" } });
    let reply = customer
        .post_with("/v1/records", &body, &[("idempotency-key", "k1")])
        .await;
    world.stack.clear_fault();
    assert_unavailable(&reply, "the answer's row");
    assert_unchanged(&before, &world.everything().await, "keys out of reach");
}

#[tokio::test]
async fn k_13_keys_that_the_table_leaves_over_are_asked_for_again_or_the_answer_is_503_never_a_shorter_one() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let whole = customer.get(&path).await.json();
    let mut unprocessed = json!({});
    for table in crate::support::TABLES {
        // More than the function asked for, but nothing that it may not read.
        let wanted = ["SESSION#", "UNIT#", "ORG#", "RECORD#"];
        let keys = if table == "control" {
            Vec::new()
        } else {
            world.items(table).await
        };
        let keys: Vec<_> = keys
            .iter()
            .filter(|item| {
                let pk = item["pk"].as_str().unwrap();
                wanted.iter().any(|start| pk.starts_with(start)) && !pk.ends_with(".billing")
            })
            .map(|item| json!({ "pk": { "S": item["pk"] }, "sk": { "S": item["sk"] } }))
            .collect();
        if !keys.is_empty() {
            unprocessed[format!("trackwell-{table}")] = json!({ "Keys": keys, "ConsistentRead": true });
        }
    }
    let body = json!({ "Responses": {}, "UnprocessedKeys": unprocessed }).to_string();
    for times in [1, 3, ALWAYS] {
        let body = body.clone();
        let failed = world.fail("records-get", "BatchGetItem", times, move || {
            answer(200, "application/x-amz-json-1.0", body.clone())
        });
        let reply = customer.get(&path).await;
        world.stack.clear_fault();
        if times == ALWAYS {
            assert_unavailable(&reply, "keys are left over every time");
            assert!(
                (2..=10).contains(&failed.load(Ordering::SeqCst)),
                "tried again within limits"
            );
        } else {
            assert_eq!(
                (reply.status, reply.json()),
                (200, whole.clone()),
                "{times}: {reply:?}"
            );
        }
    }
}

fn cancelled(code: &'static str) -> Fault {
    let reasons = json!([{ "Code": "None" }, { "Code": code, "Message": "drill" }, { "Code": "None" }]);
    refusal(
        400,
        "TransactionCanceledException",
        &json!({ "Message": "drill", "CancellationReasons": reasons }),
    )
}

#[tokio::test]
async fn k_15_k_17_a_transaction_that_meets_another_one_is_tried_again_and_then_503() {
    let (world, customer) = setting().await;
    for (what, fault) in [
        ("conflict", (|| cancelled("TransactionConflict")) as fn() -> Fault),
        ("throttled", || cancelled("ThrottlingError")),
        ("throughput", || cancelled("ProvisionedThroughputExceeded")),
        ("in progress", || {
            refusal(400, "TransactionInProgressException", &Value::Null)
        }),
    ] {
        let before = world.everything().await;
        let failed = world.fail("records-create", "TransactWriteItems", ALWAYS, fault);
        let reply = create(&customer, "asset", json!({ "asset_tag": what })).await;
        assert_unavailable(&reply, what);
        let attempts = failed.load(Ordering::SeqCst);
        assert!((2..=10).contains(&attempts), "{what}: {attempts} attempts");
        assert_unchanged(&before, &world.everything().await, what);
        world.fail("records-create", "TransactWriteItems", 1, fault);
        let reply = create(&customer, "asset", json!({ "asset_tag": what })).await;
        world.stack.clear_fault();
        assert_eq!(reply.status, 201, "{what}: {reply:?}");
    }
}
