//! Records: the four kinds, unique values, versions, merge patches, timelines, deletion.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Customer, Reply, World, announcement};
use crate::support::{assert_unchanged, refusal, together};

/// Every field of every kind, with what its answer adds.
fn full(kind: &str) -> Value {
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

const KINDS: [&str; 4] = ["asset", "licence", "employee", "domain"];

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

async fn patch(customer: &Customer, path: &str, fields: Value, etag: &str) -> Reply {
    customer
        .json(
            Method::PATCH,
            path,
            &json!({ "fields": fields }),
            &[("if-match", etag)],
        )
        .await
}

async fn delete(customer: &Customer, path: &str, etag: &str) -> Reply {
    customer.delete(path, &[("if-match", etag)]).await
}

fn path_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.header("location").unwrap().to_owned()
}

fn conflict(field: &str) -> (u16, String, Vec<String>) {
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
async fn i_05_k_07_every_wrong_field_is_named_and_nothing_is_stored() {
    let (world, customer) = setting().await;
    let before = world.everything().await;
    for kind in KINDS {
        for name in full(kind).as_object().unwrap().keys() {
            for wrong in [
                json!({ "S": "x" }),
                json!([[]]),
                json!(-1),
                json!("\u{0}"),
                json!("x".repeat(10_001)),
            ] {
                let mut fields = full(kind);
                fields[name] = wrong.clone();
                let reply = create(&customer, kind, fields).await;
                let (status, _, pointers) = reply.problem();
                let pointer = format!("/fields/{name}");
                assert!(
                    status == 422 && pointers.iter().all(|found| found.starts_with(&pointer)),
                    "{kind} {wrong}: {reply:?}"
                );
            }
        }
        let mut fields = full(kind);
        fields["colour"] = json!("red");
        assert_eq!(
            create(&customer, kind, fields).await.problem().2,
            ["/fields/colour"]
        );
    }
    for (pointer, kind, name, wrong) in [
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": 1.5, "currency": "EUR" }),
        ),
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": -1, "currency": "EUR" }),
        ),
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": "12", "currency": "EUR" }),
        ),
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": 1_000_000_000_001_u64, "currency": "EUR" }),
        ),
        ("/amount", "asset", "purchase_cost", json!({ "currency": "EUR" })),
        (
            "/currency",
            "asset",
            "purchase_cost",
            json!({ "amount": 1, "currency": "eur" }),
        ),
        (
            "/currency",
            "asset",
            "purchase_cost",
            json!({ "amount": 1, "currency": "EURO" }),
        ),
        ("", "asset", "purchase_date", json!("2026-02-29")),
        ("", "asset", "purchase_date", json!("29.02.2024")),
        ("", "asset", "purchase_date", json!("2024-02-29T00:00:00Z")),
        ("", "asset", "warranty_months", json!("36")),
        ("", "asset", "warranty_months", json!(601)),
        ("", "asset", "status", json!("Ready")),
        (
            "",
            "asset",
            "assigned_to",
            json!("user_01jd2v7f5ne2x9w4m1q8z3k6ta"),
        ),
        ("", "asset", "asset_tag", json!("gpj\u{202e}exe")),
        ("", "asset", "asset_tag", json!("  ")),
        ("", "asset", "asset_tag", json!("x".repeat(101))),
        ("", "licence", "seats", json!(4_294_967_296_u64)),
        ("", "employee", "email", json!("grace@works")),
        ("", "domain", "domain_name", json!("works")),
        ("", "domain", "domain_name", json!("wor ks.example")),
        ("", "domain", "auto_renew", json!("yes")),
        ("/1", "domain", "name_servers", json!(["a.example", "x"])),
    ] {
        let mut fields = full(kind);
        fields[name] = wrong.clone();
        let reply = create(&customer, kind, fields).await;
        let expected = vec![format!("/fields/{name}{pointer}")];
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), expected),
            "{wrong}: {reply:?}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "wrong fields");
}

#[tokio::test]
async fn k_24_a_unique_value_is_taken_in_any_case_and_free_again_after_change_and_deletion() {
    let (_, customer) = setting().await;
    let first = path_of(
        &create(
            &customer,
            "asset",
            json!({ "asset_tag": "LT-1", "serial": "S-1" }),
        )
        .await,
    );
    let second = path_of(
        &create(
            &customer,
            "asset",
            json!({ "asset_tag": "LT-2", "serial": "S-2" }),
        )
        .await,
    );
    for (fields, field) in [
        (json!({ "asset_tag": "LT-1" }), "asset_tag"),
        (json!({ "asset_tag": " lt-1 " }), "asset_tag"),
        (json!({ "asset_tag": "LT-3", "serial": "s-2" }), "serial"),
    ] {
        let reply = create(&customer, "asset", fields).await;
        assert_eq!(reply.problem(), conflict(field), "{reply:?}");
    }
    assert_eq!(
        patch(&customer, &second, json!({ "asset_tag": "lt-1" }), "\"1\"")
            .await
            .problem(),
        conflict("asset_tag")
    );
    assert_eq!(
        customer.get(&second).await.header("etag"),
        Some("\"1\""),
        "nothing changed"
    );
    let reply = patch(&customer, &first, json!({ "asset_tag": "lt-1" }), "\"1\"").await;
    assert_eq!(
        (reply.status, &reply.json()["fields"]["asset_tag"]),
        (200, &json!("lt-1")),
        "one's own in another case"
    );
    assert_eq!(
        patch(
            &customer,
            &first,
            json!({ "asset_tag": "LT-9", "serial": null }),
            "\"2\""
        )
        .await
        .status,
        200
    );
    assert_eq!(
        patch(
            &customer,
            &second,
            json!({ "asset_tag": "LT-1", "serial": "S-1" }),
            "\"1\""
        )
        .await
        .status,
        200
    );
    assert_eq!(
        create(
            &customer,
            "asset",
            json!({ "asset_tag": "LT-2", "serial": "S-2" })
        )
        .await
        .status,
        201
    );
    assert_eq!(delete(&customer, &second, "\"2\"").await.status, 204);
    assert_eq!(
        create(
            &customer,
            "asset",
            json!({ "asset_tag": "lt-1", "serial": "s-1" })
        )
        .await
        .status,
        201
    );
    let grace = json!({ "first_name": "Grace", "email": "grace@works.example" });
    assert_eq!(create(&customer, "employee", grace).await.status, 201);
    let again = json!({ "first_name": "G", "email": "GRACE@Works.Example" });
    assert_eq!(
        create(&customer, "employee", again).await.problem(),
        conflict("email")
    );
    assert_eq!(
        create(&customer, "domain", json!({ "domain_name": "bücher.example" }))
            .await
            .status,
        201
    );
    let again = json!({ "domain_name": "XN--BCHER-KVA.Example." });
    assert_eq!(
        create(&customer, "domain", again).await.problem(),
        conflict("domain_name")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_24_of_32_creations_with_one_tag_at_one_moment_one_wins() {
    let (world, customer) = setting().await;
    let before = world.everything().await.len();
    world.meet("records-create", "TransactWriteItems", 32);
    let replies = together(32, |n| {
        let client = customer.client.clone();
        let tag = if n % 2 == 0 { "LT-1" } else { "lt-1" };
        let body = json!({ "kind": "asset", "fields": { "asset_tag": tag, "notes": n.to_string() } });
        async move { client.post("/v1/records", &body).await }
    })
    .await;
    world.stack.clear_fault();
    let won: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.problem(), conflict("asset_tag"));
    }
    let listed = customer.get("/v1/records?kind=asset").await.json();
    assert_eq!(listed["data"], json!([won[0].json()]));
    assert_eq!(
        world.everything().await.len(),
        before + 3,
        "a record, its event and its guard"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_changes_to_one_version_at_one_moment_one_wins() {
    let (world, customer) = setting().await;
    let path = path_of(&create(&customer, "asset", json!({ "asset_tag": "LT-1" })).await);
    world.meet("records-update", "TransactWriteItems", 16);
    let replies = together(16, |n| {
        let (client, path) = (customer.client.clone(), path.clone());
        let body = json!({ "fields": { "serial": format!("S-{n}"), "name": n.to_string() } });
        async move {
            client
                .json(Method::PATCH, &path, &body, &[("if-match", "\"1\"")])
                .await
        }
    })
    .await;
    world.stack.clear_fault();
    let won: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.problem(), (412, "stale".into(), vec![]), "{reply:?}");
    }
    assert_eq!(customer.get(&path).await.json(), won[0].json());
    assert_eq!(
        world.of_type("core", "unique_guard").await.len(),
        2,
        "tag and one serial"
    );
    assert_eq!(world.of_type("core", "event").await.len(), 2);
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
async fn a_merge_patch_replaces_adds_and_removes_and_what_is_required_stays() {
    let (world, customer) = setting().await;
    let path = path_of(&create(&customer, "asset", full("asset")).await);
    let change = json!({
        "name": null, "serial": null, "status": null, "location": "Paris", "purchase_cost": { "amount": 5 }, "model": null,
    });
    let reply = patch(&customer, &path, change, "\"1\"").await;
    let mut expected = full("asset");
    for name in ["name", "serial", "model"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    expected["status"] = json!("ready");
    expected["location"] = json!("Paris");
    expected["purchase_cost"]["amount"] = json!(5);
    assert_eq!(
        (reply.status, &reply.json()["fields"]),
        (200, &expected),
        "{reply:?}"
    );
    let before = world.everything().await;
    for (change, pointer) in [
        (json!({ "asset_tag": null }), "/fields/asset_tag"),
        (json!({ "asset_tag": "" }), "/fields/asset_tag"),
        (
            json!({ "purchase_cost": { "currency": null } }),
            "/fields/purchase_cost/currency",
        ),
        (json!({ "purchase_cost": 7 }), "/fields/purchase_cost"),
        (json!({ "colour": "red" }), "/fields/colour"),
        (json!({ "warranty_months": 1e3 }), "/fields/warranty_months"),
    ] {
        let reply = patch(&customer, &path, change, "\"2\"").await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{reply:?}"
        );
    }
    for nothing in [
        json!({}),
        json!({ "location": "Paris" }),
        json!({ "name": null }),
        json!({ "unknown": null }),
    ] {
        let reply = patch(&customer, &path, nothing, "\"2\"").await;
        assert_eq!(
            (reply.status, reply.header("etag")),
            (200, Some("\"2\"")),
            "{reply:?}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "patches that change nothing");
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
async fn furnished(customer: &Customer) -> String {
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

/// The types of what is left of the records of a world.
async fn left(world: &World) -> Vec<String> {
    let core = world.items("core").await;
    let types = core.iter().map(|item| item["t"].as_str().unwrap().to_owned());
    types
        .filter(|of| matches!(of.as_str(), "record" | "event" | "unique_guard" | "attachment"))
        .collect()
}

#[tokio::test]
async fn a_deletion_takes_the_values_of_the_timeline_and_the_bytes_of_the_files_with_it() {
    let (world, customer) = setting().await;
    let path = furnished(&customer).await;
    assert_eq!((left(&world).await.len(), world.object_versions().await), (7, 1));
    assert_eq!(delete(&customer, &path, "\"2\"").await.status, 204);
    assert_eq!(
        (left(&world).await, world.object_versions().await),
        (vec!["event".to_owned()], 0)
    );
    let events = world.of_type("core", "event").await;
    assert_eq!(
        (events.len(), &events[0]["action"]),
        (1, &json!("deleted")),
        "that it was deleted stays on record"
    );
    let again = path_of(
        &create(
            &customer,
            "asset",
            json!({ "asset_tag": "LT-1", "serial": "S-1" }),
        )
        .await,
    );
    for (list, expected) in [("events", 1), ("attachments", 0)] {
        let listed = customer.get(&format!("{again}/{list}")).await.json();
        assert_eq!(
            listed["data"].as_array().unwrap().len(),
            expected,
            "k-26: nothing of the old one reappears"
        );
    }
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_at_any_call_is_finished_by_repeating_it() {
    let (world, customer) = setting().await;
    // The first one warms the container: the second one asks for no key.
    for _ in 0..2 {
        let path = furnished(&customer).await;
        world.stack.clear_calls();
        assert_eq!(delete(&customer, &path, "\"2\"").await.status, 204);
    }
    let operations = world.operations("records-delete");
    assert!(operations.len() >= 6, "{operations:?}");
    for n in 0..operations.len() {
        let path = furnished(&customer).await;
        let operation: &'static str = operations[n].clone().leak();
        let passed = operations[..n]
            .iter()
            .filter(|earlier| **earlier == operation)
            .count();
        world
            .killed_at(
                "records-delete",
                operation,
                passed,
                delete(&customer, &path, "\"2\""),
            )
            .await;
        let decided = operations[..n]
            .iter()
            .any(|earlier| earlier == "TransactWriteItems");
        let read = customer.get(&path).await;
        assert_eq!(
            read.status,
            if decided { 404 } else { 200 },
            "killed at {n}, {operation}"
        );
        let listed = customer.get("/v1/records?kind=asset").await.json()["data"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(listed, usize::from(!decided));
        let again = delete(&customer, &path, "\"2\"").await;
        assert_eq!(again.status, 204, "killed at {n}, {operation}: {again:?}");
        assert!(
            left(&world).await.iter().all(|of| of == "event"),
            "killed at {n}, {operation}"
        );
        assert_eq!(world.object_versions().await, 0);
        let events = world.of_type("core", "event").await;
        assert!(
            events.iter().all(|event| event["action"] == "deleted"),
            "killed at {n}, {operation}"
        );
    }
}

#[tokio::test]
async fn k_12_deletes_that_the_table_leaves_over_are_done_again_or_the_answer_is_503() {
    let (world, customer) = setting().await;
    let rest = |item: &Value| json!({ "DeleteRequest": { "Key": { "pk": { "S": item["pk"] }, "sk": { "S": item["sk"] } } } });
    for times in [1, 2, crate::support::ALWAYS] {
        let path = path_of(&create(&customer, "licence", json!({ "name": "Editor" })).await);
        let events = world.of_type("core", "event").await;
        let events: Vec<_> = events
            .iter()
            .filter(|event| event["action"] == "created")
            .map(rest)
            .collect();
        let body = json!({ "UnprocessedItems": { "trackwell-core": events } }).to_string();
        let _failed = world.fail("records-delete", "BatchWriteItem", times, move || {
            crate::support::answer(200, "application/x-amz-json-1.0", body.clone())
        });
        let reply = delete(&customer, &path, "\"1\"").await;
        world.stack.clear_fault();
        if times == crate::support::ALWAYS {
            assert_eq!(reply.problem(), (503, "unavailable".into(), vec![]), "{reply:?}");
            assert_eq!(customer.get(&path).await.status, 404);
            assert_eq!(
                delete(&customer, &path, "\"1\"").await.status,
                204,
                "repeating it finishes it"
            );
        } else {
            assert_eq!(reply.status, 204, "{times}: {reply:?}");
        }
        assert!(left(&world).await.iter().all(|of| of == "event"));
        assert!(
            world
                .of_type("core", "event")
                .await
                .iter()
                .all(|event| event["action"] == "deleted"),
            "{times}"
        );
    }
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
