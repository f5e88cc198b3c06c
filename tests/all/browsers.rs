//! Sessions of browsers: an opaque value in a cookie, and requests that only this site's pages can cause.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Client, Customer, PASSWORD, Reply, World};
use crate::support::assert_unchanged;

const HOME: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser that is signed in.
pub struct Browser {
    client: Client,
    pub cookie: String,
}

impl Browser {
    /// Signs in with a browser.
    pub async fn new(world: &World, email: &str) -> Self {
        let reply = sign_in(world, email, &[]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let cookie = set_cookie(&reply).split(';').next().unwrap().to_owned();
        Self {
            client: world.anonymous(),
            cookie,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &Value::Null, &[HOME]).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let mut all = vec![("cookie", self.cookie.as_str())];
        all.extend_from_slice(headers);
        self.client.json(method, path, body, &all).await
    }
}

async fn sign_in(world: &World, email: &str, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "email": email, "password": PASSWORD, "session": "cookie" });
    world
        .anonymous()
        .post_with("/v1/auth/login", &body, headers)
        .await
}

fn set_cookie(reply: &Reply) -> &str {
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "{reply:?}");
    cookies[0].to_str().unwrap()
}

async fn setting() -> (World, Customer, Browser) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let browser = Browser::new(&world, &customer.email).await;
    (world, customer, browser)
}

#[tokio::test]
async fn c_01_c_04_a_browser_gets_a_host_cookie_that_no_script_reads_and_of_which_only_a_hash_is_stored() {
    let (world, customer, _) = setting().await;
    let reply = sign_in(&world, &customer.email, &[]).await;
    let expected = json!({ "token_type": "Cookie", "expires_in": 7 * 24 * 3_600 });
    assert_eq!(
        (reply.status, reply.json()),
        (200, expected),
        "no token in the body"
    );
    let (pair, attributes) = set_cookie(&reply).split_once("; ").unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!(name, "__Host-session");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=604800; Secure; HttpOnly; SameSite=Lax"
    );
    // Three ids of 16 bytes and a secret of 32.
    assert_eq!(value.len(), 80 * 4 / 3 + 1);
    let secret = &value[64..];
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        for word in [value.as_bytes(), secret.as_bytes()] {
            assert!(!bytes.windows(word.len()).any(|window| window == word), "{place}");
        }
    }
    let other = sign_in(&world, &customer.email, &[]).await;
    assert_ne!(set_cookie(&other)[79..], set_cookie(&reply)[79..], "each is new");
}

#[tokio::test]
async fn a_browser_reads_and_writes_and_signs_out_with_its_cookie_alone() {
    let (world, _, browser) = setting().await;
    assert_eq!(browser.get("/v1/me").await.text("email"), "ada@customer.example");
    let asset = json!({ "kind": "asset", "fields": { "asset_tag": "B-1" } });
    let created = browser.send(Method::POST, "/v1/records", &asset, &[HOME]).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.header("cache-control"), Some("no-store"));
    assert!(created.header("set-cookie").is_none());
    let out = browser
        .send(Method::POST, "/v1/auth/logout", &Value::Null, &[HOME])
        .await;
    assert_eq!(out.status, 204, "{out:?}");
    // C-29, C-07: the browser forgets, and what it forgot is worth nothing.
    assert_eq!(
        out.header("clear-site-data"),
        Some("\"cache\", \"cookies\", \"storage\"")
    );
    assert!(set_cookie(&out).starts_with("__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly"));
    for path in ["/v1/me", "/v1/records?kind=asset"] {
        assert_eq!(
            browser.get(path).await.problem(),
            (401, "unauthenticated".into(), vec![])
        );
    }
    let sessions = world.of_type("ephemeral", "session").await;
    assert_eq!(
        sessions.len(),
        1,
        "the record of the session is gone: {sessions:?}"
    );
}

#[tokio::test]
async fn c_18_a_change_that_another_site_causes_is_refused_and_changes_nothing() {
    let (world, _, browser) = setting().await;
    let before = world.everything().await;
    let asset = json!({ "kind": "asset", "fields": { "asset_tag": "B-1" } });
    let origin = world.stack.ctx("me-get").config.origin.clone();
    let suffixed = format!("{origin}.evil.example");
    let evil = [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "")],
        &[("sec-fetch-site", "cross-site"), ("origin", &origin)],
        &[("sec-fetch-site", "same-origin, cross-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", &suffixed)],
        &[("referer", &origin)],
        &[],
    ]
    .map(<[_]>::to_vec);
    for headers in evil {
        for (method, path, body) in [
            (Method::POST, "/v1/records", &asset),
            (Method::PATCH, "/v1/me", &json!({ "name": "Eve" })),
            (Method::DELETE, "/v1/me", &Value::Null),
            (Method::DELETE, "/v1/me/sessions", &Value::Null),
            (Method::POST, "/v1/auth/logout", &Value::Null),
        ] {
            let reply = browser.send(method, path, body, &headers).await;
            assert_eq!(
                reply.problem(),
                (403, "forbidden".into(), vec![]),
                "{path} {headers:?}"
            );
        }
    }
    assert_unchanged(&before, &world.everything().await, "requests of other sites");
    // An old browser says no more than the origin; a page of ours is let through.
    let reply = browser
        .send(Method::POST, "/v1/records", &asset, &[("origin", &origin)])
        .await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[tokio::test]
async fn c_03_a_cookie_that_was_there_before_the_sign_in_is_not_adopted() {
    let (world, customer, browser) = setting().await;
    let planted = format!("__Host-session={}", "A".repeat(107));
    for cookie in [planted.as_str(), &browser.cookie] {
        let reply = sign_in(&world, &customer.email, &[("cookie", cookie)]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let given = set_cookie(&reply).split(';').next().unwrap();
        assert_ne!(given, cookie);
        let ids = |cookie: &str| cookie["__Host-session=".len() + 43..][..20].to_owned();
        assert_ne!(ids(given), ids(cookie), "the id of the session is new, too");
    }
    let reply = Browser {
        client: world.anonymous(),
        cookie: planted,
    };
    assert_eq!(reply.get("/v1/me").await.problem().0, 401);
}

#[tokio::test]
async fn c_27_a_cookie_that_is_changed_doubled_cut_or_somewhere_else_opens_nothing() {
    let (world, _, browser) = setting().await;
    let bob = world.customer("Bob").await;
    let other = Browser::new(&world, &bob.email).await;
    let before = world.everything().await;
    let value = browser.cookie.split_once('=').unwrap().1;
    let mut wrongs = vec![
        String::new(),
        format!("session={value}"),
        format!("{}; {}", browser.cookie, other.cookie),
        format!("{}A", browser.cookie),
        browser.cookie[..browser.cookie.len() - 1].to_owned(),
        // The head of one with the secret of another.
        format!("__Host-session={}{}", &value[..64], &other.cookie[79..]),
    ];
    for index in [3, 25, 50, 70, 100] {
        let swapped = if value.as_bytes()[index] == b'Q' { "g" } else { "Q" };
        wrongs.push(format!(
            "__Host-session={}{swapped}{}",
            &value[..index],
            &value[index + 1..]
        ));
    }
    for wrong in wrongs {
        let headers = [("cookie", wrong.as_str()), HOME];
        let reply = world
            .anonymous()
            .send(Method::GET, "/v1/me", &headers, Bytes::new())
            .await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".into(), vec![]),
            "{wrong}"
        );
    }
    let reply = world.with_token(value).get("/v1/me").await;
    assert_eq!(reply.problem().0, 401, "a cookie is no bearer token");
    let reply = world.anonymous().get(&format!("/v1/me?session={value}")).await;
    assert_eq!(reply.problem().0, 401);
    assert_unchanged(&before, &world.everything().await, "wrong cookies");
}

#[tokio::test]
async fn c_12_a_browser_that_rests_for_twelve_hours_is_signed_out_to_the_second() {
    let (world, _, browser) = setting().await;
    world.advance(12 * 3_600 - 1);
    assert_eq!(browser.get("/v1/me").await.status, 200);
    world.advance(12 * 3_600 - 1);
    assert_eq!(browser.get("/v1/me").await.status, 200, "each use counts");
    world.advance(12 * 3_600 + 1);
    assert_eq!(browser.get("/v1/me").await.problem().0, 401);
    assert_eq!(
        browser.get("/v1/me").await.problem().0,
        401,
        "being refused is no use"
    );
}

#[tokio::test]
async fn c_13_a_browser_that_is_always_used_is_signed_out_after_a_week() {
    let (world, _, browser) = setting().await;
    for _ in 0..14 {
        world.advance(12 * 3_600 - 1);
        assert_eq!(browser.get("/v1/me").await.status, 200);
    }
    world.advance(13);
    assert_eq!(browser.get("/v1/me").await.status, 200, "a second before");
    world.advance(1);
    assert_eq!(browser.get("/v1/me").await.problem().0, 401);
}

#[tokio::test]
async fn the_last_use_of_a_cookie_is_noted_once_a_minute_and_nothing_else_changes() {
    let (world, _, browser) = setting().await;
    let before = world.everything().await;
    world.advance(59);
    assert_eq!(browser.get("/v1/me").await.status, 200);
    assert_unchanged(&before, &world.everything().await, "a use within the minute");
    world.advance(1);
    world.stack.clear_calls();
    assert_eq!(browser.get("/v1/me").await.status, 200);
    assert_eq!(world.operations("me-get"), ["BatchGetItem", "UpdateItem"]);
    let changed = world.everything().await;
    let changed: Vec<_> = changed
        .iter()
        .filter(|(key, item)| before.get(*key) != Some(*item))
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    let (key, item) = changed[0];
    let mut expected = before[key].clone();
    expected["used_at"] = json!(world.now().as_millisecond().to_string());
    assert_eq!(item, &expected, "the hash and everything else is as it was");
}
