//! Service accounts and API keys: what a key opens, for how long, and who hears of it.

use functions::registry::{Access, ROUTES};
use http::Method;
use serde_json::{Value, json};
use shared::auth::Action;
use shared::policy::Profile;

use crate::colleagues::{ROLE, define_role, join, kinds, organisation_of, remove_membership};
use crate::harness::{Client, Customer, World};
use crate::http::{Site, api_key, content_type, sample};
use crate::support::{assert_unchanged, together};

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

/// A client with a new key of these scopes, with the paths of its service account's keys and of itself.
async fn keyed(world: &World, customer: &Customer, scopes: &Value) -> (Client, String, String) {
    let (service, key) = api_key(customer, scopes).await;
    let keys = format!("/v1/service-accounts/{service}/keys");
    let path = format!("{keys}/{}", key["id"].as_str().unwrap());
    (world.with_token(key["key"].as_str().unwrap()), keys, path)
}

fn new_key(expires_at: &str) -> Value {
    json!({ "name": "key", "scopes": { "actions": ["records.read"] }, "expires_at": expires_at })
}

#[tokio::test]
async fn a_key_is_shown_once_and_afterwards_only_what_it_begins_with() {
    let (world, customer) = setting().await;
    let scopes =
        json!({ "actions": ["records.read", "records.write"], "records": "own", "kinds": ["asset"] });
    let (service, created) = api_key(&customer, &scopes).await;
    let key = created["key"].as_str().unwrap();
    assert!(key.starts_with("twk_") && key.len() == 4 + 86, "{key}");
    let list = customer
        .get(&format!("/v1/service-accounts/{service}/keys"))
        .await;
    let mut expected = created.clone();
    expected.as_object_mut().unwrap().remove("key");
    assert_eq!((list.status, list.json()), (200, json!({ "data": [expected] })));
    assert_eq!(created["scopes"], scopes);
    assert!(key.starts_with(created["prefix"].as_str().unwrap()));
    let secret = &key[46..];
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes()),
            "{place}"
        );
    }
    assert_eq!(
        world.subjects(&customer.email).last().map(String::as_str),
        Some("An API key was created")
    );
    for message in world.stack.mails().messages() {
        assert!(!message.text.clone().unwrap_or_default().contains(secret));
    }
    world.advance(90);
    assert_eq!(
        world.with_token(key).get("/v1/records?kind=asset").await.status,
        200
    );
    let used = world.now().to_string();
    world.advance(59);
    assert_eq!(
        world.with_token(key).get("/v1/records?kind=asset").await.status,
        200
    );
    let list = customer
        .get(&format!("/v1/service-accounts/{service}/keys"))
        .await
        .json();
    assert_eq!(list["data"][0]["last_used_at"], json!(used), "to the minute");
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
async fn a_revoked_key_is_refused_from_the_next_request_on_and_its_siblings_are_not() {
    let (world, customer) = setting().await;
    let scopes = json!({ "actions": ["organisation.read"] });
    let (client, keys, path) = keyed(&world, &customer, &scopes).await;
    let body = json!({ "name": "second", "scopes": scopes, "expires_at": "2027-01-01T00:00:00Z" });
    let second = customer.post(&keys, &body).await.text("key");
    let second = world.with_token(&second);
    assert_eq!(client.get("/v1/organisation").await.status, 200);
    assert_eq!(customer.delete(&path, &[]).await.status, 204);
    assert_eq!(
        client.get("/v1/organisation").await.problem(),
        (401, "unauthenticated".into(), vec![])
    );
    assert_eq!(second.get("/v1/organisation").await.status, 200);
    assert_eq!(customer.delete(&path, &[]).await.problem().0, 404);
    let list = customer.get(&keys).await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    let services = customer.get("/v1/service-accounts").await.json();
    assert_eq!(services["data"][0]["keys"], json!(1));
}

#[tokio::test]
async fn a_key_ends_to_the_second() {
    let (world, customer) = setting().await;
    let (_, keys, _) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    let key = customer
        .post(&keys, &new_key("2026-11-23T13:00:00Z"))
        .await
        .text("key");
    let client = world.with_token(&key);
    world.advance(3_599);
    assert_eq!(client.get("/v1/records?kind=asset").await.status, 200);
    world.advance(1);
    assert_eq!(
        client.get("/v1/records?kind=asset").await.problem(),
        (401, "unauthenticated".into(), vec![])
    );
}

#[tokio::test]
async fn wrong_scopes_and_ends_are_named_where_they_stand() {
    let (world, customer) = setting().await;
    let (_, keys, _) = keyed(&world, &customer, &json!({ "actions": ["records.read"] })).await;
    let before = world.everything().await;
    let good = new_key("2027-01-01T00:00:00Z");
    for (change, pointers) in [
        (
            json!({ "scopes": { "actions": ["records.frobnicate"] } }),
            &["/scopes/actions/0"][..],
        ),
        (
            json!({ "scopes": { "actions": ["records.read", "api-keys.manage", "own-account.use"] } }),
            &["/scopes/actions/1", "/scopes/actions/2"],
        ),
        (
            json!({ "scopes": { "actions": ["staff.access.use"] } }),
            &["/scopes/actions/0"],
        ),
        (json!({ "scopes": { "actions": [] } }), &["/scopes/actions"]),
        (
            json!({ "scopes": { "actions": ["records.read"], "kinds": ["car"] } }),
            &["/scopes/kinds/0"],
        ),
        (
            json!({ "scopes": { "actions": ["records.read"], "records": "none" } }),
            &["/scopes/records"],
        ),
        (json!({ "expires_at": "2026-11-23T12:00:00Z" }), &["/expires_at"]),
        (json!({ "expires_at": "2027-11-24T12:00:01Z" }), &["/expires_at"]),
        (json!({ "expires_at": "2027-02-30T00:00:00Z" }), &["/expires_at"]),
        (json!({ "expires_at": null }), &["/expires_at"]),
    ] {
        let mut body = good.clone();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let reply = customer.post(&keys, &body).await;
        let expected = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        assert_eq!(reply.problem(), (422, "invalid".into(), expected), "{change}");
    }
    assert_unchanged(&before, &world.everything().await, "wrong keys");
    let longest = customer.post(&keys, &new_key("2027-11-24T12:00:00Z")).await;
    assert_eq!(longest.status, 201, "366 days: {longest:?}");
}

#[tokio::test]
async fn g_34_a_key_that_may_read_gets_403_on_every_write_and_nothing_of_persons_or_staff() {
    let site = Site::new().await;
    let scopes = json!({ "actions": ["records.read", "organisation.read", "members.read"] });
    let (client, _, _) = keyed(&site.world, &site.customer, &scopes).await;
    // The first use is noted; the clock stands still, so no later one is.
    assert_eq!(client.get("/v1/organisation").await.status, 200);
    let before = site.world.everything().await;
    let may = [Action::ReadRecords, Action::ReadOrganisation, Action::ReadMembers];
    let (mut refused, mut allowed) = (0, 0);
    for route in ROUTES.iter().copied() {
        let body = match route.body {
            functions::gateway::Body::Json(_) | functions::gateway::Body::MergePatch(_) => {
                sample(route).to_string()
            }
            functions::gateway::Body::Csv(_) => "asset_tag\nX\n".to_owned(),
            functions::gateway::Body::None => String::new(),
        };
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let mut headers = vec![("if-match", "\"1\""), ("idempotency-key", "key")];
        if !content_type(route).is_empty() {
            headers.push(("content-type", content_type(route)));
        }
        let path = site.full_path(route);
        let ask = client.send(method, &path, &headers, body.into());
        match route.access {
            Access::Public(_) => {}
            Access::Member { action, .. } if may.contains(&action) => {
                let reply = ask.await;
                assert_eq!(
                    (reply.status, route.method),
                    (200, "GET"),
                    "{}: {reply:?}",
                    route.name
                );
                allowed += 1;
            }
            Access::Member { .. } => {
                let reply = ask.await;
                assert_eq!(
                    reply.problem(),
                    (403, "forbidden".into(), vec![]),
                    "{}",
                    route.name
                );
                refused += 1;
            }
            Access::Staff { .. } => assert_eq!(ask.await.problem().0, 404, "{}", route.name),
        }
    }
    assert!(refused > 25 && allowed >= 7, "{refused} {allowed}");
    assert_unchanged(&before, &site.world.everything().await, "a key that reads");
}

#[tokio::test]
async fn g_02_a_key_of_one_organisation_finds_nothing_of_another() {
    let site = Site::new().await;
    let mallory = site.world.customer("Mallory").await;
    let scopes = json!({ "actions": ["records.read", "records.write", "records.delete"] });
    let (client, _, _) = keyed(&site.world, &mallory, &scopes).await;
    assert_eq!(
        client.get("/v1/records?kind=asset").await.json(),
        json!({ "data": [] })
    );
    let before = site.world.everything().await;
    let absent = client.get("/v1/records/asset_01h00000000000000000000000").await;
    assert_eq!(absent.problem(), (404, "not-found".into(), vec![]));
    let path = format!("/v1/records/{}", site.record);
    for path in [
        path.clone(),
        format!("{path}/events"),
        format!("{path}/attachments"),
        format!("{path}/attachments/{}", site.attachment),
    ] {
        assert_eq!(
            client.get(&path).await.anonymised(),
            absent.anonymised(),
            "{path}"
        );
    }
    let patch = json!({ "fields": { "name": "stolen" } });
    let reply = client
        .json(Method::PATCH, &path, &patch, &[("if-match", "\"1\"")])
        .await;
    assert_eq!(reply.anonymised(), absent.anonymised());
    let reply = client.delete(&path, &[("if-match", "\"1\"")]).await;
    assert_eq!(reply.anonymised(), absent.anonymised());
    assert_unchanged(&before, &site.world.everything().await, "a foreign key");
}

#[tokio::test]
async fn a_key_for_own_records_of_a_kind_creates_and_sees_those_and_the_timeline_names_the_service_account() {
    let (world, customer) = setting().await;
    let foreign = customer.asset(json!({ "asset_tag": "HERS-1" })).await;
    let scopes = json!({
        "actions": ["records.read", "records.write"], "records": "own", "kinds": ["asset"],
    });
    let (client, keys, _) = keyed(&world, &customer, &scopes).await;
    let body = |kind: &str, fields: Value| json!({ "kind": kind, "fields": fields });
    let own = client
        .post("/v1/records", &body("asset", json!({ "asset_tag": "KEY-1" })))
        .await;
    assert_eq!(own.status, 201, "{own:?}");
    let own = own.text("id");
    let licence = client
        .post("/v1/records", &body("licence", json!({ "name": "x" })))
        .await;
    assert_eq!(licence.problem().0, 403);
    assert_eq!(client.get("/v1/records?kind=licence").await.problem().0, 403);
    let list = client.get("/v1/records?kind=asset").await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["data"][0]["id"], json!(own));
    let path = format!("/v1/records/{foreign}");
    assert_eq!(client.get(&path).await.problem().0, 404);
    let patch = json!({ "fields": { "name": "mine" } });
    let headers = [("if-match", "\"1\"")];
    assert_eq!(
        client
            .json(Method::PATCH, &path, &patch, &headers)
            .await
            .problem()
            .0,
        404
    );
    let events = customer.get(&format!("/v1/records/{own}/events")).await.json();
    let service = keys.split('/').nth(3).unwrap();
    assert_eq!(events["data"][0]["actor"], json!(service));
    // Another key of the same account is the same actor.
    let second = json!({ "name": "second", "scopes": scopes, "expires_at": "2027-01-01T00:00:00Z" });
    let second = customer.post(&keys, &second).await.text("key");
    let reply = world.with_token(&second).get(&format!("/v1/records/{own}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn keys_that_are_changed_cut_or_none_are_refused_alike_and_note_no_use() {
    let (world, customer) = setting().await;
    let bob = world.customer("Bob").await;
    let scopes = json!({ "actions": ["organisation.read"] });
    let key = api_key(&customer, &scopes).await.1["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = api_key(&bob, &scopes).await.1["key"].as_str().unwrap().to_owned();
    let before = world.everything().await;
    let mut wrongs = vec![
        "twk_".to_owned(),
        key[4..].to_owned(),
        key.to_uppercase(),
        format!("{key}="),
        format!("{key}A"),
        key[..89].to_owned(),
        format!("{}{}", &key[..46], &other[46..]),
        format!("{}{}", &key[..25], &other[25..]),
        format!("TWK_{}", &key[4..]),
    ];
    for index in [5, 30, 46, 60, 88] {
        let swapped = if key.as_bytes()[index] == b'Q' { "g" } else { "Q" };
        wrongs.push(format!("{}{swapped}{}", &key[..index], &key[index + 1..]));
    }
    for wrong in &wrongs {
        let reply = world.with_token(wrong).get("/v1/organisation").await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".into(), vec![]),
            "{wrong}"
        );
        assert!(!String::from_utf8_lossy(&reply.body).contains(&wrong[4..]) || wrong.len() == 4);
    }
    let reply = world
        .anonymous()
        .get(&format!("/v1/organisation?api_key={key}"))
        .await;
    assert_eq!(reply.problem().0, 401, "C-27: no key in a URL");
    assert_unchanged(&before, &world.everything().await, "wrong keys");
    assert_eq!(world.with_token(&key).get("/v1/organisation").await.status, 200);
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
