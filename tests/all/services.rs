//! Service accounts and API keys: what a key opens, for how long, and who hears of it.

use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::colleagues::{ROLE, define_role, join, kinds, organisation_of, remove_membership};
use crate::harness::{Client, Customer, World};
use crate::http::api_key;
use crate::support::together;

pub async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

/// A client with a new key of these scopes, with the paths of its service account's keys and of itself.
pub async fn keyed(world: &World, customer: &Customer, scopes: &Value) -> (Client, String, String) {
    let (service, key) = api_key(customer, scopes).await;
    let keys = format!("/v1/service-accounts/{service}/keys");
    let path = format!("{keys}/{}", key["id"].as_str().unwrap());
    (world.with_token(key["key"].as_str().unwrap()), keys, path)
}

pub fn new_key(expires_at: &str) -> Value {
    json!({ "name": "key", "scopes": { "actions": ["records.read"] }, "expires_at": expires_at })
}

#[tokio::test]
async fn a_service_account_is_created_renamed_listed_and_deleted_with_its_keys() {
    let (world, customer) = setting().await;
    let (client, keys, _) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    let path = keys.trim_end_matches("/keys").to_owned();
    let name = json!({ "name": "Exporter" });
    let rename = async |headers: &[(&str, &str)]| customer.json(Method::PATCH, &path, &name, headers).await;
    assert_eq!(rename(&[]).await.problem().0, 428);
    assert_eq!(rename(&[("if-match", "\"2\"")]).await.problem().0, 412);
    let renamed = rename(&[("if-match", "\"1\"")]).await;
    assert_eq!((renamed.status, renamed.header("etag")), (200, Some("\"2\"")));
    assert_eq!(
        (&renamed.json()["name"], &renamed.json()["keys"]),
        (&json!("Exporter"), &json!(1)),
        "its keys are still counted"
    );
    let list = customer.get("/v1/service-accounts").await.json();
    assert_eq!(list, json!({ "data": [renamed.json()] }));
    assert_eq!(client.get("/v1/records?kind=asset").await.status, 200);
    assert_eq!(customer.delete(&path, &[]).await.status, 204);
    assert_eq!(client.get("/v1/records?kind=asset").await.problem().0, 401);
    assert_eq!(customer.delete(&path, &[]).await.problem().0, 404);
    assert_eq!(customer.get(&keys).await.problem().0, 404);
    for table in ["core", "control", "ephemeral"] {
        for item in world.items(table).await {
            let name = item["t"].as_str().unwrap();
            assert!(
                !matches!(name, "service_account" | "api_key" | "key_use" | "key_due"),
                "{item}"
            );
        }
    }
    let log = customer.get("/v1/organisation/activity").await.json();
    let mut kinds = kinds(&log);
    kinds.sort_unstable();
    let expected = [
        "api_key_created",
        "service_account_created",
        "service_account_deleted",
        "service_account_updated",
        "signed_in",
    ];
    assert_eq!(kinds, expected, "one entry each");
}

#[tokio::test]
async fn only_owners_and_admins_manage_keys_and_only_after_a_fresh_proof() {
    let (world, ada) = setting().await;
    let org = organisation_of(&ada).await;
    let (_, keys, path) = keyed(&world, &ada, &json!({ "actions": ["records.read"] })).await;
    define_role(
        &world,
        &org,
        &["api-keys.read", "records.read", "api-keys.manage"],
    )
    .await;
    let mut bob = world.customer("Bob").await;
    for (role, read, manage) in [
        ("viewer", 403, 403),
        ("member", 403, 403),
        (ROLE, 200, 403),
        ("admin", 200, 201),
    ] {
        join(&world, &mut bob, &org, role).await;
        assert_eq!(bob.get("/v1/service-accounts").await.status, read, "{role}");
        assert_eq!(bob.get(&keys).await.status, read, "{role}");
        let reply = bob.post(&keys, &new_key("2027-01-01T00:00:00Z")).await;
        assert_eq!(reply.status, manage, "{role}");
        if manage == 403 {
            assert_eq!(bob.delete(&path, &[]).await.problem().0, 403, "{role}");
        }
    }
    world.advance(301);
    let late = ada.post(&keys, &new_key("2027-01-01T00:00:00Z")).await;
    assert_eq!(
        (late.status, late.problem().1.as_str()),
        (403, "step-up-required")
    );
    assert_eq!(ada.get(&keys).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_when_sixteen_ask_at_one_moment() {
    let (world, customer) = setting().await;
    let (_, keys, _) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    world.meet("keys-create", "TransactWriteItems", 16);
    let replies = together(16, |_| {
        let (client, keys) = (customer.client.clone(), keys.clone());
        async move { client.post(&keys, &new_key("2027-01-01T00:00:00Z")).await.status }
    })
    .await;
    world.stack.clear_fault();
    let created = replies.iter().filter(|status| **status == 201).count();
    let others: Vec<_> = replies
        .iter()
        .filter(|status| !matches!(status, 201 | 409 | 503))
        .collect();
    assert!(others.is_empty() && created <= 9, "{replies:?}");
    for _ in created..9 {
        let reply = customer.post(&keys, &new_key("2027-01-01T00:00:00Z")).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    let full = customer.post(&keys, &new_key("2027-01-01T00:00:00Z")).await;
    assert_eq!(full.problem().0, 409);
    assert_eq!(
        customer.get(&keys).await.json()["data"].as_array().map(Vec::len),
        Some(10)
    );

    for n in 1..49 {
        let body = json!({ "name": format!("Account {n}") });
        assert_eq!(
            customer.post("/v1/service-accounts", &body).await.status,
            201,
            "{n}"
        );
    }
    world.meet("services-create", "TransactWriteItems", 16);
    let replies = together(16, |n| {
        let client = customer.client.clone();
        let body = json!({ "name": format!("Late {n}") });
        async move { client.post("/v1/service-accounts", &body).await.status }
    })
    .await;
    world.stack.clear_fault();
    let created = replies.iter().filter(|status| **status == 201).count();
    assert!(created <= 1, "{replies:?}");
    let list = customer.get("/v1/service-accounts").await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(49 + created));
}

#[tokio::test]
async fn a_key_that_is_created_while_its_account_is_deleted_does_not_outlive_it() {
    let (world, customer) = setting().await;
    let (_, keys, _) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    let path = keys.trim_end_matches("/keys").to_owned();
    let (reached, go_on) = world.pause_at("services-delete", "TransactWriteItems");
    let deleting = {
        let (client, path) = (customer.client.clone(), path.clone());
        tokio::spawn(async move { client.delete(&path, &[]).await.status })
    };
    reached.notified().await;
    let late = customer.post(&keys, &new_key("2027-01-01T00:00:00Z")).await;
    assert_eq!(late.status, 201);
    go_on.notify_one();
    assert_eq!(deleting.await.unwrap(), 204);
    let late = world.with_token(&late.text("key"));
    assert_eq!(late.get("/v1/records?kind=asset").await.problem().0, 401);
    assert!(world.of_type("core", "api_key").await.is_empty());
}

fn warnings(world: &World, email: &str) -> usize {
    let subjects = world.subjects(email);
    subjects
        .iter()
        .filter(|subject| *subject == "An API key ends soon")
        .count()
}

#[tokio::test]
async fn the_creator_is_warned_once_14_days_before_a_key_ends() {
    let (world, customer) = setting().await;
    let (_, keys, _) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    // This one is told its end when it is created; the first ends at noon of 3 March.
    customer.post(&keys, &new_key("2026-12-07T12:00:00Z")).await;
    let nothing = json!({ "warned": 0, "overdue": 0, "stale": 0, "failed": 0, "unfinished": false });
    assert_eq!(world.of_type("control", "key_due").await.len(), 1);
    world.clock.set("2027-02-17T11:59:59Z".parse().unwrap());
    assert_eq!(world.task("keys-warn").await, nothing);
    world.advance(1);
    assert_eq!(world.task("keys-warn").await["warned"], json!(1));
    assert_eq!(world.task("keys-warn").await, nothing, "once");
    world.task("mail-retry").await;
    assert_eq!(warnings(&world, &customer.email), 1);
    let mail = world.stack.mails().messages().pop().unwrap();
    let text = mail.text.clone().unwrap();
    assert!(
        text.contains("twk_") && text.contains("2027-03-03T12:00:00Z"),
        "{text}"
    );
    assert!(world.of_type("control", "key_due").await.is_empty());
    world.clock.set("2027-04-01T00:00:00Z".parse().unwrap());
    assert_eq!(world.task("keys-warn").await, nothing);
}

#[tokio::test]
async fn when_the_creator_has_left_the_owners_are_warned() {
    let (world, ada) = setting().await;
    let org = organisation_of(&ada).await;
    let mut bob = world.customer("Bob").await;
    join(&world, &mut bob, &org, "admin").await;
    keyed(&world, &bob, &json!({ "actions": ["records.read"] })).await;
    let bob_id = bob.get("/v1/me").await.text("id");
    remove_membership(&world, &org, &bob_id).await;
    world.clock.set("2027-02-18T00:00:00Z".parse().unwrap());
    assert_eq!(world.task("keys-warn").await["warned"], json!(1));
    world.task("mail-retry").await;
    assert_eq!(
        (warnings(&world, &ada.email), warnings(&world, &bob.email)),
        (1, 0)
    );
}

#[tokio::test]
async fn warnings_go_on_after_a_deadline_catch_up_and_drop_what_means_nothing_any_more() {
    let (world, customer) = setting().await;
    let (_, keys, path) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    for n in 0..4 {
        let body = new_key(&format!("2027-03-0{}T12:00:00Z", n + 1));
        assert_eq!(customer.post(&keys, &body).await.status, 201);
    }
    assert_eq!(customer.delete(&path, &[]).await.status, 204);
    assert_eq!(
        world.of_type("control", "key_due").await.len(),
        4,
        "a revoked key has no row"
    );
    world.clock.set("2027-02-20T00:00:00Z".parse().unwrap());
    let none = jiff::SignedDuration::ZERO;
    let report = world.stack.run_task("keys-warn", json!({}), none).await.unwrap();
    assert_eq!(
        (&report["warned"], &report["unfinished"]),
        (&json!(0), &json!(true))
    );
    // Two runs at one moment announce each once.
    let (one, two) = tokio::join!(world.task("keys-warn"), world.task("keys-warn"));
    let sum = |name: &str| one[name].as_u64().unwrap() + two[name].as_u64().unwrap();
    assert_eq!((sum("warned"), sum("failed")), (4, 0), "{one} {two}");
    assert_eq!(sum("overdue"), 3, "those of 15, 16 and 17 February: {one} {two}");
    world.task("mail-retry").await;
    assert_eq!(warnings(&world, &customer.email), 4);

    // The schedule did not run until a key had ended, and an organisation went with its keys.
    let (world, mut customer) = setting().await;
    let bob = world.customer("Bob").await;
    api_key(&customer, &json!({ "actions": ["records.read"] })).await;
    api_key(&bob, &json!({ "actions": ["records.read"] })).await;
    assert_eq!(bob.delete("/v1/organisation", &[]).await.status, 202);
    world.settle().await;
    world.clock.set("2027-03-03T12:00:00Z".parse().unwrap());
    let report = world.task("keys-warn").await;
    assert_eq!(
        (&report["warned"], &report["stale"]),
        (&json!(0), &json!(2)),
        "{report}"
    );
    assert!(world.of_type("control", "key_due").await.is_empty());
    customer.sign_in().await;
    let list = customer.get("/v1/service-accounts").await.json();
    assert_eq!(
        list["data"][0]["keys"],
        json!(1),
        "it is there until it is revoked"
    );
}
