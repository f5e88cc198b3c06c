//! Passkeys: what they sign in to, and whose they are.

use serde_json::{Value, json};
use tests::authenticator::Authenticator;

use crate::factors::{refused, setting};
use crate::harness::{Customer, PAGE, Reply, World};

/// Begins a sign-in by passkey, lets the authenticator answer, and gives ceremony and answer.
pub async fn by_passkey(world: &World, authenticator: &mut Authenticator) -> Value {
    let begun = world.anonymous().post("/v1/auth/passkeys", &Value::Null).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let answer = authenticator.get(&begun.json()["publicKey"]);
    json!({ "ceremony": begun.json()["ceremony"], "answer": answer })
}

pub async fn finish(world: &World, body: &Value) -> Reply {
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
