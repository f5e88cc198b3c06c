//! API keys: what one opens, for how long, and what it does not.

use functions::registry::{Access, ROUTES};
use http::Method;
use serde_json::{Value, json};
use shared::auth::Action;

use crate::http::{Site, api_key, content_type, sample};
use crate::services::{keyed, new_key, setting};
use crate::support::assert_unchanged;

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
