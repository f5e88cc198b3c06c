//! The sessions that somebody has open: seen and ended by themselves, or by an administrator.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::browsers::Browser;
use crate::colleagues::{define_role, join, kinds, organisation_of, put_membership, remove_membership};
use crate::harness::{Customer, PASSWORD, World};
use crate::support::{assert_unchanged, number, together};

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

async fn list(customer: &Customer) -> Vec<Value> {
    let reply = customer.get("/v1/me/sessions").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].as_array().unwrap().clone()
}

async fn works(world: &World, token: &str) -> bool {
    let reply = world.with_token(token).get("/v1/me").await;
    assert!(matches!(reply.status, 200 | 401), "{reply:?}");
    reply.status == 200
}

#[tokio::test]
async fn a_person_sees_their_sessions_with_device_form_and_last_use() {
    let (world, mut customer) = setting().await;
    world.advance(100);
    let begun = world.now();
    let body = json!({ "email": customer.email, "password": PASSWORD, "session": "cookie" });
    let agent = [("user-agent", "Firefox\u{9}140 <b>")];
    let reply = world.anonymous().post_with("/v1/auth/login", &body, &agent).await;
    let cookie = reply
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    world.advance(61);
    let headers = [("cookie", cookie.as_str())];
    let reply = world
        .anonymous()
        .send(Method::GET, "/v1/me/sessions", &headers, Bytes::new())
        .await;
    let data = reply.json()["data"].clone();
    assert_eq!((reply.status, data.as_array().map(Vec::len)), (200, Some(2)));
    let mut names: Vec<_> = data[0].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "address",
        "created_at",
        "current",
        "expires_at",
        "form",
        "id",
        "level",
        "method",
        "organisation",
        "used_at",
        "user_agent",
    ];
    assert_eq!(names, expected, "nothing secret");
    let newest = &data[0];
    assert_eq!(
        (
            &newest["current"],
            &newest["form"],
            &newest["method"],
            &newest["level"],
            &newest["user_agent"]
        ),
        (
            &json!(true),
            &json!("cookie"),
            &json!("password"),
            &json!("aal1"),
            &json!("Firefox140 <b>")
        )
    );
    assert_eq!(newest["created_at"], json!(begun.to_string()));
    assert_eq!(newest["used_at"], json!(world.now().to_string()));
    assert_eq!(
        (&data[1]["current"], &data[1]["form"]),
        (&json!(false), &json!("bearer"))
    );
    customer.sign_in().await;
    let sessions = list(&customer).await;
    assert_eq!(sessions.len(), 3);
    assert_eq!(
        (&sessions[0]["current"], &sessions[1]["current"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn c_16_a_person_ends_one_session_and_nobody_elses() {
    let (world, mut customer) = setting().await;
    let bob = world.customer("Bob").await;
    let first = customer.token.clone().unwrap();
    let first_id = list(&customer).await[0]["id"].as_str().unwrap().to_owned();
    customer.sign_in().await;
    let foreign = list(&bob).await[0]["id"].as_str().unwrap().to_owned();
    let before = world.everything().await;
    let absent = customer
        .delete("/v1/me/sessions/session_00000000000000000000000001", &[])
        .await;
    assert_eq!(absent.problem(), (404, "not-found".into(), vec![]));
    for id in [foreign.as_str(), "x", "CODE%23EMAIL", "session_", "%23"] {
        let reply = customer.delete(&format!("/v1/me/sessions/{id}"), &[]).await;
        assert_eq!(reply.anonymised(), absent.anonymised(), "{id}");
    }
    assert_unchanged(&before, &world.everything().await, "sessions of others");
    let path = format!("/v1/me/sessions/{first_id}");
    world.advance(1);
    let reply = customer.delete(&path, &[]).await;
    assert_eq!((reply.status, reply.header("clear-site-data")), (204, None));
    assert!(!works(&world, &first).await);
    assert!(works(&world, customer.token.as_deref().unwrap()).await);
    assert!(works(&world, bob.token.as_deref().unwrap()).await);
    assert_eq!(
        customer.delete(&path, &[]).await.anonymised(),
        absent.anonymised()
    );
    let log = customer.get("/v1/me/activity").await.json();
    assert_eq!(kinds(&log)[0], "session_ended");
    assert_eq!(log["data"][0]["object"], json!(first_id));
    let own = list(&customer).await[0]["id"].as_str().unwrap().to_owned();
    let reply = customer.delete(&format!("/v1/me/sessions/{own}"), &[]).await;
    assert_eq!(
        (reply.status, reply.header("clear-site-data").is_some()),
        (204, true)
    );
    assert!(!works(&world, customer.token.as_deref().unwrap()).await);
}

#[tokio::test]
async fn c_08_e_13_all_but_the_current_session_end_within_one_request() {
    let (world, mut customer) = setting().await;
    let bob = world.customer("Bob").await;
    let browser = Browser::new(&world, &customer.email).await;
    let (first, first_refresh) = (customer.token.clone().unwrap(), customer.refresh_token.clone());
    customer.sign_in().await;
    // Containers are warm, and have seen all of them.
    assert!(works(&world, &first).await && browser.get("/v1/me").await.status == 200);
    world.advance(1);
    let reply = customer.delete("/v1/me/sessions", &[]).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "ended": 2 })));
    assert!(!works(&world, &first).await);
    assert_eq!(browser.get("/v1/me").await.problem().0, 401);
    let refresh = json!({ "refresh_token": first_refresh });
    let reply = world.anonymous().post("/v1/auth/refresh", &refresh).await;
    assert_eq!(reply.problem().0, 401);
    assert_eq!(list(&customer).await.len(), 1);
    assert!(works(&world, bob.token.as_deref().unwrap()).await);
    assert_eq!(
        kinds(&customer.get("/v1/me/activity").await.json())[0],
        "sessions_ended"
    );
    let before = world.everything().await;
    let reply = customer.delete("/v1/me/sessions", &[]).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "ended": 0 })));
    assert_unchanged(&before, &world.everything().await, "nothing to end");
}

#[tokio::test]
async fn sessions_that_are_over_are_not_listed_and_do_not_keep_others_from_ending() {
    let (world, mut customer) = setting().await;
    // More rows than one transaction could delete, of sessions that are over.
    for _ in 0..3 {
        for _ in 0..40 {
            Browser::new(&world, &customer.email).await;
        }
        world.advance(13 * 3_600);
    }
    customer.sign_in().await;
    let other = Browser::new(&world, &customer.email).await;
    assert_eq!(world.of_type("ephemeral", "session").await.len(), 123);
    assert_eq!(list(&customer).await.len(), 3, "two, and the first one");
    let reply = customer.delete("/v1/me/sessions", &[]).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "ended": 2 })));
    assert_eq!(other.get("/v1/me").await.problem().0, 401);
}

#[tokio::test]
async fn c_17_the_51st_session_ends_the_oldest_and_never_itself() {
    let (world, mut customer) = setting().await;
    let first = customer.token.clone().unwrap();
    for n in 1..50 {
        if n == 1 {
            world.advance(1);
        }
        customer.sign_in().await;
    }
    assert_eq!(list(&customer).await.len(), 50);
    assert!(works(&world, &first).await);
    // All but the first were begun at one instant, and so are those that follow.
    for _ in 0..3 {
        customer.sign_in().await;
        assert!(
            works(&world, customer.token.as_deref().unwrap()).await,
            "the new one lives"
        );
        assert_eq!(list(&customer).await.len(), 50);
        assert!(!works(&world, &first).await, "the oldest does not");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_ends_of_one_session_at_one_moment_are_one() {
    let (world, mut customer) = setting().await;
    let id = list(&customer).await[0]["id"].as_str().unwrap().to_owned();
    customer.sign_in().await;
    world.meet("sessions-delete", "TransactWriteItems", 16);
    let replies = together(16, |_| {
        let (client, path) = (customer.client.clone(), format!("/v1/me/sessions/{id}"));
        async move { client.delete(&path, &[]).await.status }
    })
    .await;
    world.stack.clear_fault();
    let ended = replies.iter().filter(|status| **status == 204).count();
    let gone = replies.iter().filter(|status| **status == 404).count();
    assert_eq!((ended, gone), (1, 15), "{replies:?}");
    let log = customer.get("/v1/me/activity").await.json();
    let entries = kinds(&log).into_iter().filter(|kind| *kind == "session_ended");
    assert_eq!(entries.count(), 1);
}

#[tokio::test]
async fn c_32_an_administrator_ends_a_members_sessions_in_this_organisation_only() {
    let (world, ada) = setting().await;
    let org = organisation_of(&ada).await;
    let (mut bob, mut eve) = (world.customer("Bob").await, world.customer("Eve").await);
    let elsewhere = bob.token.clone().unwrap();
    join(&world, &mut bob, &org, "member").await;
    join(&world, &mut eve, &org, "admin").await;
    let mallory = world.customer("Mallory").await;
    let id = async |customer: &Customer| customer.get("/v1/me").await.text("id");
    let (ada_id, bob_id) = (id(&ada).await, id(&bob).await);
    let path = |user: &str| format!("/v1/members/{user}/sessions");

    let before = world.everything().await;
    let absent = mallory
        .delete(&path("user_00000000000000000000000001"), &[])
        .await;
    assert_eq!(absent.problem(), (404, "not-found".into(), vec![]));
    let foreign = mallory.delete(&path(&bob_id), &[]).await;
    assert_eq!(foreign.anonymised(), absent.anonymised());
    let member = bob.delete(&path(&ada_id), &[]).await;
    assert_eq!(member.problem().0, 403);
    let owner = eve.delete(&path(&ada_id), &[]).await;
    assert_eq!(owner.problem().0, 403, "an admin does not end an owner's");
    assert_unchanged(&before, &world.everything().await, "refused ends");

    let reply = eve.delete(&path(&bob_id), &[]).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "ended": 1 })));
    assert!(!works(&world, bob.token.as_deref().unwrap()).await);
    assert!(
        works(&world, &elsewhere).await,
        "another organisation's is not hers to end"
    );
    assert_eq!(
        world.subjects(&bob.email).last().map(String::as_str),
        Some("An administrator signed you out")
    );
    let log = ada
        .get("/v1/organisation/activity?kind=sessions_ended")
        .await
        .json();
    assert_eq!(
        (&log["data"][0]["object"], &log["data"][0]["actor"]),
        (&json!(bob_id), &json!(id(&eve).await))
    );
    bob.sign_in().await;
    let own = bob.get("/v1/me/activity").await.json();
    let mut entries = own["data"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["kind"] == "sessions_ended").unwrap();
    assert_eq!(entry["actor"], json!(id(&eve).await));
    assert!(entry.get("address").is_none(), "not from where: {entry}");
    let reply = ada.delete(&path(&bob_id), &[]).await;
    assert_eq!(reply.json(), json!({ "ended": 1 }), "an owner may, too");
    let reply = ada.delete(&path(&bob_id), &[]).await;
    assert_eq!(reply.json(), json!({ "ended": 0 }));
    world.advance(301);
    let late = ada.delete(&path(&bob_id), &[]).await;
    assert_eq!(late.problem().1, "step-up-required");
}

#[tokio::test]
async fn c_09_c_11_who_is_suspended_or_removed_reaches_nothing_of_the_organisation_from_the_next_request_on()
{
    let (world, ada) = setting().await;
    let org = organisation_of(&ada).await;
    let mut bob = world.customer("Bob").await;
    join(&world, &mut bob, &org, "admin").await;
    let browser = Browser::new(&world, &bob.email).await;
    let bob_id = bob.get("/v1/me").await.text("id");
    let paths = [
        "/v1/records?kind=asset",
        "/v1/organisation",
        "/v1/organisation/activity",
    ];
    for path in paths {
        assert_eq!(
            (bob.get(path).await.status, browser.get(path).await.status),
            (200, 200)
        );
    }
    put_membership(&world, &org, &bob_id, "admin", true).await;
    for path in paths {
        assert_eq!(bob.get(path).await.problem().0, 403, "{path}");
        assert_eq!(browser.get(path).await.problem().0, 403, "{path}");
    }
    assert_eq!(
        bob.get("/v1/me/sessions").await.status,
        200,
        "the own account is there"
    );
    remove_membership(&world, &org, &bob_id).await;
    for path in paths {
        assert_eq!(bob.get(path).await.problem().0, 404, "{path}");
        assert_eq!(browser.get(path).await.problem().0, 404, "{path}");
    }
    let refresh = json!({ "refresh_token": bob.refresh_token });
    let tokens = world.anonymous().post("/v1/auth/refresh", &refresh).await;
    let fresh = world.with_token(&tokens.text("access_token"));
    assert_eq!(fresh.get(paths[0]).await.problem().0, 404, "nor by new tokens");
    define_role(&world, &org, &["records.read"]).await;
    put_membership(&world, &org, &bob_id, crate::colleagues::ROLE, false).await;
    assert_eq!(bob.get(paths[0]).await.status, 200);
    assert_eq!(bob.get(paths[2]).await.problem().0, 403);
}

#[tokio::test]
async fn c_12_tokens_that_rest_for_fourteen_days_are_dead_to_the_second() {
    for (seconds, status) in [(14 * 24 * 3_600 - 1, 200), (14 * 24 * 3_600 + 1, 401)] {
        let (world, customer) = setting().await;
        world.advance(seconds);
        let refresh = json!({ "refresh_token": customer.refresh_token });
        let reply = world.anonymous().post("/v1/auth/refresh", &refresh).await;
        assert_eq!(reply.status, status, "{seconds}");
        let rotations = world.of_type("ephemeral", "session").await;
        assert_eq!(number(&rotations[0]["rotation"]), u64::from(status == 200));
    }
}
