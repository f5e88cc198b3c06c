//! Records: the four kinds, unique values, versions, merge patches, timelines, deletion.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Customer, Reply, World, announcement};
use crate::support::{assert_unchanged, refusal};

/// Every field of every kind, with what its answer adds.
pub fn full(kind: &str) -> Value {
    match kind {
        "asset" => json!({
            "asset_tag": "LT-1", "name": "Laptop", "serial": "S-1", "model": "T14", "manufacturer": "Maker",
            "category": "laptop", "status": "deployed", "assigned_to": "employee_01jd2v7f5ne2x9w4m1q8z3k6ta",
            "location": "Berlin", "supplier": "Shop", "order_number": "O-7", "purchase_date": "2024-02-29",
            "purchase_cost": { "amount": 129_900, "currency": "EUR" }, "warranty_months": 36, "notes": "two\nlines",
        }),
        "licence" => json!({
            "name": "Editor", "product_key": "AAAA-BBBB", "seats": 25, "manufacturer": "Maker", "license_name": "Ada",
            "license_email": "ada@works.example", "supplier": "Shop", "order_number": "O-8",
            "purchase_date": "2025-01-01", "purchase_cost": { "amount": 0, "currency": "GBP" },
            "expiration_date": "2027-01-01", "notes": "n",
        }),
        "employee" => json!({
            "first_name": "Grace", "last_name": "Hopper", "email": "grace@works.example", "employee_num": "7",
            "jobtitle": "Admiral", "department": "Navy", "location": "Arlington", "phone": "+1 555 0100",
            "start_date": "2020-01-01", "end_date": "2026-12-31", "notes": "n",
        }),
        _ => json!({
            "domain_name": "works.example", "registrar": "Registry", "registration_date": "2001-01-01",
            "expiration_date": "2031-01-01", "auto_renew": true, "name_servers": ["a.ns.example", "b.ns.example"],
            "notes": "n",
        }),
    }
}

pub const KINDS: [&str; 4] = ["asset", "licence", "employee", "domain"];

pub async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

pub async fn create(customer: &Customer, kind: &str, fields: Value) -> Reply {
    customer
        .post("/v1/records", &json!({ "kind": kind, "fields": fields }))
        .await
}

pub async fn patch(customer: &Customer, path: &str, fields: Value, etag: &str) -> Reply {
    customer
        .json(
            Method::PATCH,
            path,
            &json!({ "fields": fields }),
            &[("if-match", etag)],
        )
        .await
}

pub async fn delete(customer: &Customer, path: &str, etag: &str) -> Reply {
    customer.delete(path, &[("if-match", etag)]).await
}

pub fn path_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.header("location").unwrap().to_owned()
}

pub fn conflict(field: &str) -> (u16, String, Vec<String>) {
    (409, "conflict".to_owned(), vec![format!("/fields/{field}")])
}

#[tokio::test]
async fn a_record_of_each_kind_is_created_read_changed_listed_and_deleted() {
    let (world, customer) = setting().await;
    for kind in KINDS {
        let reply = create(&customer, kind, full(kind)).await;
        let path = path_of(&reply);
        let id = path.strip_prefix("/v1/records/").unwrap();
        assert!(id.starts_with(&format!("{kind}_")), "{id}");
        let now = world.now().to_string();
        let mut expected = json!({
            "id": id, "kind": kind, "fields": full(kind), "version": 1, "created_at": now, "updated_at": now,
        });
        assert_eq!(
            (reply.header("etag"), reply.json()),
            (Some("\"1\""), expected.clone())
        );
        let read = customer.get(&path).await;
        assert_eq!(
            (read.status, read.header("etag"), read.json()),
            (200, Some("\"1\""), expected.clone())
        );
        let listed = customer.get(&format!("/v1/records?kind={kind}")).await;
        assert_eq!(
            (listed.status, listed.json()),
            (200, json!({ "data": [expected] }))
        );
        world.advance(7);
        let changed = patch(&customer, &path, json!({ "notes": "other" }), "\"1\"").await;
        expected["fields"]["notes"] = json!("other");
        expected["version"] = json!(2);
        expected["updated_at"] = json!(world.now().to_string());
        assert_eq!(
            (changed.status, changed.header("etag"), changed.json()),
            (200, Some("\"2\""), expected.clone())
        );
        assert_eq!(customer.get(&path).await.json(), expected);
        let reply = delete(&customer, &path, "\"2\"").await;
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{reply:?}");
        for again in [
            customer.get(&path).await,
            delete(&customer, &path, "\"2\"").await,
            customer.get(&format!("{path}/events")).await,
        ] {
            assert_eq!(again.problem(), (404, "not-found".into(), vec![]), "{kind}");
        }
        let listed = customer.get(&format!("/v1/records?kind={kind}")).await;
        assert_eq!((listed.status, listed.json()), (200, json!({ "data": [] })));
    }
}

#[tokio::test]
async fn a_change_or_deletion_names_the_version_it_means() {
    let (world, customer) = setting().await;
    let path = path_of(&create(&customer, "asset", json!({ "asset_tag": "LT-1" })).await);
    assert_eq!(
        patch(&customer, &path, json!({ "name": "x" }), "\"1\"")
            .await
            .status,
        200
    );
    let before = world.everything().await;
    let body = json!({ "fields": { "name": "y" } });
    for method in [Method::PATCH, Method::DELETE] {
        let body = if method == Method::PATCH {
            &body
        } else {
            &Value::Null
        };
        let missing = customer.json(method.clone(), &path, body, &[]).await;
        assert_eq!(
            missing.problem(),
            (428, "precondition-required".into(), vec![]),
            "{missing:?}"
        );
        for stale in ["\"1\"", "\"3\"", "2", "\"02\"", "W/\"2\"", "", "\"\"", "\"2"] {
            let reply = customer
                .json(method.clone(), &path, body, &[("if-match", stale)])
                .await;
            assert_eq!(
                reply.problem(),
                (412, "stale".into(), vec![]),
                "{method} {stale}: {reply:?}"
            );
            assert!(
                reply.json()["detail"].as_str().unwrap().contains("\"2\""),
                "it names the current version"
            );
        }
    }
    assert_unchanged(&before, &world.everything().await, "wrong versions");
    let reply = customer
        .send(Method::GET, &path, &[("if-none-match", "W/\"2\"")], Bytes::new())
        .await;
    assert_eq!(
        (reply.status, reply.body.len(), reply.header("etag")),
        (304, 0, Some("\"2\""))
    );
    let reply = customer
        .send(Method::GET, &path, &[("if-none-match", "\"1\"")], Bytes::new())
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        patch(&customer, &path, json!({ "name": "y" }), "\"1\", \"2\"")
            .await
            .status,
        200
    );
    assert_eq!(delete(&customer, &path, "*").await.status, 204);
}

#[tokio::test]
async fn the_timeline_tells_who_changed_what_from_what_to_what() {
    let (world, customer) = setting().await;
    let path = path_of(&create(&customer, "asset", json!({ "asset_tag": "LT-1", "name": "A" })).await);
    world.advance(1);
    assert_eq!(
        patch(&customer, &path, json!({ "name": "B", "serial": "S" }), "\"1\"")
            .await
            .status,
        200
    );
    world.advance(1);
    assert_eq!(
        patch(&customer, &path, json!({ "serial": null }), "\"2\"")
            .await
            .status,
        200
    );
    world.advance(1);
    let attachment = customer
        .attach(path.strip_prefix("/v1/records/").unwrap(), "a.txt", "a\n")
        .await;
    world.advance(1);
    assert_eq!(
        customer
            .delete(&format!("{path}/attachments/{attachment}"), &[])
            .await
            .status,
        204
    );
    let reply = customer.get(&format!("{path}/events")).await;
    let events = reply.json()["data"].as_array().unwrap().clone();
    let me = customer.get("/v1/me").await.json()["id"].clone();
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event["actor"], me);
            json!([event["action"], event["record_version"], event["changes"]])
        })
        .collect();
    let expected = [
        json!(["created", 1, [
            { "field": "asset_tag", "to": "LT-1" }, { "field": "name", "to": "A" }, { "field": "status", "to": "ready" },
        ]]),
        json!(["updated", 2, [{ "field": "name", "from": "A", "to": "B" }, { "field": "serial", "to": "S" }]]),
        json!(["updated", 3, [{ "field": "serial", "from": "S" }]]),
        json!(["attachment_added", 3, [{ "field": "attachment", "to": "a.txt" }]]),
        json!(["attachment_removed", 3, [{ "field": "attachment", "from": "a.txt" }]]),
    ];
    assert_eq!(seen, expected);
    let times: Vec<_> = events
        .iter()
        .map(|event| event["at"].as_str().unwrap().to_owned())
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

/// A record with a changed field and a file.
pub async fn furnished(customer: &Customer) -> String {
    let path = path_of(&create(customer, "asset", json!({ "asset_tag": "LT-1", "serial": "S-1" })).await);
    assert_eq!(
        patch(customer, &path, json!({ "name": "B" }), "\"1\"")
            .await
            .status,
        200
    );
    customer
        .attach(path.strip_prefix("/v1/records/").unwrap(), "a.txt", "a\n")
        .await;
    path
}

#[tokio::test]
async fn a_cancelled_subscription_reads_and_deletes_and_writes_nothing() {
    let (world, customer) = setting().await;
    let path = furnished(&customer).await;
    assert_eq!(
        customer
            .post("/v1/organisation/cancel", &Value::Null)
            .await
            .status,
        200
    );
    let before = world.everything().await;
    let attachment = announcement("b.txt", "b");
    for reply in [
        create(&customer, "licence", json!({ "name": "x" })).await,
        patch(&customer, &path, json!({ "name": "x" }), "\"2\"").await,
        customer.post(&format!("{path}/attachments"), &attachment).await,
        crate::http::import(&customer, "k", "asset_tag\nX\n").await,
    ] {
        assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
    }
    assert_unchanged(&before, &world.everything().await, "a cancelled subscription");
    assert_eq!(customer.get(&path).await.status, 200);
    assert_eq!(delete(&customer, &path, "\"2\"").await.status, 204);
}

#[tokio::test]
async fn a_read_by_id_is_one_round_trip_and_a_write_two() {
    let (world, customer) = setting().await;
    let path = path_of(&create(&customer, "asset", full("asset")).await);
    assert_eq!(customer.get(&path).await.status, 200);
    assert_eq!(customer.get("/v1/me").await.status, 200);
    assert_eq!(
        patch(&customer, &path, json!({ "name": "x" }), "\"1\"")
            .await
            .status,
        200
    );
    world.stack.clear_calls();
    assert_eq!(customer.get(&path).await.status, 200);
    assert_eq!(customer.get("/v1/me").await.status, 200);
    let headers = [("idempotency-key", "two")];
    let body = json!({ "kind": "asset", "fields": { "asset_tag": "LT-2", "serial": "S-2" } });
    assert_eq!(
        customer.post_with("/v1/records", &body, &headers).await.status,
        201
    );
    assert_eq!(
        patch(&customer, &path, json!({ "name": "y", "serial": "S-3" }), "\"2\"")
            .await
            .status,
        200
    );
    for (function, expected) in [
        ("records-get", &["BatchGetItem"][..]),
        ("me-get", &["BatchGetItem"]),
        ("records-create", &["BatchGetItem", "TransactWriteItems"]),
        ("records-update", &["BatchGetItem", "TransactWriteItems"]),
    ] {
        assert_eq!(world.operations(function), expected, "{function}");
    }
    world.stack.clear_calls();
    assert_eq!(
        customer
            .post_with("/v1/records", &body, &headers)
            .await
            .header("idempotency-replayed"),
        Some("true")
    );
    assert_eq!(world.operations("records-create"), ["BatchGetItem"]);
    // A refusal by DynamoDB for another reason than load is a defect of ours, and says nothing of the inside.
    let _failed = world.fail("records-get", "BatchGetItem", 1, || {
        refusal(400, "ValidationException", &Value::Null)
    });
    let reply = customer.get(&path).await;
    assert_eq!(reply.problem(), (500, "internal".into(), vec![]));
    let text = reply.json().to_string();
    for word in ["Validation", "BatchGetItem", "trackwell-", "dynamo", "arn:"] {
        assert!(!text.contains(word), "{text}");
    }
}
