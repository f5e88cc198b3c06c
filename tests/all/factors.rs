//! Second factors: set up, asked for, shown, lost.

use http::Method;
use serde_json::{Value, json};
use shared::mfa::totp::{Algorithm, code_at, step_at};
use shared::policy::Profile;

use crate::colleagues::kinds;
use crate::harness::{Customer, PASSWORD, Reply, World};
use crate::passkeys;

pub const WRONG_CODE: &str = "000000";

/// An authenticator app.
#[derive(Clone)]
pub struct App(Vec<u8>);

impl App {
    pub fn new(secret: &str) -> Self {
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
    pub fn code(&self, world: &World, steps: i64) -> String {
        let step = step_at(world.now()).checked_add_signed(steps).unwrap();
        code_at(Algorithm::Sha1, &self.0, step, 6)
    }
}

pub async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

/// Sets an app up, and goes on with the session that comes of it.
pub async fn enrol_app(world: &World, customer: &mut Customer) -> App {
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

pub async fn recovery_codes(customer: &Customer) -> Vec<String> {
    let reply = customer.post("/v1/me/factors/recovery-codes", &Value::Null).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let codes = reply.json()["codes"].as_array().unwrap().clone();
    codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

/// Shows the password, and gives what waits for the second factor.
pub async fn waiting(customer: &Customer) -> Value {
    let reply = customer.try_password().await;
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()
}

pub async fn show(world: &World, waiting: &Value, name: &str, factor: &Value) -> Reply {
    let mut body = json!({ "mfa_token": waiting["mfa_token"] });
    body[name] = factor.clone();
    world.anonymous().post("/v1/auth/mfa", &body).await
}

pub async fn show_code(world: &World, waiting: &Value, code: &str) -> Reply {
    show(world, waiting, "code", &json!(code)).await
}

pub async fn works(world: &World, token: &str) -> bool {
    world.with_token(token).get("/v1/me").await.status == 200
}

pub fn refused(reply: &Reply) {
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

pub async fn put_security(customer: &Customer, body: &Value) -> Reply {
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
    let reply = passkeys::finish(&world, &passkeys::by_passkey(&world, &mut passkey).await).await;
    customer.take(&reply);
    let list = customer.get("/v1/me/sessions").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 50, "{list}");
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
