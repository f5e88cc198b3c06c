//! People in several organisations: switching, signing in, leaving, deleting; and what a cancellation does to members.

use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Customer, World};
use crate::members::{id_of, remove};

async fn setting(profile: Profile) -> (World, Customer) {
    let world = World::new(profile).await;
    let owner = world.customer("Ada").await;
    (world, owner)
}

/// The id of the organisation of a session.
async fn org_of(customer: &Customer) -> String {
    let reply = customer.get("/v1/organisation").await;
    reply.json()["id"].as_str().unwrap().to_owned()
}

/// The units of users that are anchored.
async fn anchored(world: &World) -> Vec<String> {
    let units = world.of_type("control", "unit").await;
    let units = units.iter().filter(|unit| !unit["erase_at"].is_null());
    let mut users: Vec<_> = units
        .map(|unit| unit["unit"].as_str().unwrap().to_owned())
        .filter(|unit| unit.starts_with("user_"))
        .collect();
    users.sort();
    users
}

#[tokio::test]
async fn g_26_a_session_is_for_one_organisation_and_switching_replaces_it() {
    let (world, ada) = setting(Profile::Trackado).await;
    let bert = world.customer("Bert").await;
    let theirs = ada.asset(json!({ "asset_tag": "A-1" })).await;
    let own = bert.asset(json!({ "asset_tag": "B-1" })).await;
    world.joins(&ada, &bert, "viewer").await;
    let (home, away) = (org_of(&bert).await, org_of(&ada).await);
    let path = format!("/v1/records/{theirs}");
    assert_eq!(bert.get(&path).await.problem(), (404, "not-found".into(), vec![]));
    let to = |org: &str| format!("/v1/me/organisations/{org}/switch");
    let reply = bert.post(&to(&away), &Value::Null).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let json = reply.json();
    let there = world.with_token(json["access_token"].as_str().unwrap());
    assert_eq!(bert.get("/v1/me").await.status, 401, "the old session is dead");
    let old = json!({ "refresh_token": bert.refresh_token });
    assert_eq!(world.anonymous().post("/v1/auth/refresh", &old).await.status, 401);
    assert_eq!(there.get(&path).await.status, 200);
    let reply = there.get(&format!("/v1/records/{own}")).await;
    assert_eq!(reply.problem(), (404, "not-found".into(), vec![]));
    assert_eq!(
        there.delete(&path, &[("if-match", "*")]).await.status,
        403,
        "a viewer there"
    );
    let body = json!({ "refresh_token": json["refresh_token"] });
    let reply = world.anonymous().post("/v1/auth/refresh", &body).await;
    let there = world.with_token(reply.json()["access_token"].as_str().unwrap());
    assert_eq!(there.get(&path).await.status, 200, "a refresh stays there");
    let eve = world.customer("Eve").await;
    for org in [
        org_of(&eve).await,
        "org_00000000000000000000000001".into(),
        "x".into(),
    ] {
        let reply = there.post(&to(&org), &Value::Null).await;
        assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{org}");
    }
    let reply = there.post(&to(&home), &Value::Null).await;
    let back = world.with_token(reply.json()["access_token"].as_str().unwrap());
    assert_eq!(back.get(&format!("/v1/records/{own}")).await.status, 200);
}

#[tokio::test]
async fn g_26_a_browser_switches_with_its_cookie_and_gets_another() {
    let (world, ada) = setting(Profile::Trackado).await;
    let bert = world.customer("Bert").await;
    world.joins(&ada, &bert, "viewer").await;
    let body = json!({ "email": bert.email, "password": crate::harness::PASSWORD, "session": "cookie" });
    let reply = world.anonymous().post("/v1/auth/login", &body).await;
    let cookie = |reply: &crate::harness::Reply| {
        let header = reply.header("set-cookie").unwrap();
        header.split(';').next().unwrap().to_owned()
    };
    let first = cookie(&reply);
    let path = format!("/v1/me/organisations/{}/switch", org_of(&ada).await);
    let ask = |path: String, cookie: String, site: &'static str| {
        let client = world.anonymous();
        async move {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", site)];
            client.post_with(&path, &Value::Null, &headers).await
        }
    };
    let reply = ask(path.clone(), first.clone(), "cross-site").await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]));
    let reply = ask(path.clone(), first.clone(), "same-origin").await;
    assert_eq!(
        (reply.status, &reply.json()["token_type"]),
        (200, &json!("Cookie")),
        "{reply:?}"
    );
    let second = cookie(&reply);
    assert_ne!(first, second);
    assert_eq!(ask(path.clone(), first, "same-origin").await.status, 401);
    assert_eq!(ask(path, second, "same-origin").await.status, 200);
}

#[tokio::test]
async fn whoever_is_no_longer_in_the_first_organisation_signs_in_to_another() {
    let (world, ada) = setting(Profile::Trackado).await;
    let mut bert = world.joined(&ada, "Bert", "member").await;
    let cleo = world.customer("Cleo").await;
    world.joins(&cleo, &bert, "viewer").await;
    let id = id_of(&bert).await;
    world.stack.clear_calls();
    bert.sign_in().await;
    let calls = world.operations("auth-login");
    assert_eq!(
        calls.iter().filter(|call| *call == "Query").count(),
        1,
        "{calls:?}"
    );
    assert_eq!(org_of(&bert).await, org_of(&ada).await);
    assert_eq!(remove(&ada, &id).await.status, 204);
    assert_eq!(bert.get("/v1/me").await.status, 401);
    bert.sign_in().await;
    assert_eq!(org_of(&bert).await, org_of(&cleo).await);
    assert_eq!(remove(&cleo, &id).await.status, 204);
    bert.sign_in().await;
    assert_eq!(
        bert.get("/v1/organisation").await.problem(),
        (404, "not-found".into(), vec![])
    );
    assert_eq!(
        bert.get("/v1/me/organisations").await.json(),
        json!({ "data": [] })
    );
    assert_eq!(
        bert.delete("/v1/me", &[]).await.status,
        202,
        "the account stays theirs"
    );
}

#[tokio::test]
async fn a_person_who_deletes_the_account_leaves_every_organisation_and_all_others_stay() {
    let (world, ada) = setting(Profile::Trackado).await;
    let cleo = world.customer("Cleo").await;
    let bert = world.joined(&ada, "Bert", "owner").await;
    world.joins(&cleo, &bert, "viewer").await;
    let record = bert.asset(json!({ "asset_tag": "B-1" })).await;
    assert_eq!(bert.delete("/v1/me", &[]).await.status, 202);
    assert_eq!(bert.get("/v1/me").await.status, 401);
    assert_eq!(ada.get(&format!("/v1/records/{record}")).await.status, 200);
    assert_eq!(
        world.stored_members().await,
        (vec!["owner".into(), "owner".into()], 2)
    );
    assert_eq!(world.of_type("core", "belonging").await.len(), 2);
    let kinds = world.activity().await;
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "member_left").count(),
        2,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_person_who_is_the_only_owner_somewhere_leaves_nothing() {
    let (world, ada) = setting(Profile::Trackado).await;
    let bert = world.customer("Bert").await;
    world.joins(&ada, &bert, "viewer").await;
    let before = world.stored_members().await;
    let reply = bert.delete("/v1/me", &[]).await;
    assert_eq!(reply.problem(), (409, "conflict".into(), vec![String::new()]));
    assert!(
        reply.json()["detail"].as_str().unwrap().contains("Bert Works"),
        "{reply:?}"
    );
    assert_eq!(world.stored_members().await, before);
    assert_eq!(bert.delete("/v1/organisation", &[]).await.status, 202);
    assert_eq!(bert.delete("/v1/me", &[]).await.status, 202);
    assert_eq!(world.stored_members().await.0.len(), 1);
}

#[tokio::test]
async fn trk_7_content_goes_with_the_one_person_in_an_organisation_and_not_while_others_are_in_it() {
    let (world, ada) = setting(Profile::Trackr).await;
    let bert = world.joined(&ada, "Bert", "admin").await;
    ada.asset(json!({ "asset_tag": "A-1" })).await;
    let reply = ada.delete("/v1/me", &[]).await;
    assert_eq!(
        reply.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "{reply:?}"
    );
    assert_eq!(
        bert.post("/v1/organisation/leave", &Value::Null).await.status,
        204
    );
    let reply = ada.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    world.settle().await;
    assert_eq!(world.of_type("core", "record").await.len(), 0);
    assert_eq!(world.of_type("core", "membership").await.len(), 0);
    assert_eq!(world.of_type("core", "user").await.len(), 1, "Bert stays");
}

#[tokio::test]
async fn a_deletion_of_an_account_that_was_cut_off_at_any_call_is_finished_by_repeating_it() {
    let (world, ada) = setting(Profile::Trackado).await;
    let cleo = world.customer("Cleo").await;
    // The first one warms the container.
    let mut operations = Vec::new();
    for name in ["Bert0", "Bert1"] {
        let bert = world.joined(&ada, name, "owner").await;
        world.joins(&cleo, &bert, "viewer").await;
        world.stack.clear_calls();
        assert_eq!(bert.delete("/v1/me", &[]).await.status, 202);
        operations = world.operations("me-delete");
    }
    let commits = operations.iter().enumerate();
    let mut commits = commits.filter(|(_, call)| *call == "TransactWriteItems");
    // Two organisations are left, then the account is shredded; from there on its session is dead.
    let shred = commits.nth(2).unwrap().0;
    for n in 0..=shred {
        let bert = world.joined(&ada, &format!("Dora{n}"), "owner").await;
        world.joins(&cleo, &bert, "viewer").await;
        let operation: &'static str = operations[n].clone().leak();
        let passed = operations[..n]
            .iter()
            .filter(|earlier| **earlier == operation)
            .count();
        world
            .killed_at("me-delete", operation, passed, bert.delete("/v1/me", &[]))
            .await;
        let reply = bert.delete("/v1/me", &[]).await;
        assert_eq!(reply.status, 202, "killed at {n}, {operation}: {reply:?}");
        let expected = (vec!["owner".to_owned(), "owner".to_owned()], 2);
        assert_eq!(
            world.stored_members().await,
            expected,
            "killed at {n}, {operation}"
        );
    }
}

#[tokio::test]
async fn a_cancellation_reaches_every_member_who_is_in_no_other_organisation_that_lives() {
    let (world, mut ada) = setting(Profile::Trackado).await;
    let bert = world.joined(&ada, "Bert", "viewer").await;
    let cleo = world.customer("Cleo").await;
    world.joins(&ada, &cleo, "admin").await;
    let mut expected = vec![id_of(&ada).await, id_of(&bert).await];
    expected.sort();
    assert_eq!(
        ada.post("/v1/organisation/cancel", &Value::Null).await.status,
        200
    );
    assert_eq!(anchored(&world).await, expected, "not Cleo, who has her own");
    world.advance(60);
    ada.sign_in().await;
    assert_eq!(
        ada.post("/v1/organisation/resume", &Value::Null).await.status,
        200
    );
    assert_eq!(anchored(&world).await, Vec::<String>::new());
    assert_eq!(
        ada.post("/v1/organisation/cancel", &Value::Null).await.status,
        200
    );
    assert_eq!(anchored(&world).await, expected);
    world.joins(&cleo, &bert, "viewer").await;
    assert_eq!(
        anchored(&world).await,
        [id_of(&ada).await],
        "who joins another stays"
    );
}

#[tokio::test]
async fn a_cancellation_that_was_cut_off_is_finished_by_repeating_it_page_by_page() {
    let (world, ada) = setting(Profile::Trackado).await;
    for n in 0..32 {
        world.joined(&ada, &format!("Bert{n}"), "viewer").await;
    }
    let cancel = || ada.post("/v1/organisation/cancel", &Value::Null);
    for passed in [1, 2] {
        world
            .killed_at("organisation-cancel", "TransactWriteItems", passed, cancel())
            .await;
        assert!(anchored(&world).await.len() < 33, "{passed}");
        let reply = cancel().await;
        assert_eq!(
            reply.problem(),
            (409, "conflict".into(), vec!["/subscription".into()])
        );
        assert_eq!(anchored(&world).await.len(), 33);
        world
            .killed_at(
                "organisation-resume",
                "TransactWriteItems",
                passed,
                ada.post("/v1/organisation/resume", &Value::Null),
            )
            .await;
        let reply = ada.get("/v1/organisation").await;
        assert_eq!(reply.json()["subscription"], "cancelled", "members first");
        assert_eq!(
            ada.post("/v1/organisation/resume", &Value::Null).await.status,
            200
        );
        assert_eq!(anchored(&world).await.len(), 0);
    }
}

#[tokio::test]
async fn nobody_joins_or_invites_while_the_subscription_is_cancelled() {
    let (world, ada) = setting(Profile::Trackado).await;
    assert_eq!(
        crate::members::invite(&ada, "bert@customer.example", "viewer")
            .await
            .status,
        201
    );
    assert_eq!(
        ada.post("/v1/organisation/cancel", &Value::Null).await.status,
        200
    );
    let code = world.invitation_code("bert@customer.example");
    let reply = world.accept(&code, "Bert").await;
    assert_eq!(reply.problem(), (409, "conflict".into(), vec![String::new()]));
    let reply = crate::members::invite(&ada, "cleo@customer.example", "viewer").await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]));
}
