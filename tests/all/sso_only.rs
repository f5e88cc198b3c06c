//! Organisations that sign in through their identity provider only: every other way in, and every session begun in one,
//! request by request; and the ways that are left for who has no identity there yet.

use http::Method;
use serde_json::{Value, json};

use crate::browsers::Browser;
use crate::connections::sso_only;
use crate::harness::{Client, Customer, PASSWORD, World};
use crate::members::invite;
use crate::sign_on::{BEGIN, IDENTITIES, Setting, is_refused, session_of};

const RECORDS: &str = "/v1/records?kind=asset";

/// A setting with a member who has no identity, before anything is demanded.
async fn setting() -> (Setting, Customer) {
    let setting = Setting::new().await;
    let grace = setting.world.joined(&setting.owner, "Grace", "admin").await;
    (setting, grace)
}

impl Setting {
    async fn demand(&self) {
        let reply = sso_only(&self.owner, true).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

/// A session that is good for the own account alone.
async fn is_shut_out(client: &Client) {
    let refused = (403, "sso-required".to_owned(), vec![]);
    for path in [
        RECORDS,
        "/v1/organisation",
        "/v1/members",
        "/v1/organisation/security",
    ] {
        assert_eq!(client.get(path).await.problem(), refused, "{path}");
    }
    let asset = json!({ "kind": "asset", "fields": { "asset_tag": "LT-1" } });
    assert_eq!(client.post("/v1/records", &asset).await.problem(), refused);
    for path in ["/v1/me", "/v1/me/organisations", "/v1/me/sessions", IDENTITIES] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn f_31_sessions_that_were_begun_otherwise_stop_working_on_the_next_request_but_for_the_own_account() {
    let (setting, mut grace) = setting().await;
    let browser = Browser::new(&setting.world, &grace.email).await;
    assert_eq!(
        (grace.get(RECORDS).await.status, browser.get(RECORDS).await.status),
        (200, 200)
    );
    setting.demand().await;
    is_shut_out(&grace).await;
    is_shut_out(&setting.world.anonymous().with_cookie(&browser.cookie)).await;
    assert_eq!(
        setting.owner.get(RECORDS).await.status,
        200,
        "an owner is the way in when the provider is broken"
    );
    // A refresh gives tokens that are worth as much.
    let refresh = json!({ "refresh_token": grace.refresh_token });
    let refreshed = setting.world.anonymous().post("/v1/auth/refresh", &refresh).await;
    grace.take(&refreshed);
    is_shut_out(&grace).await;
    let path = format!(
        "/v1/me/organisations/{}/switch",
        setting.owner.organisation().await
    );
    assert_eq!(grace.post(&path, &Value::Null).await.problem().0, 403);
    setting.link(&grace).await;
    let signed_in = setting.browser().await;
    assert_eq!(signed_in.get(RECORDS).await.status, 200);
    assert_eq!(sso_only(&setting.owner, false).await.status, 200);
    assert_eq!(
        grace.get(RECORDS).await.status,
        200,
        "as before, from the next request on"
    );
}

#[tokio::test]
async fn f_31_no_other_way_in_is_left_and_a_password_reset_says_where_the_way_in_is() {
    let (setting, mut grace) = setting().await;
    let world = &setting.world;
    grace.enrol_passkey().await;
    let waiting = grace.try_password().await;
    assert_eq!(waiting.status, 202, "{waiting:?}");
    setting.demand().await;
    let wrong = json!({ "email": grace.email, "password": "not the password at all" });
    let wrong = world.anonymous().post("/v1/auth/login", &wrong).await;
    let finish = |name: &'static str, body: Value| {
        let client = world.anonymous();
        async move { client.post(name, &body).await }
    };
    let answer = {
        let mut authenticator = grace.passkey.as_ref().unwrap().lock().unwrap();
        authenticator.get(&waiting.json()["passkey"]["publicKey"])
    };
    let second = json!({ "mfa_token": waiting.json()["mfa_token"], "passkey": answer });
    assert_eq!(
        finish("/v1/auth/mfa", second).await.problem().0,
        401,
        "password and passkey"
    );
    let options = finish("/v1/auth/passkeys", Value::Null).await.json();
    let answer = {
        let mut authenticator = grace.passkey.as_ref().unwrap().lock().unwrap();
        authenticator.get(&options["publicKey"])
    };
    let alone = json!({ "ceremony": options["ceremony"], "answer": answer });
    assert_eq!(
        finish("/v1/auth/passkeys/finish", alone).await.problem().0,
        401,
        "the passkey alone"
    );

    let hedy = world.joined(&setting.owner, "Hedy", "owner").await;
    assert_eq!(hedy.get(RECORDS).await.status, 200, "an owner");
    assert_eq!(
        mailed_after_forgetting(world, &grace.email).await,
        "Sign in through your organisation"
    );
    let unknown = json!({ "email": "nobody@customer.example" });
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/forgot-password", &unknown)
            .await
            .status,
        202
    );
    assert_eq!(wrong.problem().0, 401);
}

/// The subject of the mail to somebody who says that the password is forgotten.
async fn mailed_after_forgetting(world: &World, email: &str) -> String {
    let body = json!({ "email": email });
    let reply = world.anonymous().post("/v1/auth/forgot-password", &body).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    world.task("mail-retry").await;
    world.subjects(email).pop().unwrap()
}

#[tokio::test]
async fn f_31_a_right_password_gets_the_answer_to_a_wrong_one() {
    let (setting, grace) = setting().await;
    setting.demand().await;
    let right = grace.try_password().await;
    let body = json!({ "email": grace.email, "password": "not the password at all" });
    let wrong = setting.world.anonymous().post("/v1/auth/login", &body).await;
    assert_eq!(right.problem(), (401, "unauthenticated".into(), vec![]));
    assert_eq!(right.anonymised(), wrong.anonymised());
}

#[tokio::test]
async fn who_joins_as_a_new_person_gets_one_session_to_link_their_identity_with() {
    let (setting, _) = setting().await;
    let (world, owner) = (&setting.world, &setting.owner);
    setting.demand().await;
    let email = "hedy@customer.example";
    assert_eq!(invite(owner, email, "member").await.status, 201);
    let joined = world.accept(&world.invitation_code(email), "Hedy").await;
    assert_eq!(joined.status, 201, "{joined:?}");
    let cookie = session_of(&joined).expect("a session");
    let hedy = world.anonymous().with_cookie(&cookie);
    is_shut_out(&hedy).await;
    let login = json!({ "email": email, "password": PASSWORD });
    assert_eq!(
        world.anonymous().post("/v1/auth/login", &login).await.problem().0,
        401
    );
    setting.provider.says("sub", json!("hedy"));
    is_refused(&setting.sign_in().await, "not linked yet");
    setting.link(&hedy).await;
    let signed_in = setting.browser().await;
    assert_eq!(signed_in.get("/v1/me").await.text("email"), email);
    assert_eq!(signed_in.get(RECORDS).await.status, 200);
    is_shut_out(&hedy).await;
    // An owner needs none, and nobody does where other ways are open.
    assert_eq!(invite(owner, "mary@customer.example", "owner").await.status, 201);
    let code = world.invitation_code("mary@customer.example");
    assert_eq!(session_of(&world.accept(&code, "Mary").await), None);
    assert_eq!(sso_only(owner, false).await.status, 200);
    assert_eq!(invite(owner, "joan@customer.example", "member").await.status, 201);
    let code = world.invitation_code("joan@customer.example");
    assert_eq!(session_of(&world.accept(&code, "Joan").await), None);
}

#[tokio::test]
async fn who_joins_with_an_account_links_their_identity_from_the_session_that_they_have() {
    let (setting, _) = setting().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let mut mary = world.customer("Mary").await;
    setting.demand().await;
    world.joins(owner, &mary, "member").await;
    let offered = mary.get(IDENTITIES).await.json();
    assert_eq!(offered["connections"][0]["id"], setting.connection["id"]);
    setting.provider.says("sub", json!("mary"));
    setting.link(&mary).await;
    let there = setting.browser().await;
    assert_eq!(there.get("/v1/organisation").await.text("name"), "Ada Works");
    // What her own organisation lets her in with is hers, and the other's provider opens nothing there.
    mary.sign_in().await;
    let own = mary.get("/v1/organisation").await;
    assert_eq!(own.text("name"), "Mary Works");
    let switch = format!("/v1/me/organisations/{}/switch", own.text("id"));
    assert_eq!(there.post(&switch, &Value::Null).await.problem().0, 403);
}

#[tokio::test]
async fn whose_first_organisation_lets_them_in_no_more_is_let_into_another_that_does() {
    let (setting, mut grace) = setting().await;
    let world: &World = &setting.world;
    let other = world.customer("Mary").await;
    world.joins(&other, &grace, "member").await;
    setting.demand().await;
    grace.sign_in().await;
    assert_eq!(grace.get("/v1/organisation").await.text("name"), "Mary Works");
    assert_eq!(
        mailed_after_forgetting(world, &grace.email).await,
        "Choose a new password"
    );
}

#[tokio::test]
async fn who_has_neither_identity_nor_session_is_let_in_by_an_invitation_once_they_were_removed() {
    let (setting, mut grace) = setting().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let user = grace.user().await;
    setting.demand().await;
    assert_eq!(grace.try_password().await.problem().0, 401);
    let removed = owner
        .delete(&format!("/v1/members/{user}"), &[("if-match", "*")])
        .await;
    assert_eq!(removed.status, 204, "{removed:?}");
    grace.sign_in().await;
    world.joins(owner, &grace, "member").await;
    setting.provider.says("sub", json!("grace"));
    setting.link(&grace).await;
    assert_eq!(setting.browser().await.get(RECORDS).await.status, 200);
}

#[tokio::test]
async fn who_is_an_owner_no_more_needs_the_provider_from_the_next_request_on() {
    let (setting, _) = setting().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let hedy = world.joined(owner, "Hedy", "owner").await;
    setting.demand().await;
    assert_eq!(hedy.get(RECORDS).await.status, 200);
    let path = format!("/v1/members/{}", hedy.user().await);
    let browser = Browser::new(world, &hedy.email).await;
    let reply = owner
        .json(
            Method::PATCH,
            &path,
            &json!({ "role": "admin" }),
            &[("if-match", "*")],
        )
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        browser.get(RECORDS).await.status,
        401,
        "a changed role ends sessions"
    );
    assert_eq!(hedy.try_password().await.problem().0, 401);
    let begun = world
        .anonymous()
        .post(BEGIN, &json!({ "email": hedy.email }))
        .await;
    assert_eq!(begun.status, 200);
}
