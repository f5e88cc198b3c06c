//! Passwords and addresses that change: by who knows the password, by who has the address, by who asks an administrator.

use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::accounts::login;
use crate::browsers::Browser;
use crate::colleagues::kinds;
use crate::defence::{reset, reset_code, setting};
use crate::harness::{Customer, PASSWORD, Reply, World};
use crate::support::{number, together};

const NEW: &str = "seven lanterns beside the mill";

async fn forgot(world: &World, email: &str) -> Reply {
    let body = json!({ "email": email });
    world.anonymous().post("/v1/auth/forgot-password", &body).await
}

async fn change(customer: &Customer, current: &str, new: &str) -> Reply {
    let body = json!({ "current_password": current, "new_password": new });
    customer.json(Method::PUT, "/v1/me/password", &body, &[]).await
}

fn wrong_code(reply: &Reply) {
    assert_eq!(
        reply.problem(),
        (422, "invalid".into(), vec!["/code".into()]),
        "{reply:?}"
    );
}

async fn works(world: &World, token: &str) -> bool {
    world.with_token(token).get("/v1/me").await.status == 200
}

/// Says in the row of the only user that there is a second factor.
async fn with_second_factor(world: &World) {
    let user = &world.of_type("core", "user").await[0];
    let text =
        |name: &str| aws_sdk_dynamodb::types::AttributeValue::S(user[name].as_str().unwrap().to_owned());
    let client = world.stack.operator().dynamodb();
    let update = client
        .update_item()
        .table_name("trackwell-core")
        .key("pk", text("pk"))
        .key("sk", text("sk"))
        .update_expression("SET second_factor = :yes")
        .expression_attribute_values(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    update.send().await.unwrap();
}

#[tokio::test]
async fn c_02_d_42_e_14_a_new_password_ends_every_other_session_and_replaces_ones_own() {
    let (world, mut customer) = setting().await;
    let (first, refresh) = (customer.token.clone().unwrap(), customer.refresh_token.clone());
    let browser = Browser::new(&world, &customer.email).await;
    customer.sign_in().await;
    let own = customer.token.clone().unwrap();
    let reply = change(&customer, PASSWORD, NEW).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    for token in [&first, &own] {
        assert!(!works(&world, token).await, "the old sessions are dead");
    }
    assert_eq!(browser.get("/v1/me").await.status, 401);
    for token in [&refresh, &customer.refresh_token] {
        let body = json!({ "refresh_token": token });
        assert_eq!(
            world.anonymous().post("/v1/auth/refresh", &body).await.status,
            401
        );
    }
    assert!(
        works(&world, &reply.text("access_token")).await,
        "the new one is good"
    );
    assert_eq!(world.of_type("ephemeral", "session").await.len(), 1);
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 401);
    assert_eq!(login(&world, &customer.email, NEW).await.status, 200);
    assert_eq!(
        world.subjects(&customer.email).last().unwrap(),
        "Your password was changed"
    );
    let log = world
        .with_token(&reply.text("access_token"))
        .get("/v1/me/activity")
        .await;
    assert!(kinds(&log.json()).contains(&"password_changed"), "{log:?}");
}

#[tokio::test]
async fn a_sign_in_that_waits_for_its_second_factor_ends_with_the_old_password() {
    let (world, mut customer) = setting().await;
    customer.enrol_passkey().await;
    let waiting = customer.try_password().await.json();
    let reply = change(&customer, PASSWORD, NEW).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(world.of_type("ephemeral", "session").await.len(), 1);
    let mut passkey = customer.passkey.take().unwrap().into_inner().unwrap();
    let answer = passkey.get(&waiting["passkey"]["publicKey"]);
    let body = json!({ "mfa_token": waiting["mfa_token"], "passkey": answer });
    let late = world.anonymous().post("/v1/auth/mfa", &body).await;
    assert_eq!(late.problem().0, 401, "{late:?}");
}

#[tokio::test]
async fn a_14_the_current_password_is_needed_and_guessing_it_counts() {
    let (world, customer) = setting().await;
    let body = json!({ "new_password": NEW });
    let missing = customer.json(Method::PUT, "/v1/me/password", &body, &[]).await;
    assert_eq!(
        missing.problem(),
        (422, "invalid".into(), vec!["/current_password".into()])
    );
    for _ in 0..5 {
        let reply = change(&customer, "not the password at all", NEW).await;
        assert_eq!(reply.problem().0, 403, "{reply:?}");
    }
    let rows = world.of_type("ephemeral", "softlock").await;
    assert_eq!(number(&rows[0]["failures"]), 5);
    let locked = change(&customer, PASSWORD, NEW).await;
    assert_eq!((locked.status, locked.header("retry-after")), (429, Some("30")));
    assert_eq!(
        login(&world, &customer.email, PASSWORD).await.status,
        429,
        "the sign-in, too"
    );
    world.advance(30);
    assert_eq!(change(&customer, PASSWORD, NEW).await.status, 200);
    assert_eq!(world.of_type("ephemeral", "softlock").await.len(), 0);
}

#[tokio::test]
async fn a_15_a_session_that_is_old_needs_a_step_up_to_change_the_password_or_the_address() {
    let (world, customer) = setting().await;
    world.advance(301);
    let reply = change(&customer, PASSWORD, NEW).await;
    assert_eq!(reply.problem().0, 403, "{reply:?}");
    let body = json!({ "email": "new@customer.example" });
    assert_eq!(customer.post("/v1/me/email", &body).await.problem().0, 403);
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_01_a_02_a_09_the_rules_for_passwords_hold_when_they_change_and_are_milder_with_a_second_factor() {
    let (world, customer) = setting().await;
    let code = reset_code(&world, &customer.email).await;
    for weak in [
        "seven77",
        "fourteen chars",
        "Ada Works and so on",
        "qwertyuiop123456",
    ] {
        for reply in [
            change(&customer, PASSWORD, weak).await,
            reset(&world, &code, weak).await,
        ] {
            let expected = (422, "invalid".to_owned(), vec!["/new_password".to_owned()]);
            assert_eq!(reply.problem(), expected, "{weak}: {reply:?}");
        }
    }
    assert_eq!(
        reset(&world, &code, NEW).await.status,
        204,
        "a weak choice does not use the code up"
    );
    with_second_factor(&world).await;
    let code = reset_code(&world, &customer.email).await;
    assert_eq!(reset(&world, &code, "7 chars").await.status, 422);
    assert_eq!(reset(&world, &code, "kelp%Orbit9").await.status, 204);
}

#[tokio::test]
async fn a_03_a_06_a_11_long_plain_and_international_passwords_are_taken_by_a_reset() {
    let (world, customer) = setting().await;
    for (new, typed) in [
        (
            "cafe\u{301} au lait chaud 🐎 and spaces",
            "café au lait chaud 🐎 and spaces",
        ),
        ("qmzkvjtwpbxhdlfgrync", "qmzkvjtwpbxhdlfgrync"),
    ] {
        let code = reset_code(&world, &customer.email).await;
        assert_eq!(reset(&world, &code, new).await.status, 204, "{new}");
        assert_eq!(login(&world, &customer.email, typed).await.status, 200, "{new}");
    }
}

#[tokio::test]
async fn a_21_a_reset_for_an_unknown_address_gets_the_same_answer_after_the_same_work() {
    let (world, customer) = setting().await;
    // A function that is new asks for the root key first.
    assert_eq!(forgot(&world, "first@customer.example").await.status, 202);
    world.stack.clear_calls();
    let known = forgot(&world, &customer.email).await;
    let work = world.operations("auth-forgot-password");
    world.stack.clear_calls();
    let unknown = forgot(&world, "nobody@customer.example").await;
    let same_work = world.operations("auth-forgot-password");
    assert_eq!((known.status, known.anonymised()), (202, unknown.anonymised()));
    let sorted = |mut operations: Vec<String>| {
        operations.sort();
        operations
    };
    assert_eq!(sorted(work.clone()), sorted(same_work));
    assert!(
        !work.contains(&"SendEmail".to_owned()),
        "the mail leaves with the schedule: {work:?}"
    );
    world.task("mail-retry").await;
    assert_eq!(
        world.subjects(&customer.email).last().unwrap(),
        "Choose a new password"
    );
    assert_eq!(world.subjects("nobody@customer.example"), [""; 0]);
    assert_eq!(world.of_type("core", "mail").await.len(), 0);
}

#[tokio::test]
async fn a_34_a_35_a_36_a_code_is_good_once_for_an_hour_and_until_there_is_a_newer_one() {
    let (world, customer) = setting().await;
    let first = reset_code(&world, &customer.email).await;
    let second = reset_code(&world, &customer.email).await;
    assert_ne!(first, second);
    wrong_code(&reset(&world, &first, NEW).await);
    assert_eq!(reset(&world, &second, NEW).await.status, 204);
    wrong_code(&reset(&world, &second, "another lantern by the mill").await);
    let late = reset_code(&world, &customer.email).await;
    world.advance(3_600);
    wrong_code(&reset(&world, &late, "another lantern by the mill").await);
    let (user, _) = late.split_once('.').unwrap();
    for wrong in ["", "x", ".", "user_x.y", user, &format!("{user}.")] {
        wrong_code(&reset(&world, wrong, "another lantern by the mill").await);
    }
    assert_eq!(login(&world, &customer.email, NEW).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_34_of_one_code_that_is_sent_16_times_at_once_one_has_an_effect() {
    let (world, customer) = setting().await;
    let code = reset_code(&world, &customer.email).await;
    let replies = together(16, |index| {
        let client = world.anonymous();
        let new = format!("lantern {index} beside the old mill");
        let body = json!({ "code": code, "new_password": new });
        async move { (client.post("/v1/auth/reset-password", &body).await.status, new) }
    })
    .await;
    let winners: Vec<_> = replies.iter().filter(|(status, _)| *status == 204).collect();
    assert_eq!(winners.len(), 1, "{replies:?}");
    assert!(
        replies.iter().all(|(status, _)| matches!(status, 204 | 422)),
        "{replies:?}"
    );
    assert_eq!(login(&world, &customer.email, &winners[0].1).await.status, 200);
    let notices = world.subjects(&customer.email);
    let notices = notices
        .iter()
        .filter(|subject| *subject == "Your password was changed");
    assert_eq!(notices.count(), 1);
}

#[tokio::test]
async fn a_38_the_mail_names_our_address_whatever_the_request_says_of_itself() {
    let (world, customer) = setting().await;
    for header in ["host", "x-forwarded-host", "forwarded", "x-original-url"] {
        let body = json!({ "email": customer.email });
        let headers = [(header, "evil.example")];
        let reply = world
            .anonymous()
            .post_with("/v1/auth/forgot-password", &body, &headers)
            .await;
        assert_eq!(reply.status, 202, "{reply:?}");
    }
    world.task("mail-retry").await;
    for mail in world.stack.mails().messages() {
        assert!(
            !mail.text.as_deref().unwrap_or_default().contains("evil"),
            "{}",
            mail.subject
        );
    }
}

#[tokio::test]
async fn a_39_a_40_a_reset_ends_every_session_signs_nobody_in_and_keeps_the_second_factor() {
    let (world, customer) = setting().await;
    with_second_factor(&world).await;
    let token = customer.token.clone().unwrap();
    let code = reset_code(&world, &customer.email).await;
    let reply = reset(&world, &code, NEW).await;
    assert_eq!(
        (reply.status, reply.body.len(), reply.header("set-cookie")),
        (204, 0, None)
    );
    assert!(!works(&world, &token).await);
    let body = json!({ "refresh_token": customer.refresh_token });
    assert_eq!(
        world.anonymous().post("/v1/auth/refresh", &body).await.status,
        401
    );
    assert_eq!(world.of_type("ephemeral", "session").await, [Value::Null; 0]);
    assert_eq!(
        world.subjects(&customer.email).last().unwrap(),
        "Your password was changed"
    );
    assert_eq!(
        world.of_type("core", "user").await[0]["second_factor"],
        json!(true)
    );
}

#[tokio::test]
async fn a_reset_shows_that_the_address_is_ones_own() {
    let world = World::new(Profile::Trackado).await;
    let body = crate::accounts::registration(&world, "ada@customer.example");
    assert_eq!(crate::accounts::register(&world, &body).await.status, 202);
    let code = reset_code(&world, "ada@customer.example").await;
    assert_eq!(reset(&world, &code, NEW).await.status, 204);
    assert_eq!(login(&world, "ada@customer.example", NEW).await.status, 200);
}

#[tokio::test]
async fn a_42_an_administrator_starts_a_reset_and_sees_and_chooses_nothing() {
    let (world, owner) = setting().await;
    let bob = world.joined(&owner, "Bob", "member").await;
    let id = bob.get("/v1/me").await.text("id");
    let path = format!("/v1/members/{id}/reset-password");
    let reply = owner.post(&path, &Value::Null).await;
    assert_eq!((reply.status, reply.json().as_object().unwrap().len()), (202, 1));
    let code = world.code(&bob.email);
    assert!(!format!("{reply:?}").contains(&code));
    assert_eq!(
        bob.post(&path, &Value::Null).await.status,
        403,
        "not a member's to ask"
    );
    let stranger = world.customer("Eve").await;
    let stranger_id = stranger.get("/v1/me").await.text("id");
    let foreign = format!("/v1/members/{stranger_id}/reset-password");
    let foreign = owner.post(&foreign, &Value::Null).await;
    let absent = "/v1/members/user_00000000000000000000000001/reset-password";
    let absent = owner.post(absent, &Value::Null).await;
    assert_eq!((absent.status, absent.anonymised()), (404, foreign.anonymised()));
    assert_eq!(reset(&world, &code, NEW).await.status, 204);
    assert_eq!(login(&world, &bob.email, NEW).await.status, 200);
    let log = owner.get("/v1/organisation/activity").await.json();
    assert!(kinds(&log).contains(&"password_reset_requested"), "{log}");
}

async fn ask(customer: &Customer, email: &str) -> Reply {
    customer.post("/v1/me/email", &json!({ "email": email })).await
}

async fn confirm(world: &World, code: &str) -> Reply {
    world
        .anonymous()
        .post("/v1/auth/confirm-email", &json!({ "code": code }))
        .await
}

#[tokio::test]
async fn an_address_changes_when_both_codes_were_shown_in_either_order() {
    for old_first in [true, false] {
        let (world, customer) = setting().await;
        let token = customer.token.clone().unwrap();
        let pending_reset = reset_code(&world, &customer.email).await;
        assert_eq!(ask(&customer, "New@Customer.Example").await.status, 202);
        let mut codes = [world.code(&customer.email), world.code("new@customer.example")];
        if !old_first {
            codes.reverse();
        }
        assert_eq!(confirm(&world, &codes[0]).await.status, 204);
        wrong_code(&confirm(&world, &codes[0]).await);
        assert_eq!(
            customer.get("/v1/me").await.text("email"),
            customer.email,
            "not yet"
        );
        assert_eq!(confirm(&world, &codes[1]).await.status, 204);
        wrong_code(&confirm(&world, &codes[1]).await);
        assert!(!works(&world, &token).await, "every session ended");
        assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 401);
        let signed_in = login(&world, "new@customer.example", PASSWORD).await;
        let client = world.with_token(&signed_in.text("access_token"));
        assert_eq!(client.get("/v1/me").await.text("email"), "New@customer.example");
        assert_eq!(
            world.subjects(&customer.email).last().unwrap(),
            "Your e-mail address was changed"
        );
        wrong_code(&reset(&world, &pending_reset, NEW).await);
        // The unit knows the new guard, so erasure frees the address, and the old one is free already.
        let deleted = client.delete("/v1/organisation", &[]).await;
        assert_eq!(deleted.status, 202, "{deleted:?}");
        let deleted = client.delete("/v1/me", &[]).await;
        assert_eq!(deleted.status, 202, "{deleted:?}");
        assert_eq!(world.of_type("core", "email_guard").await, [Value::Null; 0]);
    }
}

#[tokio::test]
async fn asking_for_an_address_tells_nothing_about_it_and_changes_nothing() {
    let (world, customer) = setting().await;
    let bob = world.customer("Bob").await;
    let taken = ask(&customer, &bob.email).await;
    assert_eq!(
        world.subjects(&bob.email).last().unwrap(),
        "You have an account already"
    );
    let of_old = world.code(&customer.email);
    let free = ask(&customer, "free@customer.example").await;
    assert_eq!((taken.status, taken.anonymised()), (202, free.anonymised()));
    wrong_code(&confirm(&world, &of_old).await);
    let own = ask(&customer, &customer.email.to_uppercase()).await;
    assert_eq!(own.problem(), (422, "invalid".into(), vec!["/email".into()]));
    assert_eq!(login(&world, &bob.email, PASSWORD).await.status, 200);
    let codes = [world.code(&customer.email), world.code("free@customer.example")];
    assert_eq!(customer.delete("/v1/me/email", &[]).await.status, 204);
    assert_eq!(customer.delete("/v1/me/email", &[]).await.problem().0, 404);
    for code in &codes {
        wrong_code(&confirm(&world, code).await);
    }
    assert_eq!(ask(&customer, "free@customer.example").await.status, 202);
    let codes = [world.code(&customer.email), world.code("free@customer.example")];
    world.advance(86_400);
    for code in &codes {
        wrong_code(&confirm(&world, code).await);
    }
}

#[tokio::test]
async fn an_address_that_got_an_account_meanwhile_is_not_taken_away_from_it() {
    let (world, customer) = setting().await;
    assert_eq!(ask(&customer, "bob@customer.example").await.status, 202);
    let codes = [world.code(&customer.email), world.code("bob@customer.example")];
    let bob = world.customer("Bob").await;
    assert_eq!(confirm(&world, &codes[0]).await.status, 204);
    let refused = confirm(&world, &codes[1]).await;
    assert_eq!(refused.problem(), (409, "conflict".into(), vec!["/code".into()]));
    assert_eq!(bob.get("/v1/me").await.text("email"), bob.email);
    assert_eq!(customer.get("/v1/me").await.text("email"), customer.email);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_codes_at_once_many_times_change_the_address_once() {
    let (world, customer) = setting().await;
    assert_eq!(ask(&customer, "new@customer.example").await.status, 202);
    let codes = [world.code(&customer.email), world.code("new@customer.example")];
    let replies = together(16, |index| {
        let (client, body) = (world.anonymous(), json!({ "code": codes[index % 2] }));
        async move { client.post("/v1/auth/confirm-email", &body).await.status }
    })
    .await;
    assert_eq!(
        replies.iter().filter(|status| **status == 204).count(),
        2,
        "{replies:?}"
    );
    assert_eq!(login(&world, "new@customer.example", PASSWORD).await.status, 200);
    assert_eq!(world.of_type("core", "email_guard").await.len(), 1);
}
