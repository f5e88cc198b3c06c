//! Identities at a provider: linked, removed, gone with the account; and what a session is worth that stands on one.

use http::Method;
use serde_json::{Value, json};
use tests::openid::Fault;

use crate::colleagues::kinds;
use crate::harness::Client;
use crate::sign_on::{IDENTITIES, Journey, STEP_UP, Setting, is_refused, session_of};

#[tokio::test]
async fn an_identity_is_one_users_and_signs_in_until_it_is_removed() {
    let setting = Setting::linked().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let grace = world.joined(owner, "Grace", "member").await;
    let taken = setting.come_back(&setting.set_out_to_link(&grace).await).await;
    is_refused(&taken, "it is somebody else's");
    assert_eq!(grace.get(IDENTITIES).await.json()["data"], json!([]));
    for n in 0..10 {
        setting.provider.says("sub", json!(format!("grace-{n}")));
        setting.link(&grace).await;
        assert_eq!(setting.browser().await.user_email().await, grace.email);
        // Linking ends other sessions, and not the one that asks.
        assert_eq!(grace.get("/v1/me").await.status, 200);
    }
    let body = json!({ "connection_id": setting.connection["id"] });
    let more = grace.post(IDENTITIES, &body).await;
    assert_eq!(
        more.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "{more:?}"
    );
    let list = grace.get(IDENTITIES).await.json();
    let mut list = list["data"].as_array().unwrap().iter();
    let newest = &list.find(|one| one["subject"] == "grace-9").unwrap()["id"];
    let path = format!("{IDENTITIES}/{}", newest.as_str().unwrap());
    assert_eq!(owner.delete(&path, &[]).await.problem().0, 404, "it is another's");
    let browser = setting.browser().await;
    assert_eq!(grace.delete(&path, &[]).await.status, 204);
    assert_eq!(browser.get("/v1/me").await.status, 401, "other sessions end");
    is_refused(&setting.sign_in().await, "removed");
    assert_eq!(grace.delete(&path, &[]).await.problem().0, 404);
    assert!(
        world
            .subjects(&grace.email)
            .contains(&"An identity was removed from your sign-in".to_owned())
    );
    let log = grace.get("/v1/me/activity").await.json();
    assert!(kinds(&log).contains(&"identity_linked") && kinds(&log).contains(&"identity_unlinked"));
    setting.link(owner).await;
}

#[tokio::test]
async fn f_18_linking_needs_a_fresh_factor_the_session_that_asked_and_an_own_organisation() {
    let setting = Setting::new().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let stranger = world.customer("Mallory").await;
    let body = json!({ "connection_id": setting.connection["id"] });
    assert_eq!(
        stranger.post(IDENTITIES, &body).await.problem(),
        (404, "not-found".into(), vec![])
    );
    let grace = world.joined(owner, "Grace", "member").await;
    let journey = setting.set_out_to_link(&grace).await;
    let back = setting.provider.visit(&journey.url).unwrap();
    assert_eq!(grace.post("/v1/auth/logout", &Value::Null).await.status, 204);
    is_refused(
        &setting.arrive(&back, &journey.cookie).await,
        "the session is over",
    );
    world.advance(301);
    let stale = owner.post(IDENTITIES, &body).await;
    assert_eq!(stale.problem(), (403, "step-up-required".into(), vec![]));
    assert_eq!(world.of_type("core", "identity").await, Vec::<Value>::new());
}

#[tokio::test]
async fn f_35_a_provider_steps_a_session_up_for_its_organisation_and_not_for_the_persons_own_account() {
    let setting = Setting::linked().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let tokens = owner.post(STEP_UP, &json!({})).await;
    assert_eq!(
        tokens.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "tokens: {tokens:?}"
    );
    let browser = setting.browser().await;
    let sensitive = async |browser: &Client| {
        let role =
            json!({ "name": format!("Role {}", world.now().as_second()), "actions": ["records.read"] });
        browser.post("/v1/roles", &role).await.status
    };
    let own = async |browser: &Client| {
        let reply = browser
            .post("/v1/me/email", &json!({ "email": "mallory@evil.example" }))
            .await;
        reply.problem()
    };
    let refused = (403, "step-up-required".to_owned(), vec![]);
    assert_eq!(sensitive(&browser).await, 201);
    assert_eq!(
        own(&browser).await,
        refused,
        "whoever runs the provider does not get the account"
    );
    assert_eq!(browser.delete("/v1/me", &[]).await.problem(), refused);
    world.advance(301);
    assert_eq!(sensitive(&browser).await, 403);

    let step_up = async || Journey::new(&browser.post(STEP_UP, &json!({ "return_to": "/roles" })).await);
    let now = world.now().as_second();
    for stale in [None, Some(json!(now - 301)), Some(json!(0))] {
        setting.provider.fault(Fault::Claim("auth_time", stale.clone()));
        is_refused(
            &setting.come_back(&step_up().await).await,
            &format!("auth_time {stale:?}"),
        );
    }
    setting
        .provider
        .fault(Fault::Claim("sub", Some(json!("mallory"))));
    is_refused(&setting.come_back(&step_up().await).await, "somebody else");
    setting.provider.fault(Fault::None);
    assert_eq!(sensitive(&browser).await, 403);
    let journey = step_up().await;
    let asked: Vec<_> = journey
        .url
        .query_pairs()
        .filter(|(name, _)| name == "max_age")
        .collect();
    assert_eq!(asked[0].1, "0");
    let reply = setting.come_back(&journey).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/roles")),
        "{reply:?}"
    );
    let raised = world.anonymous().with_cookie(&session_of(&reply).unwrap());
    assert_eq!(sensitive(&raised).await, 201);
    assert_eq!(own(&raised).await, refused);
    assert_eq!(browser.get("/v1/me").await.status, 401, "the old session is dead");
    let password = json!({ "password": crate::harness::PASSWORD });
    let shown = raised.post("/v1/me/step-up", &password).await;
    let raised = world.anonymous().with_cookie(&session_of(&shown).unwrap());
    let mail = raised
        .post("/v1/me/email", &json!({ "email": "ada2@customer.example" }))
        .await;
    assert_eq!(mail.status, 202, "a factor of the account does: {mail:?}");
}

#[tokio::test]
async fn a_session_is_as_sure_as_the_provider_says_and_the_organisations_demand_is_kept() {
    let setting = Setting::linked().await;
    let demand = json!({ "mfa": "everyone" });
    let put = setting
        .owner
        .json(
            Method::PUT,
            "/v1/organisation/security",
            &demand,
            &[("if-match", "*")],
        )
        .await;
    assert_eq!(put.status, 200, "{put:?}");
    for (methods, status) in [
        (json!(["pwd"]), 403),
        (json!(["pwd", "otp", "mfa"]), 200),
        (json!([]), 403),
    ] {
        setting.provider.says("amr", methods.clone());
        let reply = setting.browser().await.get("/v1/records?kind=asset").await;
        assert_eq!(reply.status, status, "{methods}: {reply:?}");
    }
}

#[tokio::test]
async fn c_02_a_session_that_goes_on_in_an_organisation_is_no_fresher_than_it_was() {
    let setting = Setting::new().await;
    let (world, owner) = (&setting.world, &setting.owner);
    world.advance(301);
    let path = format!("/v1/me/organisations/{}/switch", owner.organisation().await);
    let reply = owner.post(&path, &Value::Null).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let client = world.with_token(&reply.text("access_token"));
    let body = json!({ "connection_id": setting.connection["id"] });
    assert_eq!(
        client.post(IDENTITIES, &body).await.problem(),
        (403, "step-up-required".into(), vec![])
    );
}

#[tokio::test]
async fn deleting_the_account_takes_the_identity_and_its_guard_along() {
    let setting = Setting::new().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let grace = world.joined(owner, "Grace", "member").await;
    setting.provider.says("sub", json!("grace"));
    setting.link(&grace).await;
    let gone = grace.delete("/v1/me", &[]).await;
    assert_eq!(gone.status, 202, "{gone:?}");
    is_refused(&setting.sign_in().await, "the account is gone");
    for name in ["identity", "identity_guard"] {
        assert_eq!(world.of_type("core", name).await, Vec::<Value>::new());
    }
    setting.link(owner).await;
}
