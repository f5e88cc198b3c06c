//! Sessions: rotation, reuse, the absolute end, signing out.

use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Customer, Reply, World};
use crate::support::{assert_unchanged, number, together};

async fn refresh(world: &World, token: &str) -> Reply {
    world
        .anonymous()
        .post("/v1/auth/refresh", &json!({ "refresh_token": token }))
        .await
}

fn text(reply: &Reply, name: &str) -> String {
    reply.json()[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {reply:?}"))
        .to_owned()
}

/// Whether an access token is good.
async fn works(world: &World, access_token: &str) -> bool {
    let reply = world.with_token(access_token).get("/v1/me").await;
    assert!(matches!(reply.status, 200 | 401), "{reply:?}");
    reply.status == 200
}

async fn setting() -> (World, Customer, String) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let access = customer.token.clone().unwrap();
    (world, customer, access)
}

#[tokio::test]
async fn e_01_e_03_a_refresh_token_is_replaced_and_the_one_before_gets_the_same_again_within_a_minute() {
    let (world, customer, _) = setting().await;
    world.advance(600);
    let first = refresh(&world, &customer.refresh_token).await;
    assert_eq!(
        (first.status, &first.json()["expires_in"]),
        (200, &json!(600)),
        "{first:?}"
    );
    assert_ne!(text(&first, "refresh_token"), customer.refresh_token);
    assert!(works(&world, &text(&first, "access_token")).await);
    let before = world.everything().await;
    for _ in 0..3 {
        world.advance(19);
        let again = refresh(&world, &customer.refresh_token).await;
        assert_eq!(
            (again.status, text(&again, "refresh_token")),
            (200, text(&first, "refresh_token")),
            "no branch"
        );
        assert!(works(&world, &text(&again, "access_token")).await);
    }
    assert_unchanged(&before, &world.everything().await, "a repeated refresh");
    let next = refresh(&world, &text(&first, "refresh_token")).await;
    assert_eq!(next.status, 200, "the family lives: {next:?}");
}

#[tokio::test]
async fn e_02_an_old_token_ends_the_whole_session_with_its_access_tokens_and_the_owner_is_told() {
    for (steps, seconds) in [(2, 0), (1, 60), (3, 3_600)] {
        let (world, mut customer, _) = setting().await;
        let mut token = customer.refresh_token.clone();
        let old = token.clone();
        let mut access = String::new();
        for _ in 0..steps {
            let reply = refresh(&world, &token).await;
            (token, access) = (text(&reply, "refresh_token"), text(&reply, "access_token"));
        }
        customer.sign_in().await;
        let other = customer.token.clone().unwrap();
        world.advance(seconds);
        let refused = refresh(&world, &old).await;
        assert_eq!(
            refused.problem(),
            (401, "unauthenticated".into(), vec![]),
            "{steps} {seconds}"
        );
        assert!(!works(&world, &access).await, "its access token is dead");
        assert_eq!(
            refresh(&world, &token).await.status,
            401,
            "its newest refresh token, too"
        );
        assert_eq!(
            works(&world, &other).await,
            seconds < 600,
            "another session of the same person lives"
        );
        assert_eq!(refresh(&world, &customer.refresh_token).await.status, 200);
        let subjects = world.subjects(&customer.email);
        assert_eq!(
            subjects,
            ["Confirm your e-mail address", "We signed you out of a session"]
        );
        assert_eq!(refresh(&world, &old).await.anonymised(), refused.anonymised());
        assert_eq!(world.subjects(&customer.email).len(), 2, "and told once");
    }
}

#[tokio::test]
async fn e_08_e_10_a_token_that_was_never_issued_is_refused_and_ends_nothing() {
    let (world, customer, access) = setting().await;
    let bob = world.customer("Bob").await;
    let before = world.everything().await;
    let good = customer.refresh_token.as_str();
    let mut wrongs = vec![
        String::new(),
        "x".into(),
        "A".repeat(96),
        good[1..].into(),
        format!("{good}A"),
        access.clone(),
    ];
    // Every part changed: user, session, rotation, tag.
    for index in [3, 30, 47, 52, 70, 95] {
        let other = if good.as_bytes()[index] == b'Q' { "g" } else { "Q" };
        wrongs.push(format!("{}{other}{}", &good[..index], &good[index + 1..]));
    }
    // The head of one person's token with the tail of another's.
    wrongs.push(format!("{}{}", &good[..43], &bob.refresh_token[43..]));
    wrongs.push(format!("{}{}", &bob.refresh_token[..22], &good[22..]));
    let refused = refresh(&world, "A").await;
    assert_eq!(refused.problem(), (401, "unauthenticated".into(), vec![]));
    for wrong in wrongs {
        assert_eq!(
            refresh(&world, &wrong).await.anonymised(),
            refused.anonymised(),
            "{wrong}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "forged tokens");
    assert!(works(&world, &access).await && works(&world, bob.token.as_deref().unwrap()).await);
    assert_eq!(world.subjects(&customer.email).len(), 1, "no alarm for nonsense");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_refreshes_of_one_token_at_one_moment_leave_one_family() {
    let (world, customer, _) = setting().await;
    world.meet("auth-refresh", "TransactWriteItems", 16);
    let replies = together(16, |_| {
        let (client, body) = (
            world.anonymous(),
            json!({ "refresh_token": customer.refresh_token }),
        );
        async move { client.post("/v1/auth/refresh", &body).await }
    })
    .await;
    world.stack.clear_fault();
    let next = text(&replies[0], "refresh_token");
    for reply in &replies {
        assert_eq!(
            (reply.status, text(reply, "refresh_token")),
            (200, next.clone()),
            "{reply:?}"
        );
        assert!(works(&world, &text(reply, "access_token")).await);
    }
    let sessions = world.of_type("ephemeral", "session").await;
    assert_eq!((sessions.len(), number(&sessions[0]["rotation"])), (1, 1));
    assert_eq!(refresh(&world, &next).await.status, 200);
}

#[tokio::test]
async fn e_12_c_13_a_session_that_is_always_used_ends_after_30_days_to_the_second() {
    let (world, customer, _) = setting().await;
    let mut token = customer.refresh_token.clone();
    for _ in 0..29 {
        world.advance(24 * 3_600);
        token = text(&refresh(&world, &token).await, "refresh_token");
    }
    world.advance(24 * 3_600 - 1);
    let last = refresh(&world, &token).await;
    let (token, access) = (text(&last, "refresh_token"), text(&last, "access_token"));
    assert!(works(&world, &access).await);
    world.advance(1);
    assert!(
        !works(&world, &access).await,
        "although the access token has minutes left"
    );
    assert_eq!(refresh(&world, &token).await.problem().0, 401);
    assert_eq!(
        world.of_type("ephemeral", "session").await.len(),
        1,
        "the row is still there: the time decides"
    );
}

#[tokio::test]
async fn d_16_an_access_token_ends_after_ten_minutes() {
    let (world, _, access) = setting().await;
    world.advance(599);
    assert!(works(&world, &access).await);
    // Clocks differ; the verifier allows for a little.
    world.advance(61);
    assert!(!works(&world, &access).await);
}

#[tokio::test]
async fn c_07_c_08_d_42_e_13_signing_out_ends_this_session_at_once_and_no_other() {
    let (world, mut customer, access) = setting().await;
    let token = customer.refresh_token.clone();
    customer.sign_in().await;
    let reply = world
        .with_token(&access)
        .post("/v1/auth/logout", &Value::Null)
        .await;
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{reply:?}");
    assert!(!works(&world, &access).await);
    assert_eq!(refresh(&world, &token).await.problem().0, 401);
    for path in ["/v1/records?kind=asset", "/v1/organisation"] {
        assert_eq!(world.with_token(&access).get(path).await.problem().0, 401);
    }
    assert_eq!(
        world
            .with_token(&access)
            .post("/v1/auth/logout", &Value::Null)
            .await
            .problem()
            .0,
        401
    );
    assert!(works(&world, customer.token.as_deref().unwrap()).await);
    assert_eq!(refresh(&world, &customer.refresh_token).await.status, 200);
    assert_eq!(world.subjects(&customer.email).len(), 1, "no alarm");
}

#[tokio::test]
async fn c_01_e_18_d_44_no_token_is_stored_and_none_tells_who_its_owner_is() {
    let (world, customer, access) = setting().await;
    let words = [
        customer.refresh_token.as_bytes(),
        access.as_bytes(),
        b"customer.example".as_slice(),
        b"Ada Works",
    ];
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        for word in words {
            assert!(!bytes.windows(word.len()).any(|window| window == word), "{place}");
        }
    }
    let claims = access.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["aud", "exp", "iat", "iss", "jti", "nbf", "org", "sid", "sub"]
    );
    assert!(!claims.to_string().to_lowercase().contains("ada"));
}

#[tokio::test]
async fn c_33_containers_that_serve_two_customers_in_turn_never_mix_them_up() {
    let (world, ada, _) = setting().await;
    let bob = world.customer("Bob").await;
    for n in 0..1_000 {
        let (customer, email) = if n % 3 == 0 {
            (&bob, "bob@")
        } else {
            (&ada, "ada@")
        };
        let reply = customer.get("/v1/me").await;
        assert!(
            reply.status == 200 && text(&reply, "email").starts_with(email),
            "{n}: {reply:?}"
        );
    }
}
