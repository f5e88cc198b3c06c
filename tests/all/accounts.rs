//! Accounts: registration that tells a stranger nothing, passwords, the own account and organisation.

use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{PASSWORD, Reply, World};
use crate::support::{assert_unchanged, together};

pub const PROFILES: [Profile; 5] = [
    Profile::Trackr,
    Profile::Ittrackr,
    Profile::Casetrakr,
    Profile::Ocktra,
    Profile::Trackado,
];

fn policy_version(world: &World) -> String {
    world.stack.profile().policy().version().to_string()
}

/// A registration that the profile takes.
pub fn registration(world: &World, email: &str) -> Value {
    json!({
        "name": "Ada Lovelace", "email": email, "company": "Analytical Engines", "password": PASSWORD,
        "age_confirmed": 18, "policy_version": policy_version(world),
    })
}

pub async fn register(world: &World, body: &Value) -> Reply {
    world.anonymous().post("/v1/auth/register", body).await
}

pub async fn login(world: &World, email: &str, password: &str) -> Reply {
    world
        .anonymous()
        .post("/v1/auth/login", &json!({ "email": email, "password": password }))
        .await
}

pub async fn verify(world: &World, code: &str) -> Reply {
    world
        .anonymous()
        .post("/v1/auth/verify-email", &json!({ "code": code }))
        .await
}

#[tokio::test]
async fn a_registration_gives_an_account_an_organisation_and_one_mail() {
    let world = World::new(Profile::Trackado).await;
    let reply = register(&world, &registration(&world, "Ada@Customer.Example")).await;
    assert_eq!(
        (reply.status, reply.json().as_object().unwrap().len()),
        (202, 1),
        "{reply:?}"
    );
    assert_eq!(
        world.subjects("ada@customer.example"),
        ["Confirm your e-mail address"]
    );
    let reply = verify(&world, &world.code("ada@customer.example")).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{reply:?}");
    let reply = login(&world, "ADA@customer.example", PASSWORD).await;
    let tokens = reply.json();
    assert_eq!(
        (reply.status, &tokens["token_type"], &tokens["expires_in"]),
        (200, &json!("Bearer"), &json!(600))
    );
    let client = world.with_token(tokens["access_token"].as_str().unwrap());
    let me = client.get("/v1/me").await;
    let organisation = client.get("/v1/organisation").await;
    let expected = json!({
        "id": me.json()["id"], "name": "Ada Lovelace", "email": "Ada@customer.example",
        "organisation": organisation.json()["id"], "created_at": crate::harness::START,
        "updated_at": crate::harness::START, "policy_version": policy_version(&world),
        "policy_accepted_at": crate::harness::START,
    });
    assert_eq!((me.status, me.json()), (200, expected));
    let expected = json!({
        "id": organisation.json()["id"], "name": "Analytical Engines", "subscription": "trialing",
        "created_at": crate::harness::START, "updated_at": crate::harness::START,
    });
    assert_eq!((organisation.status, organisation.json()), (200, expected));
    assert_eq!(
        world
            .items("control")
            .await
            .iter()
            .filter(|item| item["t"] == "mail_head")
            .count(),
        0
    );
}

#[tokio::test]
async fn trk_11_ctk_9_itt_15_ock_18_nobody_below_the_minimum_age_of_the_policy_can_register() {
    for profile in PROFILES {
        let world = World::new(profile).await;
        let minimum = profile.policy().minimum_age();
        let expected = if matches!(profile, Profile::Trackr | Profile::Ocktra) {
            16
        } else {
            18
        };
        assert_eq!(minimum, expected, "{profile:?}");
        let before = world.everything().await;
        let mut body = registration(&world, "ada@customer.example");
        for age in [0, 12, minimum - 1] {
            body["age_confirmed"] = json!(age);
            let reply = register(&world, &body).await;
            assert_eq!(
                reply.problem(),
                (422, "invalid".into(), vec!["/age_confirmed".into()]),
                "{reply:?}"
            );
            assert!(
                reply.json()["detail"]
                    .as_str()
                    .unwrap()
                    .contains(&minimum.to_string()),
                "{reply:?}"
            );
        }
        assert_unchanged(&before, &world.everything().await, "too young");
        body["age_confirmed"] = json!(minimum);
        assert_eq!(register(&world, &body).await.status, 202);
    }
}

#[tokio::test]
async fn only_the_current_version_of_the_policy_can_be_accepted() {
    let world = World::new(Profile::Trackado).await;
    let mut body = registration(&world, "ada@customer.example");
    for version in ["", "0", "latest", "2020-01-01"] {
        body["policy_version"] = json!(version);
        let reply = register(&world, &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["/policy_version".into()]),
            "{reply:?}"
        );
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains(&policy_version(&world)),
            "it names the current one: {detail}"
        );
    }
    assert_eq!(
        world.anonymous().get("/v1/policy").await.json()["version"],
        policy_version(&world)
    );
    assert_eq!(world.stack.mails().messages().len(), 0);
}

#[tokio::test]
async fn a_20_registering_a_taken_address_looks_the_same_and_only_its_owner_is_told() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let fresh = register(&world, &registration(&world, "new@customer.example")).await;
    for (address, verified) in [
        ("ada@customer.example", true),
        ("ADA@Customer.example", true),
        ("new@customer.example", false),
    ] {
        let before = (world.everything().await, world.stack.mails().messages().len());
        let mut body = registration(&world, address);
        body["password"] = json!("another password of mine");
        body["name"] = json!("Mallory");
        let taken = register(&world, &body).await;
        assert_eq!(taken.anonymised(), fresh.anonymised());
        assert_unchanged(&before.0, &world.everything().await, "a taken address");
        assert_eq!(world.stack.mails().messages().len(), before.1 + 1);
        let mail = world.stack.mails().messages().pop().unwrap();
        assert_eq!(
            (mail.subject.as_str(), mail.is_for(address)),
            ("You have an account already", true),
            "{verified}"
        );
        assert!(
            !mail.mime.contains("Mallory"),
            "what a stranger typed does not reach the owner"
        );
    }
    assert_eq!(login(&world, &customer.email, PASSWORD).await.status, 200);
    assert_eq!(
        login(&world, &customer.email, "another password of mine")
            .await
            .status,
        401
    );
    assert_eq!(customer.get("/v1/me").await.json()["name"], "Ada Ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_24_sixteen_registrations_of_one_address_at_one_moment_are_one_account() {
    let world = World::new(Profile::Trackr).await;
    // So many mails an address gets in an hour.
    world.meet("auth-register", "TransactWriteItems", 5);
    let body = registration(&world, "ada@customer.example");
    let replies = together(16, |_| {
        let (client, body) = (world.anonymous(), body.clone());
        async move { client.post("/v1/auth/register", &body).await }
    })
    .await;
    world.stack.clear_fault();
    let (taken, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 202);
    assert_eq!((taken.len(), refused.len()), (5, 11));
    for reply in &taken {
        assert_eq!(reply.anonymised(), taken[0].anonymised());
    }
    for reply in &refused {
        assert_eq!(reply.problem(), (429, "too-many-requests".into(), vec![]));
    }
    for (table, of_type) in [
        ("core", "user"),
        ("core", "email_guard"),
        ("core", "organisation"),
        ("core", "membership"),
    ] {
        assert_eq!(world.of_type(table, of_type).await.len(), 1, "{of_type}");
    }
    let subjects = world.subjects("ada@customer.example");
    assert_eq!(
        subjects
            .iter()
            .filter(|subject| *subject == "Confirm your e-mail address")
            .count(),
        1
    );
    assert_eq!(subjects.len(), 5, "the others told the owner: {subjects:?}");
    assert_eq!(verify(&world, &first_code(&world)).await.status, 204);
    assert_eq!(login(&world, "ada@customer.example", PASSWORD).await.status, 200);
}

/// The code of the only mail that has one.
fn first_code(world: &World) -> String {
    let mails = world.stack.mails().messages();
    let texts = mails.iter().filter_map(|mail| mail.text.clone());
    let mut codes = texts.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    codes
        .find(|word| word.starts_with("user_") && word.contains('.'))
        .unwrap()
}

#[tokio::test]
async fn a_code_is_good_for_one_use_and_24_hours_and_for_nobody_else() {
    let world = World::new(Profile::Trackado).await;
    let wrong = (422, "invalid".to_owned(), vec!["/code".to_owned()]);
    register(&world, &registration(&world, "ada@customer.example")).await;
    register(&world, &registration(&world, "bob@customer.example")).await;
    let (ada, bob) = (
        world.code("ada@customer.example"),
        world.code("bob@customer.example"),
    );
    let (user, secret) = ada.split_once('.').unwrap();
    let foreign = format!("{}.{secret}", bob.split_once('.').unwrap().0);
    let before = world.everything().await;
    for code in [
        &foreign,
        user,
        "",
        ".",
        "x.y",
        &format!("{ada}x"),
        &ada[..ada.len() - 1],
        &format!("{user}."),
    ] {
        let reply = verify(&world, code).await;
        assert_eq!(reply.problem(), wrong, "{code}: {reply:?}");
    }
    assert_unchanged(&before, &world.everything().await, "wrong codes");
    assert_eq!(
        verify(&world, &format!(" {ada}\n")).await.status,
        204,
        "copied with white space"
    );
    assert_eq!(verify(&world, &ada).await.problem(), wrong, "it was used");
    world.advance(24 * 3_600 - 1);
    let again = world
        .anonymous()
        .post(
            "/v1/auth/resend-verification",
            &json!({ "email": "bob@customer.example" }),
        )
        .await;
    assert_eq!(again.status, 202);
    let newer = world.code("bob@customer.example");
    assert_ne!(newer, bob);
    assert_eq!(
        verify(&world, &bob).await.problem(),
        wrong,
        "a newer one replaced it"
    );
    world.advance(24 * 3_600);
    assert_eq!(verify(&world, &newer).await.problem(), wrong, "it is too old");
    world
        .anonymous()
        .post(
            "/v1/auth/resend-verification",
            &json!({ "email": "bob@customer.example" }),
        )
        .await;
    world.advance(24 * 3_600 - 1);
    assert_eq!(
        verify(&world, &world.code("bob@customer.example")).await.status,
        204
    );
}

#[tokio::test]
async fn asking_for_the_code_again_tells_nothing_about_an_address() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    register(&world, &registration(&world, "waits@customer.example")).await;
    let resend = async |email: &str| {
        let before = world.stack.mails().messages().len();
        let reply = world
            .anonymous()
            .post("/v1/auth/resend-verification", &json!({ "email": email }))
            .await;
        (reply.anonymised(), world.stack.mails().messages().len() - before)
    };
    let (waits, one) = resend("waits@customer.example").await;
    let before = world.everything().await;
    let (verified, none) = resend(&customer.email).await;
    let (unknown, nobody) = resend("nobody@customer.example").await;
    assert_eq!((waits.0, one, none, nobody), (202, 1, 0, 0));
    assert_eq!((&verified, &unknown), (&waits, &waits));
    assert_unchanged(&before, &world.everything().await, "a resend to nobody");
}

#[tokio::test]
async fn a_18_a_33_an_unknown_address_a_wrong_password_and_an_unverified_account_get_one_answer() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    register(&world, &registration(&world, "waits@customer.example")).await;
    let before = world.everything().await;
    let wrong = login(&world, &customer.email, "not the password at all").await;
    assert_eq!(wrong.problem(), (401, "unauthenticated".into(), vec![]));
    for (email, password) in [
        ("nobody@customer.example", PASSWORD),
        ("waits@customer.example", PASSWORD),
        ("waits@customer.example", "not the password at all"),
        ("not an address", PASSWORD),
        ("", PASSWORD),
        (customer.email.as_str(), ""),
    ] {
        let reply = login(&world, email, password).await;
        assert_eq!(reply.anonymised(), wrong.anonymised(), "{email}");
    }
    let mut after = world.everything().await;
    after.retain(|key, _| !key.starts_with("ephemeral ACTIVITY#"));
    let mut before = before;
    before.retain(|key, _| !key.starts_with("ephemeral ACTIVITY#"));
    assert_unchanged(&before, &after, "failed sign-ins");
    // The same work, too: the calls are the same, and so is the hashing (see `nobody`).
    let mut calls = Vec::new();
    for email in [customer.email.as_str(), "nobody@customer.example"] {
        world.stack.clear_calls();
        login(&world, email, "not the password at all").await;
        let mut operations = world.operations("auth-login");
        operations.sort();
        calls.push(operations);
    }
    assert!(calls.iter().all(|of_one| *of_one == calls[0]), "{calls:?}");
}
