//! Unique values and versions, one after the other and all at one moment.

use http::Method;
use serde_json::json;

use crate::records::{conflict, create, delete, patch, path_of, setting};
use crate::support::together;

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
