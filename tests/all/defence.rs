//! Guessing: how often, from where, and what can be learnt by it.

use serde_json::{Value, json};
use shared::policy::Profile;

use crate::accounts::{login, register, registration, verify};
use crate::colleagues::kinds;
use crate::harness::{Customer, PASSWORD, Reply, World};
use crate::support::{number, together};

const WRONG: &str = "a loud harbour at dusk 8";

pub async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

/// The seconds after which a refused request may come again.
fn retry_after(reply: &Reply) -> u64 {
    assert_eq!(
        reply.problem(),
        (429, "too-many-requests".into(), vec![]),
        "{reply:?}"
    );
    reply.header("retry-after").unwrap().parse().unwrap()
}

/// The failures that are counted of all accounts.
async fn failures(world: &World) -> Vec<u64> {
    let rows = world.of_type("ephemeral", "softlock").await;
    rows.iter().map(|row| number(&row["failures"])).collect()
}

/// What a function did of a request, in no order: some of it is done at once.
async fn operations_of(
    world: &World,
    function: &str,
    request: impl Future<Output = Reply>,
) -> (Reply, Vec<String>) {
    world.stack.clear_calls();
    let reply = request.await;
    let mut operations = world.operations(function);
    operations.sort();
    (reply, operations)
}

/// Brings an account to so many failures, waiting as often as it must.
async fn fail(world: &World, email: &str, from: u32, to: u32) {
    for failure in from..to {
        let mut reply = login(world, email, WRONG).await;
        while reply.status == 429 {
            world.advance(retry_after(&reply));
            reply = login(world, email, WRONG).await;
        }
        assert_eq!(reply.status, 401, "{failure}: {reply:?}");
    }
}

#[tokio::test]
async fn a_18_a_wrong_password_and_an_unknown_address_get_one_answer_after_the_same_work() {
    let (world, customer) = setting().await;
    for failure in 1..=6 {
        let wrong = login(&world, &customer.email, WRONG);
        let (wrong, work) = operations_of(&world, "auth-login", wrong).await;
        let unknown = login(&world, "nobody@customer.example", WRONG);
        let (unknown, same_work) = operations_of(&world, "auth-login", unknown).await;
        assert_eq!(wrong.status, if failure <= 5 { 401 } else { 429 }, "{wrong:?}");
        assert_eq!(wrong.anonymised(), unknown.anonymised(), "{failure}");
        assert_eq!(wrong.header("set-cookie"), None);
        assert_eq!(work, same_work, "{failure}");
        let right = login(&world, &customer.email, PASSWORD);
        if failure == 6 {
            assert_eq!(right.await.anonymised(), wrong.anonymised(), "the right one, too");
        }
    }
    assert_eq!(failures(&world).await, [5, 5]);
    world.task("mail-retry").await;
    assert_eq!(world.subjects("nobody@customer.example"), [""; 0]);
    assert_eq!(
        world.of_type("core", "mail").await,
        [Value::Null; 0],
        "nor is one kept"
    );
}

#[tokio::test]
async fn a_24_delays_grow_as_documented_until_only_a_reset_helps() {
    let (world, customer) = setting().await;
    let email = customer.email.as_str();
    let mut failed = 0;
    for (failures, seconds) in [
        (4, 0),
        (5, 30),
        (9, 30),
        (10, 300),
        (29, 300),
        (30, 3_600),
        (99, 3_600),
    ] {
        fail(&world, email, failed, failures).await;
        failed = failures;
        if seconds > 0 {
            let wrong = login(&world, email, WRONG).await;
            assert_eq!(retry_after(&wrong), seconds, "{failures}");
            world.advance(seconds - 1);
            let right = login(&world, email, PASSWORD).await;
            assert_eq!(
                retry_after(&right),
                1,
                "{failures}: the right password changes nothing"
            );
            world.advance(1);
        }
    }
    fail(&world, email, 99, 100).await;
    let wrong = login(&world, email, WRONG).await;
    assert!(retry_after(&wrong) > 300 * 86_400);
    for days in [0, 1, 30] {
        world.advance(days * 86_400);
        let right = login(&world, email, PASSWORD).await;
        assert_eq!(
            right.anonymised(),
            login(&world, email, WRONG).await.anonymised(),
            "{days}"
        );
        assert_eq!(right.status, 429);
    }
    world.task("mail-retry").await;
    let warnings = world.subjects(email);
    let warnings = warnings
        .iter()
        .filter(|subject| *subject == "Somebody fails to sign in to your account");
    assert_eq!(warnings.count(), 4, "one for each level");
    let code = reset_code(&world, email).await;
    let reply = reset(&world, &code, NEW).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(login(&world, email, NEW).await.status, 200, "a reset unlocks");
}

const NEW: &str = "seven lanterns beside the mill";

pub async fn reset_code(world: &World, email: &str) -> String {
    let reply = world
        .anonymous()
        .post("/v1/auth/forgot-password", &json!({ "email": email }))
        .await;
    assert_eq!(reply.status, 202, "{reply:?}");
    world.task("mail-retry").await;
    world.code(email)
}

pub async fn reset(world: &World, code: &str, password: &str) -> Reply {
    let body = json!({ "code": code, "new_password": password });
    world.anonymous().post("/v1/auth/reset-password", &body).await
}

#[tokio::test]
async fn a_success_forgets_the_failures_and_a_day_does_too() {
    let (world, customer) = setting().await;
    fail(&world, &customer.email, 0, 4).await;
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 200);
    assert_eq!(failures(&world).await, [0; 0]);
    fail(&world, &customer.email, 0, 5).await;
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 429);
    world.advance(86_400);
    fail(&world, &customer.email, 0, 1).await;
    assert_eq!(failures(&world).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_27_of_wrong_passwords_at_once_none_is_free() {
    let (world, customer) = setting().await;
    let replies = together(32, |_| {
        let (stack, email) = (world.anonymous(), customer.email.clone());
        let body = json!({ "email": email, "password": WRONG });
        async move { stack.post("/v1/auth/login", &body).await.status }
    })
    .await;
    let of = |status: u16| replies.iter().filter(|reply| **reply == status).count();
    assert_eq!(of(401) + of(429), 32, "{replies:?}");
    let counted = failures(&world).await;
    assert_eq!(
        counted,
        [of(401) as u64],
        "each guess that was verified is counted"
    );
    assert!(of(401) <= 5, "{replies:?}");
}

#[tokio::test]
async fn a_30_a_31_one_source_tries_so_many_accounts_and_no_header_makes_it_another() {
    let (world, customer) = setting().await;
    // The customer signed in once.
    for index in 1..100 {
        let email = format!("no address {index}");
        assert_eq!(
            login(&world, &email, "Summer2026Summer").await.status,
            401,
            "{index}"
        );
    }
    for header in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "true-client-ip",
        "cloudfront-viewer-address",
    ] {
        let body = json!({ "email": customer.email, "password": PASSWORD });
        let headers = [(header, "203.0.113.77")];
        let reply = world
            .anonymous()
            .post_with("/v1/auth/login", &body, &headers)
            .await;
        let seconds = retry_after(&reply);
        assert!((1..=600).contains(&seconds), "{header} {seconds}");
    }
    world.advance(600);
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_33_an_account_that_is_not_verified_is_refused_like_a_wrong_password() {
    let world = World::new(Profile::Trackado).await;
    let body = registration(&world, "ada@customer.example");
    assert_eq!(register(&world, &body).await.status, 202);
    // A function that is new asks for the root key first.
    assert_eq!(
        login(&world, "first@customer.example", PASSWORD).await.status,
        401
    );
    let right = login(&world, "ada@customer.example", PASSWORD);
    let (right, work) = operations_of(&world, "auth-login", right).await;
    let wrong = login(&world, "ada@customer.example", WRONG);
    let (wrong, same_work) = operations_of(&world, "auth-login", wrong).await;
    assert_eq!((right.status, right.anonymised()), (401, wrong.anonymised()));
    assert_eq!(work, same_work);
    assert_eq!(
        verify(&world, &world.code("ada@customer.example")).await.status,
        204
    );
    assert_eq!(login(&world, "ada@customer.example", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_20_a_registration_of_an_address_that_is_taken_looks_the_same_and_its_owner_is_told() {
    let (world, customer) = setting().await;
    let taken = register(&world, &registration(&world, &customer.email)).await;
    let free = register(&world, &registration(&world, "new@customer.example")).await;
    assert_eq!((taken.status, taken.anonymised()), (202, free.anonymised()));
    let subjects = world.subjects(&customer.email);
    assert_eq!(subjects.last().unwrap(), "You have an account already");
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_failed_sign_in_is_in_the_log_of_the_person_and_of_the_organisation() {
    let (world, mut customer) = setting().await;
    world.advance(1);
    fail(&world, &customer.email, 0, 1).await;
    world.advance(1);
    customer.sign_in().await;
    let own = customer.get("/v1/me/activity").await.json();
    assert_eq!(kinds(&own)[..2], ["signed_in", "sign_in_failed"]);
    let log = customer.get("/v1/organisation/activity").await.json();
    assert_eq!(kinds(&log)[..2], ["signed_in", "sign_in_failed"]);
    let me = customer.get("/v1/me").await.json();
    assert_eq!(log["data"][1]["object"], me["id"]);
    assert_eq!(log["data"][1]["actor"], Value::Null, "nobody knows who it was");
}

#[tokio::test]
async fn e_16_a_flood_of_refreshes_is_refused_and_locks_nobody_else_out() {
    let (world, customer) = setting().await;
    let bob = world.customer("Bob").await;
    let refresh = |token: String| {
        let client = world.anonymous();
        async move {
            let body = json!({ "refresh_token": token });
            client.post("/v1/auth/refresh", &body).await
        }
    };
    for _ in 0..60 {
        let reply = refresh(customer.refresh_token.clone()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let seconds = retry_after(&refresh(customer.refresh_token.clone()).await);
    assert!((1..=60).contains(&seconds));
    assert_eq!(refresh(bob.refresh_token.clone()).await.status, 200);
    assert_eq!(customer.get("/v1/me").await.status, 200, "the session lives");
}

#[tokio::test]
async fn e_16_whoever_has_no_token_of_a_session_cannot_use_up_its_refreshes() {
    let (world, customer) = setting().await;
    let good = customer.refresh_token.clone();
    let other = if good.ends_with('Q') { "g" } else { "Q" };
    let forged = format!("{}{other}", &good[..good.len() - 1]);
    for _ in 0..70 {
        let body = json!({ "refresh_token": forged });
        assert_eq!(
            world.anonymous().post("/v1/auth/refresh", &body).await.status,
            401
        );
    }
    let body = json!({ "refresh_token": good });
    assert_eq!(
        world.anonymous().post("/v1/auth/refresh", &body).await.status,
        200
    );
}

#[tokio::test]
async fn i_25_mails_registrations_codes_and_invitations_are_limited() {
    let (world, customer) = setting().await;
    let anonymous = world.anonymous();
    for path in ["/v1/auth/forgot-password", "/v1/auth/resend-verification"] {
        // Of the limit per address the registration took one.
        let body = json!({ "email": customer.email });
        let mut statuses = Vec::new();
        for _ in 0..5 {
            statuses.push(anonymous.post(path, &body).await.status);
        }
        assert_eq!(statuses, [202, 202, 202, 202, 429], "{path}");
        let unknown = json!({ "email": "nobody@customer.example" });
        assert_eq!(anonymous.post(path, &unknown).await.status, 202, "{path}");
        world.advance(3_600);
        assert_eq!(
            anonymous.post(path, &body).await.status,
            202,
            "{path}: the window is over"
        );
    }
    world.advance(3_600);
    let mut statuses = Vec::new();
    for _ in 0..61 {
        statuses.push(verify(&world, "user_x.y").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 60);
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(
        reset(&world, "x", NEW).await.status,
        429,
        "codes of all kinds together"
    );
    let mut statuses = Vec::new();
    for index in 0..21 {
        let body = registration(&world, &format!("number{index}@customer.example"));
        statuses.push(register(&world, &body).await.status);
    }
    assert_eq!((statuses[19], statuses[20]), (202, 429));
    assert_eq!(anonymous.get("/v1/policy").await.status, 200);
}

#[tokio::test]
async fn a_16_every_password_is_kept_as_argon2id_with_a_salt_of_its_own() {
    let (world, customer) = setting().await;
    let bob = world.customer("Bob").await;
    let ctx = world.stack.ctx("auth-login");
    let mut hashes = Vec::new();
    for customer in [&customer, &bob] {
        let hash = shared::accounts::password::hash(
            &shared::accounts::password::PlainPassword::parse(PASSWORD).unwrap(),
            ctx.policy().password_scheme(),
            ctx.entropy.as_ref(),
        )
        .unwrap()
        .hash;
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
        hashes.push(hash);
        assert_eq!(customer.get("/v1/me").await.status, 200);
    }
    assert_ne!(hashes[0], hashes[1], "salts");
    for (key, item) in world.everything().await {
        let text = item.to_string();
        let fast = ["$argon2", "$2b$", "$pbkdf2", PASSWORD];
        assert!(
            fast.iter().all(|word| !text.contains(word)),
            "{key}: hashes are sealed"
        );
    }
}
