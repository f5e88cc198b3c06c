//! Second factors: set up, asked for, shown, lost.

use http::Method;
use serde_json::{Value, json};
use shared::mfa::totp::{Algorithm, code_at, step_at};
use shared::policy::Profile;
use tests::authenticator::Authenticator;

use crate::colleagues::kinds;
use crate::harness::{Customer, PAGE, PASSWORD, Reply, World};
use crate::support::{assert_unchanged, together};

const WRONG_CODE: &str = "000000";

/// An authenticator app.
#[derive(Clone)]
struct App(Vec<u8>);

impl App {
    fn new(secret: &str) -> Self {
        let (mut bits, mut buffer, mut bytes) = (0, 0_u32, Vec::new());
        for letter in secret.bytes() {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                _ => letter - b'2' + 26,
            };
            buffer = buffer << 5 | u32::from(value);
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push((buffer >> bits) as u8);
                buffer &= (1 << bits) - 1;
            }
        }
        Self(bytes)
    }

    /// The code of the step that is so many steps away.
    fn code(&self, world: &World, steps: i64) -> String {
        let step = step_at(world.now()).checked_add_signed(steps).unwrap();
        code_at(Algorithm::Sha1, &self.0, step, 6)
    }
}

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

/// Sets an app up, and goes on with the session that comes of it.
async fn enrol_app(world: &World, customer: &mut Customer) -> App {
    let reply = customer.post("/v1/me/factors/totp", &Value::Null).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let app = App::new(&reply.text("secret"));
    let code = app.code(world, -1);
    let reply = customer
        .post("/v1/me/factors/totp/confirm", &json!({ "code": code }))
        .await;
    customer.take(&reply);
    app
}

async fn recovery_codes(customer: &Customer) -> Vec<String> {
    let reply = customer.post("/v1/me/factors/recovery-codes", &Value::Null).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let codes = reply.json()["codes"].as_array().unwrap().clone();
    codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

/// Shows the password, and gives what waits for the second factor.
async fn waiting(customer: &Customer) -> Value {
    let reply = customer.try_password().await;
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()
}

async fn show(world: &World, waiting: &Value, name: &str, factor: &Value) -> Reply {
    let mut body = json!({ "mfa_token": waiting["mfa_token"] });
    body[name] = factor.clone();
    world.anonymous().post("/v1/auth/mfa", &body).await
}

async fn show_code(world: &World, waiting: &Value, code: &str) -> Reply {
    show(world, waiting, "code", &json!(code)).await
}

async fn works(world: &World, token: &str) -> bool {
    world.with_token(token).get("/v1/me").await.status == 200
}

fn refused(reply: &Reply) {
    assert_eq!(
        reply.problem(),
        (401, "unauthenticated".into(), vec![]),
        "{reply:?}"
    );
}

#[tokio::test]
async fn b_14_b_15_a_secret_is_shown_once_and_is_no_factor_before_a_code_of_it_was_shown() {
    let (world, mut customer) = setting().await;
    let reply = customer.post("/v1/me/factors/totp", &Value::Null).await;
    let secret = reply.text("secret");
    let uri = reply.text("uri");
    assert!(
        uri.starts_with("otpauth://totp/Trackado:ada%40customer.example?secret=") && uri.contains(&secret),
        "{uri}"
    );
    assert_eq!(customer.try_password().await.status, 200, "sign-in is as before");
    let list = customer.get("/v1/me/factors").await;
    assert_eq!(
        (
            &list.json()["second_factor"],
            &list.json()["totp"]["confirmed_at"]
        ),
        (&json!(false), &Value::Null),
        "{list:?}"
    );
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{place}");
    }
    let body = json!({ "code": WRONG_CODE });
    let wrong = customer.post("/v1/me/factors/totp/confirm", &body).await;
    assert_eq!(wrong.problem(), (422, "invalid".into(), vec!["/code".into()]));
    assert_eq!(customer.try_password().await.status, 200);
    let app = App::new(&secret);
    let body = json!({ "code": app.code(&world, 0) });
    let reply = customer.post("/v1/me/factors/totp/confirm", &body).await;
    customer.take(&reply);
    let list = customer.get("/v1/me/factors").await;
    assert_eq!(list.json()["second_factor"], json!(true));
    assert!(!String::from_utf8_lossy(&list.body).contains(&secret));
    let waiting = waiting(&customer).await;
    assert_eq!(
        (&waiting["methods"], &waiting["expires_in"]),
        (&json!(["totp"]), &json!(300))
    );
    let again = customer.post("/v1/me/factors/totp", &Value::Null).await;
    assert_eq!(again.problem().0, 409, "{again:?}");
}

#[tokio::test]
async fn b_16_c_02_a_new_factor_ends_all_other_sessions_renews_the_own_one_and_is_told() {
    let (world, mut customer) = setting().await;
    let first = customer.token.clone().unwrap();
    customer.sign_in().await;
    let second = customer.token.clone().unwrap();
    enrol_app(&world, &mut customer).await;
    for token in [&first, &second] {
        assert!(!works(&world, token).await);
    }
    assert!(works(&world, customer.token.as_deref().unwrap()).await);
    assert_eq!(
        world.subjects(&customer.email).last().map(String::as_str),
        Some("Your sign-in has another factor")
    );
    let log = customer.get("/v1/me/activity").await.json();
    assert!(kinds(&log).contains(&"totp_enabled"), "{log}");
    world.advance(301);
    for path in ["totp", "passkeys", "recovery-codes"] {
        let reply = customer
            .post(&format!("/v1/me/factors/{path}"), &Value::Null)
            .await;
        assert_eq!(reply.problem().1, "step-up-required", "{path}: {reply:?}");
    }
    let reply = customer.delete("/v1/me/factors/totp", &[]).await;
    assert_eq!(reply.problem().1, "step-up-required", "{reply:?}");
}

#[tokio::test]
async fn b_02_b_05_a_code_is_accepted_once_and_none_of_two_steps_away_is() {
    let (world, mut customer) = setting().await;
    let app = enrol_app(&world, &mut customer).await;
    world.advance(300);
    let step = waiting(&customer).await;
    for steps in [-2, 2] {
        refused(&show_code(&world, &step, &app.code(&world, steps)).await);
    }
    let code = app.code(&world, 0);
    let reply = show_code(&world, &step, &code).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    refused(&show_code(&world, &step, &code).await);
    let next = waiting(&customer).await;
    refused(&show_code(&world, &next, &code).await);
    refused(&show_code(&world, &next, &app.code(&world, -1)).await);
    world.advance(30);
    assert_eq!(show_code(&world, &next, &app.code(&world, 0)).await.status, 200);
}

#[tokio::test]
async fn b_10_b_06_a_right_password_opens_nothing_and_only_its_owners_code_completes_it() {
    let (world, mut ada) = setting().await;
    let mut bob = world.customer("Bob").await;
    let app = enrol_app(&world, &mut ada).await;
    let other = enrol_app(&world, &mut bob).await;
    let step = waiting(&ada).await;
    let token = step["mfa_token"].as_str().unwrap();
    for path in ["/v1/me", "/v1/organisation", "/v1/me/factors"] {
        refused(&world.with_token(token).get(path).await);
    }
    let cookie = format!("__Host-session={token}");
    refused(&world.anonymous().with_cookie(&cookie).get("/v1/me").await);
    refused(&show_code(&world, &step, &other.code(&world, 0)).await);
    let mut foreign = step.clone();
    let (start, end) = token.split_at(token.len() - 8);
    let other_end = if end.starts_with('A') {
        end.replacen('A', "B", 1)
    } else {
        format!("A{}", &end[1..])
    };
    foreign["mfa_token"] = json!(format!("{start}{other_end}"));
    refused(&show_code(&world, &foreign, &app.code(&world, 0)).await);
    assert_eq!(show_code(&world, &step, &app.code(&world, 0)).await.status, 200);
    world.advance(30);
    let late = waiting(&ada).await;
    world.advance(300);
    refused(&show_code(&world, &late, &app.code(&world, 0)).await);
}

#[tokio::test]
async fn b_07_b_09_three_wrong_codes_close_the_step_five_end_the_sign_in_and_the_owner_is_told_once() {
    let (world, mut customer) = setting().await;
    let app = enrol_app(&world, &mut customer).await;
    world.advance(3_600);
    let mails = world.subjects(&customer.email).len();
    let step = waiting(&customer).await;
    for _ in 0..3 {
        refused(&show_code(&world, &step, WRONG_CODE).await);
    }
    refused(&show_code(&world, &step, &app.code(&world, 0)).await);
    world.advance(60);
    refused(&show_code(&world, &step, WRONG_CODE).await);
    refused(&show_code(&world, &step, &app.code(&world, 0)).await);
    let pending = world.of_type("ephemeral", "pending_sign_in").await;
    assert!(pending.is_empty(), "{pending:?}");
    let subjects = world.subjects(&customer.email);
    assert_eq!(subjects[mails..], ["Somebody showed a wrong second factor"]);
    world.advance(3_600 * 25);
    let step = waiting(&customer).await;
    let reply = show_code(&world, &step, &app.code(&world, 0)).await;
    customer.take(&reply);
    let log = customer.get("/v1/me/activity").await.json();
    assert!(kinds(&log).contains(&"sign_in_failed"), "{log}");
}

#[tokio::test]
async fn b_12_a_refresh_keeps_the_level_of_its_session() {
    let (world, mut customer) = setting().await;
    let body = json!({ "mfa": "admins", "sso_only": false });
    let low = customer.refresh_token.clone();
    let reply = put_security(&customer, &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    for (token, status) in [(low, 403), (String::new(), 200)] {
        let token = if token.is_empty() {
            customer.enrol_passkey().await;
            customer.refresh_token.clone()
        } else {
            token
        };
        let body = json!({ "refresh_token": token });
        let reply = world.anonymous().post("/v1/auth/refresh", &body).await;
        customer.take(&reply);
        let reply = customer.get("/v1/organisation").await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
}

async fn put_security(customer: &Customer, body: &Value) -> Reply {
    let reply = customer.get("/v1/organisation/security").await;
    let etag = reply.header("etag").unwrap_or("\"1\"").to_owned();
    customer
        .json(
            Method::PUT,
            "/v1/organisation/security",
            body,
            &[("if-match", &etag)],
        )
        .await
}

#[tokio::test]
async fn b_17_b_19_without_a_second_factor_an_admin_reaches_enrolment_only_and_a_low_session_changes_none() {
    let (world, mut customer) = setting().await;
    let reply = put_security(&customer, &json!({ "mfa": "admins" })).await;
    assert_eq!(reply.json(), json!({ "mfa": "admins", "sso_only": false }));
    for path in [
        "/v1/organisation",
        "/v1/records?kind=asset",
        "/v1/organisation/security",
    ] {
        let reply = customer.get(path).await;
        assert_eq!(reply.problem(), (403, "mfa-required".into(), vec![]), "{path}");
    }
    assert_eq!(customer.get("/v1/me").await.status, 200);
    enrol_app(&world, &mut customer).await;
    assert_eq!(customer.get("/v1/organisation").await.status, 200);
    // A session that began before there was a factor, or that a provider vouches for.
    lower(&world, &customer).await;
    for reply in [
        customer.delete("/v1/me/factors/totp", &[]).await,
        customer.post("/v1/me/factors/passkeys", &Value::Null).await,
        customer.post("/v1/me/factors/recovery-codes", &Value::Null).await,
    ] {
        assert_eq!(reply.problem(), (403, "mfa-required".into(), vec![]), "{reply:?}");
    }
}

/// Makes every session of a customer one that showed a single factor.
async fn lower(world: &World, customer: &Customer) {
    let user = customer.user().await;
    world.set_level(&user, "aal1").await;
}

#[tokio::test]
async fn b_22_b_23_b_24_b_25_recovery_codes_are_ten_good_once_and_dead_when_there_are_new_ones() {
    let (world, mut customer) = setting().await;
    let none = customer.post("/v1/me/factors/recovery-codes", &Value::Null).await;
    assert_eq!(none.problem().0, 409, "{none:?}");
    enrol_app(&world, &mut customer).await;
    let old = recovery_codes(&customer).await;
    assert_eq!(old.len(), 10);
    let new = recovery_codes(&customer).await;
    let list = customer.get("/v1/me/factors").await;
    assert_eq!(list.json()["recovery_codes_left"], json!(10));
    assert!(!String::from_utf8_lossy(&list.body).contains(&new[0]));
    let step = waiting(&customer).await;
    assert_eq!(step["methods"], json!(["totp", "recovery_code"]));
    refused(&show(&world, &step, "recovery_code", &json!(old[0])).await);
    let reply = show(&world, &step, "recovery_code", &json!(new[0].to_lowercase())).await;
    customer.take(&reply);
    let again = waiting(&customer).await;
    refused(&show(&world, &again, "recovery_code", &json!(new[0])).await);
    let subjects = world.subjects(&customer.email);
    assert!(
        subjects.contains(&"A recovery code was used".to_owned()),
        "{subjects:?}"
    );
    let log = customer.get("/v1/me/activity").await.json();
    assert!(kinds(&log).contains(&"recovery_code_used"), "{log}");
    let list = customer.get("/v1/me/factors").await;
    assert_eq!(list.json()["recovery_codes_left"], json!(9));
}

/// How many of sixteen requests at one moment got a session.
async fn sixteen(world: &World, steps: &[Value], name: &'static str, factor: &str) -> usize {
    let replies = together(16, |index| {
        let client = world.anonymous();
        let mut body = json!({ "mfa_token": steps[index % steps.len()]["mfa_token"] });
        body[name] = json!(factor);
        async move { client.post("/v1/auth/mfa", &body).await }
    })
    .await;
    for reply in &replies {
        // The account is locked when too many tries come at once.
        assert!(matches!(reply.status, 200 | 401 | 429), "{reply:?}");
    }
    replies.iter().filter(|reply| reply.status == 200).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_02_b_23_sixteen_times_the_same_code_at_one_moment_is_one_session() {
    let (world, mut customer) = setting().await;
    let app = enrol_app(&world, &mut customer).await;
    let codes = recovery_codes(&customer).await;
    let steps = [waiting(&customer).await, waiting(&customer).await];
    let before = world.of_type("ephemeral", "session").await.len();
    assert_eq!(sixteen(&world, &steps, "code", &app.code(&world, 0)).await, 1);
    // Those that came too late counted as failures, which are forgotten after a day.
    world.advance(3_600 * 25);
    let steps = [waiting(&customer).await, waiting(&customer).await];
    assert_eq!(sixteen(&world, &steps, "recovery_code", &codes[3]).await, 1);
    assert_eq!(world.of_type("ephemeral", "session").await.len(), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_02_b_23_two_sign_ins_that_both_found_a_code_unused_do_not_both_use_it() {
    let (world, mut customer) = setting().await;
    let app = enrol_app(&world, &mut customer).await;
    let codes = recovery_codes(&customer).await;
    for (name, factor) in [("code", app.code(&world, 0)), ("recovery_code", codes[0].clone())] {
        let steps = [waiting(&customer).await, waiting(&customer).await];
        world.meet("auth-mfa", "TransactWriteItems", 2);
        let replies = together(2, |index| {
            let client = world.anonymous();
            let mut body = json!({ "mfa_token": steps[index]["mfa_token"] });
            body[name] = json!(factor);
            async move { client.post("/v1/auth/mfa", &body).await }
        })
        .await;
        world.stack.clear_fault();
        let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{name}: {replies:?}");
    }
}

/// Begins a sign-in by passkey, lets the authenticator answer, and gives ceremony and answer.
async fn by_passkey(world: &World, authenticator: &mut Authenticator) -> Value {
    let begun = world.anonymous().post("/v1/auth/passkeys", &Value::Null).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let answer = authenticator.get(&begun.json()["publicKey"]);
    json!({ "ceremony": begun.json()["ceremony"], "answer": answer })
}

async fn finish(world: &World, body: &Value) -> Reply {
    world.anonymous().post("/v1/auth/passkeys/finish", body).await
}

#[tokio::test]
async fn b_31_b_32_a_passkey_signs_in_alone_once_for_each_challenge_and_only_here() {
    let (world, mut customer) = setting().await;
    customer.enrol_passkey().await;
    let mut passkey = customer.passkey.take().unwrap().into_inner().unwrap();
    let mut body = by_passkey(&world, &mut passkey).await;
    let reply = finish(&world, &body).await;
    customer.take(&reply);
    let used = &customer.get("/v1/me/factors").await.json()["passkeys"][0]["used_at"];
    assert_eq!(used, &json!(crate::harness::START));
    refused(&finish(&world, &body).await);
    body = by_passkey(&world, &mut passkey).await;
    world.advance(300);
    let late = finish(&world, &body).await;
    refused(&late);
    let honest = passkey.conduct.clone();
    let conducts: [fn(&mut Authenticator); 5] = [
        |passkey| passkey.conduct.origin = "https://evil.example".into(),
        |passkey| passkey.conduct.rp_id = Some("evil.example".into()),
        |passkey| passkey.conduct.type_name = Some("webauthn.create".into()),
        |passkey| passkey.conduct.challenge = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()),
        |passkey| passkey.conduct.user_verified = false,
    ];
    for (index, misconduct) in conducts.into_iter().enumerate() {
        misconduct(&mut passkey);
        let body = by_passkey(&world, &mut passkey).await;
        let reply = finish(&world, &body).await;
        assert_eq!(reply.anonymised(), late.anonymised(), "{index}");
        passkey.conduct = honest.clone();
        // The challenge was good for one answer, right or wrong.
        refused(&finish(&world, &body).await);
    }
    // A ceremony with the answer to another one.
    let (one, other) = (
        by_passkey(&world, &mut passkey).await,
        by_passkey(&world, &mut passkey).await,
    );
    let mixed = json!({ "ceremony": one["ceremony"], "answer": other["answer"] });
    assert_eq!(finish(&world, &mixed).await.anonymised(), late.anonymised());
    assert_eq!(finish(&world, &other).await.status, 200);
}

#[tokio::test]
async fn b_36_b_37_b_38_a_passkey_is_of_one_account_that_is_confirmed_and_state_from_outside_is_refused() {
    let (world, mut ada) = setting().await;
    let bob = world.customer("Bob").await;
    ada.enrol_passkey().await;
    let mut passkey = ada.passkey.take().unwrap().into_inner().unwrap();
    let options = bob.post("/v1/me/factors/passkeys", &Value::Null).await.json();
    let mut own = Authenticator::new(PAGE);
    let answer = own.create(&options["publicKey"]);
    for name in ["state", "user", "challenge", "counter"] {
        let mut body = json!({ "name": "Key", "answer": answer });
        body[name] = json!("x");
        let reply = bob.post("/v1/me/factors/confirm-passkey", &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![format!("/{name}")]),
            "{reply:?}"
        );
    }
    let body = json!({ "name": "Key", "answer": answer });
    let foreign = ada.post("/v1/me/factors/confirm-passkey", &body).await;
    assert_eq!(
        foreign.problem(),
        (422, "invalid".into(), vec!["/answer".into()]),
        "{foreign:?}"
    );
    assert_eq!(
        bob.post("/v1/me/factors/confirm-passkey", &body).await.status,
        200
    );
    // A second answer to the same options, from a session that is new anyway.
    refused(&bob.post("/v1/me/factors/confirm-passkey", &body).await);
    unconfirm(&world, &ada).await;
    let body = by_passkey(&world, &mut passkey).await;
    refused(&finish(&world, &body).await);
}

async fn unconfirm(world: &World, customer: &Customer) {
    let user = customer.user().await;
    world.set_unverified(&user).await;
}

#[tokio::test]
async fn b_37_a_credential_that_any_account_has_is_registered_with_no_other() {
    let (world, mut ada) = setting().await;
    let bob = world.customer("Bob").await;
    ada.enrol_passkey().await;
    let options = ada.post("/v1/me/factors/passkeys", &Value::Null).await.json();
    let excluded = options["publicKey"]["excludeCredentials"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(excluded, 1, "{options}");
    let mut passkey = ada.passkey.take().unwrap().into_inner().unwrap();
    passkey.conduct.same_credential = true;
    let before = world.of_type("core", "passkey_guard").await;
    // The own one is among those that were not to answer.
    for (customer, problem) in [(&ada, (422, "invalid")), (&bob, (409, "conflict"))] {
        let options = customer
            .post("/v1/me/factors/passkeys", &Value::Null)
            .await
            .json();
        let body = json!({ "name": "Key", "answer": passkey.create(&options["publicKey"]) });
        let reply = customer.post("/v1/me/factors/confirm-passkey", &body).await;
        assert_eq!(
            reply.problem(),
            (problem.0, problem.1.into(), vec!["/answer".into()]),
            "{reply:?}"
        );
    }
    assert_eq!(world.of_type("core", "passkey_guard").await, before);
    assert_eq!(bob.try_password().await.status, 200, "nothing was added");
}

#[tokio::test]
async fn a_step_up_shows_a_factor_again_and_goes_on_in_a_new_session() {
    let (world, mut customer) = setting().await;
    world.advance(301);
    let old = customer.token.clone().unwrap();
    let wrong = customer
        .post("/v1/me/step-up", &json!({ "password": "not this one at all" }))
        .await;
    assert_eq!(wrong.problem(), (403, "forbidden".into(), vec![]), "{wrong:?}");
    let both = json!({ "password": PASSWORD, "code": WRONG_CODE });
    for body in [json!({}), both] {
        let reply = customer.post("/v1/me/step-up", &body).await;
        assert_eq!(reply.problem(), (422, "invalid".into(), vec![String::new()]));
    }
    let reply = customer
        .post("/v1/me/step-up", &json!({ "password": PASSWORD }))
        .await;
    customer.take(&reply);
    assert!(!works(&world, &old).await, "the old session is dead");
    let app = enrol_app(&world, &mut customer).await;
    world.advance(301);
    let reply = customer
        .post("/v1/me/step-up", &json!({ "password": PASSWORD }))
        .await;
    assert_eq!(reply.problem(), (422, "invalid".into(), vec!["/password".into()]));
    let code = json!({ "code": app.code(&world, 0) });
    let reply = customer.post("/v1/me/step-up", &code).await;
    customer.take(&reply);
    let again = customer.post("/v1/me/step-up", &code).await;
    assert_eq!(again.problem().0, 403, "a code is good once");
    customer.enrol_passkey().await;
    world.advance(301);
    let options = customer.post("/v1/me/step-up/passkey", &Value::Null).await.json();
    let answer = {
        let passkey = customer.passkey.as_ref().unwrap();
        passkey.lock().unwrap().get(&options["publicKey"])
    };
    let reply = customer
        .post("/v1/me/step-up", &json!({ "passkey": answer }))
        .await;
    customer.take(&reply);
    let log = customer.get("/v1/me/activity").await.json();
    let stepped = kinds(&log).iter().filter(|kind| **kind == "stepped_up").count();
    assert_eq!(stepped, 3, "{log}");
}

/// The token of another session of the same person.
async fn another_session(customer: &Customer) -> String {
    let reply = customer.try_sign_in().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.text("access_token")
}

#[tokio::test]
async fn b_16_every_change_of_factors_ends_the_other_sessions() {
    let (world, mut customer) = setting().await;
    enrol_app(&world, &mut customer).await;
    customer.enrol_passkey().await;
    let passkeys = customer.get("/v1/me/factors").await.json();
    let passkey = format!("passkeys/{}", passkeys["passkeys"][0]["id"].as_str().unwrap());
    let changes = [
        (Method::POST, "recovery-codes", 201),
        (Method::DELETE, "totp", 204),
        (Method::DELETE, &passkey, 204),
    ];
    for (method, path, status) in changes {
        let other = another_session(&customer).await;
        assert!(works(&world, &other).await);
        let path = format!("/v1/me/factors/{path}");
        let reply = customer.send(method, &path, &[], bytes::Bytes::new()).await;
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        assert!(!works(&world, &other).await, "{path}");
        assert!(works(&world, customer.token.as_deref().unwrap()).await, "{path}");
    }
}

#[tokio::test]
async fn c_17_the_51st_session_ends_the_oldest_also_when_a_passkey_begins_it() {
    let (world, mut customer) = setting().await;
    customer.enrol_passkey().await;
    let first = customer.token.clone().unwrap();
    world.advance(1);
    for _ in 1..50 {
        another_session(&customer).await;
    }
    assert!(works(&world, &first).await);
    let second = another_session(&customer).await;
    assert!(works(&world, &second).await && !works(&world, &first).await);
    let mut passkey = customer.passkey.take().unwrap().into_inner().unwrap();
    let reply = finish(&world, &by_passkey(&world, &mut passkey).await).await;
    customer.take(&reply);
    let list = customer.get("/v1/me/sessions").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 50, "{list}");
}

#[tokio::test]
async fn the_last_factor_takes_the_recovery_codes_along_and_an_account_its_passkeys() {
    let (world, mut customer) = setting().await;
    enrol_app(&world, &mut customer).await;
    customer.enrol_passkey().await;
    recovery_codes(&customer).await;
    assert_eq!(customer.delete("/v1/me/factors/totp", &[]).await.status, 204);
    assert_eq!(customer.delete("/v1/me/factors/totp", &[]).await.problem().0, 404);
    let list = customer.get("/v1/me/factors").await.json();
    assert_eq!(
        (&list["second_factor"], &list["recovery_codes_left"]),
        (&json!(true), &json!(10)),
        "{list}"
    );
    let id = list["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/me/factors/passkeys/{id}");
    assert_eq!(customer.delete(&path, &[]).await.status, 204);
    assert!(world.of_type("core", "passkey_guard").await.is_empty());
    let list = customer.get("/v1/me/factors").await.json();
    assert_eq!(
        list,
        json!({ "second_factor": false, "totp": null, "passkeys": [], "recovery_codes_left": 0 })
    );
    customer.sign_in().await;
    customer.enrol_passkey().await;
    assert_eq!(world.of_type("core", "passkey_guard").await.len(), 1);
    let reply = customer.delete("/v1/organisation", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert!(world.of_type("core", "passkey_guard").await.is_empty());
}

#[tokio::test]
async fn b_41_two_administrators_remove_lost_factors_and_one_does_not() {
    let (world, owner) = setting().await;
    let admin = world.joined(&owner, "Admin", "admin").await;
    let mut member = world.joined(&owner, "Member", "member").await;
    let path = format!("/v1/members/{}/reset-factors", member.user().await);
    let none = owner.post(&path, &Value::Null).await;
    assert_eq!(none.problem().0, 409, "{none:?}");
    enrol_app(&world, &mut member).await;
    member.enrol_passkey().await;
    let reply = owner.post(&path, &Value::Null).await;
    assert_eq!((reply.status, reply.text("state")), (202, "requested".into()));
    let before = world.everything().await;
    assert_eq!(owner.post(&path, &Value::Null).await.problem().0, 409);
    assert_unchanged(&before, &world.everything().await, "one administrator alone");
    let reply = member.post(&path, &Value::Null).await;
    assert_eq!(reply.problem().0, 403, "{reply:?}");
    let reply = admin.post(&path, &Value::Null).await;
    assert_eq!((reply.status, reply.text("state")), (200, "done".into()));
    assert!(!works(&world, member.token.as_deref().unwrap()).await);
    assert!(world.of_type("core", "passkey_guard").await.is_empty());
    assert_eq!(member.try_password().await.status, 200);
    let subjects = world.subjects(&member.email);
    for subject in [
        "An administrator asked to remove your second factors",
        "Your second factors were removed",
    ] {
        assert!(subjects.contains(&subject.to_owned()), "{subjects:?}");
    }
    let log = owner.get("/v1/organisation/activity").await.json();
    for kind in ["factors_reset_requested", "factors_reset"] {
        assert!(kinds(&log).contains(&kind), "{log}");
    }
    let to_owner = format!("/v1/members/{}/reset-factors", owner.user().await);
    assert_eq!(admin.post(&to_owner, &Value::Null).await.problem().0, 403);
    assert_eq!(owner.post(&to_owner, &Value::Null).await.problem().0, 403);
}

#[tokio::test]
async fn ock_13_an_organisation_of_ocktra_demands_two_factors_of_its_administrators_and_cannot_but() {
    let world = World::new(Profile::Ocktra).await;
    let mut customer = world.customer("Ada").await;
    let reply = put_security(&customer, &json!({ "mfa": "optional" })).await;
    assert_eq!(
        reply.problem(),
        (422, "invalid".into(), vec!["/mfa".into()]),
        "{reply:?}"
    );
    assert!(reply.json()["detail"].as_str().unwrap().contains("OCK-13"));
    let reply = put_security(&customer, &json!({ "mfa": "everyone" })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let stale = json!({ "mfa": "admins" });
    for (header, status) in [(vec![("if-match", "\"1\"")], 412), (vec![], 428)] {
        let reply = customer
            .json(Method::PUT, "/v1/organisation/security", &stale, &header)
            .await;
        assert_eq!(reply.problem().0, status, "{reply:?}");
    }
    customer.sign_in().await;
    assert_eq!(customer.get("/v1/organisation").await.status, 200);
}
