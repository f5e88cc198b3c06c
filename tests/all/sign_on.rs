//! Single sign-on over HTTP: to the provider and back, with one that works and one that gets one thing wrong at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;
use tests::openid::{Algorithm, Fault, Provider};
use url::Url;

use crate::colleagues::kinds;
use crate::connections::connect;
use crate::harness::{Client, Customer, Reply, World};
use crate::support::together;

pub const BEGIN: &str = "/v1/auth/sso";
pub const IDENTITIES: &str = "/v1/me/identities";
pub const STEP_UP: &str = "/v1/me/step-up/sso";
const CONNECTIONS: &str = "/v1/organisation/connections";

/// An organisation with a provider that knows its owner.
pub struct Setting {
    pub world: World,
    pub owner: Customer,
    pub provider: Arc<Provider>,
    pub connection: Value,
}

/// A browser on its way to a provider.
#[derive(Clone)]
pub struct Journey {
    pub url: Url,
    pub cookie: String,
}

/// The value of a cookie that an answer sets, with its attributes.
fn cookies(reply: &Reply) -> Vec<&str> {
    let cookies = reply.headers.get_all("set-cookie").iter();
    cookies.map(|value| value.to_str().unwrap()).collect()
}

/// The cookie pair of the session that an answer begins.
pub fn session_of(reply: &Reply) -> Option<String> {
    let cookies = cookies(reply);
    let set = cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-session="))?;
    Some(set.split(';').next().unwrap().to_owned())
}

impl Journey {
    pub fn new(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{reply:?}");
        let set = cookies(reply);
        let (pair, attributes) = set[0].split_once("; ").unwrap();
        assert!(pair.starts_with("__Host-session_sso="), "{set:?}");
        assert_eq!(attributes, "Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax");
        Self {
            url: reply.text("authorization_url").parse().unwrap(),
            cookie: pair.to_owned(),
        }
    }
}

impl Setting {
    pub async fn new() -> Self {
        let world = World::new(Profile::Trackado).await;
        let owner = world.customer("Ada").await;
        Self::of(world, owner).await
    }

    /// The same with somebody's organisation.
    pub async fn of(world: World, owner: Customer) -> Self {
        let provider = world.provider().await;
        let connection = connect(&owner, &provider).await;
        world.prove(&owner, "customer.example").await;
        Self {
            world,
            owner,
            provider,
            connection,
        }
    }

    /// The same with the owner's identity linked.
    pub async fn linked() -> Self {
        let setting = Self::new().await;
        setting.link(&setting.owner).await;
        setting
    }

    /// Sets out to sign in with an address of the organisation's domain.
    pub async fn set_out(&self, body: &Value) -> Journey {
        Journey::new(&self.world.anonymous().post(BEGIN, body).await)
    }

    /// Sets out to link an identity.
    pub async fn set_out_to_link(&self, client: &Client) -> Journey {
        let body = json!({ "connection_id": self.connection["id"], "return_to": "/me" });
        Journey::new(&client.post(IDENTITIES, &body).await)
    }

    /// Is sent back by the provider.
    pub async fn come_back(&self, journey: &Journey) -> Reply {
        self.arrive(&self.provider.visit(&journey.url).unwrap(), &journey.cookie)
            .await
    }

    /// Arrives with a cookie.
    pub async fn arrive(&self, back: &Url, cookie: &str) -> Reply {
        let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        // A browser that comes from another site's page.
        let headers = [("cookie", cookie), ("sec-fetch-site", "cross-site")];
        let client = self.world.anonymous();
        client.send(Method::GET, &path, &headers, Bytes::new()).await
    }

    pub async fn link(&self, client: &Client) {
        let reply = self.come_back(&self.set_out_to_link(client).await).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/me")),
            "{reply:?}"
        );
        assert_eq!(session_of(&reply), None, "the session goes on");
    }

    /// Signs in through the provider, from the beginning.
    pub async fn sign_in(&self) -> Reply {
        let journey = self.set_out(&json!({ "email": "x@customer.example" })).await;
        self.come_back(&journey).await
    }

    /// A browser that signed in through the provider.
    pub async fn browser(&self) -> Client {
        let reply = self.sign_in().await;
        assert_eq!(reply.status, 303, "{reply:?}");
        let cookie = session_of(&reply).unwrap();
        self.world.anonymous().with_cookie(&cookie)
    }

    /// What must not come of a sign-in that is refused.
    async fn results(&self) -> [Vec<Value>; 4] {
        [
            self.world.of_type("ephemeral", "session").await,
            self.world.of_type("core", "identity").await,
            self.world.of_type("core", "identity_guard").await,
            self.world.of_type("core", "user").await,
        ]
    }

    fn path(&self) -> String {
        format!("{CONNECTIONS}/{}", self.connection["id"].as_str().unwrap())
    }

    async fn enable(&self, enabled: bool) {
        let (body, headers) = (json!({ "enabled": enabled }), [("if-match", "*")]);
        let reply = self
            .owner
            .json(Method::PATCH, &self.path(), &body, &headers)
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

/// The one answer to whoever is not let in.
#[track_caller]
pub fn is_refused(reply: &Reply, what: &str) {
    assert_eq!(
        reply.problem(),
        (401, "unauthenticated".into(), vec![]),
        "{what}: {reply:?}"
    );
    let detail = "The sign-in with your identity provider did not succeed.";
    assert_eq!(reply.text("detail"), detail, "{what}");
    assert!(cookies(reply).is_empty(), "{what}: {reply:?}");
}

#[tokio::test]
async fn f_01_who_linked_an_identity_signs_in_with_it_and_lands_where_they_wanted_to_go() {
    let setting = Setting::new().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let offered = owner.get(IDENTITIES).await;
    let offer = json!({
        "id": setting.connection["id"], "organisation_id": owner.organisation().await, "organisation": "Ada Works",
    });
    assert_eq!(offered.json(), json!({ "data": [], "connections": [offer] }));
    setting.link(owner).await;
    let linked = owner.get(IDENTITIES).await.json()["data"][0].clone();
    assert_eq!(linked["issuer"], json!(setting.provider.issuer));
    assert_eq!(
        (&linked["subject"], &linked["used_at"]),
        (&json!("ada"), &Value::Null)
    );
    assert!(
        world
            .subjects(&owner.email)
            .contains(&"Your sign-in has another identity".to_owned())
    );

    let wanted = json!({ "email": "nobody@customer.example", "return_to": "/records?kind=asset" });
    let journey = setting.set_out(&wanted).await;
    let reply = setting.come_back(&journey).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/records?kind=asset")),
        "{reply:?}"
    );
    assert_eq!(
        (reply.header("cache-control"), reply.body.len()),
        (Some("no-store"), 0)
    );
    let cleared = cookies(&reply)
        .into_iter()
        .find(|cookie| cookie.starts_with("__Host-session_sso="));
    assert_eq!(
        cleared,
        Some("__Host-session_sso=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
    );
    let browser = world.anonymous().with_cookie(&session_of(&reply).unwrap());
    assert_eq!(browser.user_email().await, owner.email);
    assert_eq!(browser.get("/v1/records?kind=asset").await.status, 200);
    let sessions = browser.get("/v1/me/sessions").await.json();
    let methods: Vec<_> = sessions["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["method"])
        .collect();
    assert!(methods.contains(&&json!("sso")), "{methods:?}");
    let used = &owner.get(IDENTITIES).await.json()["data"][0]["used_at"];
    assert_eq!(used, "2026-11-23T00:00:00Z", "to the day");
    let log = owner.get("/v1/organisation/activity").await.json();
    assert!(kinds(&log).contains(&"signed_in"));
    // The second time on one day changes nothing of the identity.
    assert_eq!(setting.sign_in().await.status, 303);
}

impl Client {
    pub async fn user_email(&self) -> String {
        self.get("/v1/me").await.text("email")
    }
}

#[tokio::test]
async fn a_sign_in_begins_by_address_or_connection_and_tells_nobody_who_has_an_account() {
    let setting = Setting::linked().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let org = owner.organisation().await;
    let by_id = json!({ "organisation_id": org, "connection_id": setting.connection["id"] });
    let journey = setting.set_out(&by_id).await;
    assert_eq!(setting.come_back(&journey).await.status, 303);
    let anonymous = world.anonymous();
    for email in [
        owner.email.as_str(),
        "nobody@customer.example",
        "x@CUSTOMER.example",
    ] {
        let reply = anonymous.post(BEGIN, &json!({ "email": email })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let names: BTreeSet<_> = reply.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            names,
            BTreeSet::from(["authorization_url".to_owned(), "expires_at".to_owned()])
        );
        assert!(
            !reply.text("authorization_url").contains("example%40"),
            "no address in a URL"
        );
    }
    let absent = json!({ "organisation_id": org, "connection_id": "connection_00000000000000000000000001" });
    let other = json!({
        "organisation_id": "org_00000000000000000000000001", "connection_id": setting.connection["id"],
    });
    for body in [
        json!({ "email": "ada@other.example" }),
        json!({ "email": "ada@sub.customer.example" }),
        absent,
        other,
    ] {
        let reply = anonymous.post(BEGIN, &body).await;
        assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{body}");
    }
    let both =
        json!({ "email": owner.email, "organisation_id": org, "connection_id": setting.connection["id"] });
    for body in [json!({}), both, json!({ "organisation_id": org })] {
        let reply = anonymous.post(BEGIN, &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![String::new()]),
            "{body}"
        );
    }
    setting.enable(false).await;
    for body in [json!({ "email": owner.email }), by_id] {
        let reply = anonymous.post(BEGIN, &body).await;
        assert_eq!(
            reply.problem(),
            (404, "not-found".into(), vec![]),
            "{body}: it is off"
        );
    }
    let mut last = 200;
    for _ in 0..100 {
        last = anonymous
            .post(BEGIN, &json!({ "email": "ada@other.example" }))
            .await
            .status;
    }
    assert_eq!(last, 429, "one source begins so many");
}

#[tokio::test]
async fn f_18_f_19_f_23_who_has_somebodys_address_and_not_their_identity_does_not_get_in() {
    let setting = Setting::linked().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let before = setting.results().await;
    for (name, value) in [
        ("sub", json!("mallory")),
        ("sub", json!("ADA")),
        ("sub", json!("ada ")),
        ("sub", json!(owner.email)),
    ] {
        setting.provider.says(name, value.clone());
        for verified in [true, false] {
            setting.provider.says("email", json!(owner.email));
            setting.provider.says("email_verified", json!(verified));
            is_refused(&setting.sign_in().await, &format!("{name} {value}"));
        }
    }
    assert_eq!(
        setting.results().await,
        before,
        "no account, no identity, no session"
    );
    let log = owner
        .get("/v1/organisation/activity?kind=sign_in_failed")
        .await
        .json();
    let entry = log["data"][0].clone();
    assert_eq!(log["data"].as_array().unwrap().len(), 8);
    assert_eq!(
        (&entry["object"], &entry["actor"]),
        (&setting.connection["id"], &Value::Null)
    );
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        let found = bytes.windows(7).any(|window| window == b"mallory");
        assert!(!found, "strangers are not kept: {place}");
    }
}

#[tokio::test]
async fn f_02_f_28_a_flow_ends_with_the_first_who_come_back_and_only_in_the_browser_that_began_it() {
    let setting = Setting::linked().await;
    let before = setting.results().await;
    let set_out = async || setting.set_out(&json!({ "email": "x@customer.example" })).await;
    let (journey, other) = (set_out().await, set_out().await);
    let back = setting.provider.visit(&journey.url).unwrap();
    // Another browser consumes the flow, too: it is good for one answer.
    is_refused(&setting.arrive(&back, &other.cookie).await, "another browser");
    is_refused(
        &setting.arrive(&back, &journey.cookie).await,
        "the flow was consumed",
    );
    for cookie in [
        "",
        "__Host-session_sso=",
        "__Host-session_sso=a; __Host-session_sso=b",
    ] {
        let journey = set_out().await;
        let back = setting.provider.visit(&journey.url).unwrap();
        is_refused(&setting.arrive(&back, cookie).await, cookie);
    }
    let twice = set_out().await;
    let back = setting.provider.visit(&twice.url).unwrap();
    let doubled = format!("{}; {}", twice.cookie, twice.cookie);
    is_refused(
        &setting.arrive(&back, &doubled).await,
        "a cookie that stands twice",
    );
    for query in ["", "code=a", "state=", "state=wrong&code=a"] {
        let mut back = back.clone();
        back.set_query(Some(query));
        is_refused(&setting.arrive(&back, &twice.cookie).await, query);
    }
    let late = set_out().await;
    let back = setting.provider.visit(&late.url).unwrap();
    setting.world.advance(600);
    is_refused(&setting.arrive(&back, &late.cookie).await, "ten minutes are over");
    assert_eq!(setting.results().await, before);
    let good = set_out().await;
    let back = setting.provider.visit(&good.url).unwrap();
    assert_eq!(setting.arrive(&back, &good.cookie).await.status, 303);
    is_refused(&setting.arrive(&back, &good.cookie).await, "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn f_28_sixteen_who_come_back_at_once_with_one_code_get_one_session() {
    let setting = Arc::new(Setting::linked().await);
    let before = setting.results().await[0].len();
    let journey = setting.set_out(&json!({ "email": "x@customer.example" })).await;
    let back = setting.provider.visit(&journey.url).unwrap();
    let replies = together(16, |_| {
        let (setting, back, journey) = (Arc::clone(&setting), back.clone(), journey.clone());
        async move { setting.arrive(&back, &journey.cookie).await }
    })
    .await;
    let (let_in, others): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 303);
    assert_eq!((let_in.len(), others.len()), (1, 15), "{replies:?}");
    for reply in others {
        is_refused(reply, "another was first");
    }
    assert_eq!(setting.results().await[0].len(), before + 1);
    let asked = setting.provider.seen();
    assert_eq!(
        asked.iter().filter(|path| *path == "/token").count(),
        2,
        "linking and signing in: {asked:?}"
    );
}

/// Everything that a provider can get wrong and that must sign nobody in.
fn faults(setting: &Setting) -> Vec<Fault> {
    let now = setting.world.now().as_second();
    let mut faults = vec![
        Fault::BadSignature,
        Fault::Unsigned("none"),
        Fault::Unsigned("nOnE"),
        Fault::Mac(tests::openid::CLIENT_SECRET.as_bytes().to_vec()),
        Fault::ForeignKey,
        Fault::EmbeddedKey,
        Fault::ZeroSignature,
        Fault::Encrypted,
        Fault::Header("alg", Some(json!("HS256"))),
        Fault::Header("typ", Some(json!("logout+jwt"))),
        Fault::Header("kid", Some(json!("../../../../dev/null"))),
        Fault::Token(b"{}".to_vec()),
        Fault::Token(b"<html>".to_vec()),
        Fault::TokenRedirect("http://169.254.169.254/".to_owned()),
        Fault::Answer("iss", Some("https://other.example")),
        Fault::Answer("iss", None),
        Fault::Answer("code", None),
        Fault::Answer("code", Some("another")),
        Fault::Answer("state", None),
        Fault::Answer("state", Some("another")),
        Fault::Answer("error", Some("access_denied")),
        Fault::Answer("error", Some("<script>alert(1)</script>")),
    ];
    for name in ["sub", "iat", "aud", "exp", "iss", "nonce"] {
        faults.push(Fault::Claim(name, None));
    }
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("aud", json!("another-client")),
        ("aud", json!([tests::openid::CLIENT_ID, "another-client"])),
        ("azp", json!("another-client")),
        ("nonce", json!("another")),
        ("exp", json!(now - 1)),
        ("iat", json!(now - 700)),
        ("nbf", json!(now + 3_600)),
        ("sub", json!("mallory")),
    ] {
        faults.push(Fault::Claim(name, Some(value)));
    }
    faults
}

#[tokio::test]
async fn f_04_to_f_27_whatever_a_provider_gets_wrong_signs_nobody_in_and_gets_the_one_answer() {
    let setting = Setting::linked().await;
    let before = setting.results().await;
    for fault in faults(&setting) {
        setting.provider.fault(fault.clone());
        is_refused(&setting.sign_in().await, &format!("{fault:?}"));
        // Every sign-in of this source counts.
        setting.world.advance(6);
    }
    assert_eq!(
        setting.results().await,
        before,
        "no account, no identity, no session"
    );
    setting.provider.fault(Fault::None);
    let journey = setting.set_out(&json!({ "email": "x@customer.example" })).await;
    let mut back = setting.provider.visit(&journey.url).unwrap();
    back.query_pairs_mut()
        .append_pair("session_state", "x")
        .append_pair("scope", "openid email")
        .append_pair("error_description", "<b>not an error</b>");
    assert_eq!(
        setting.arrive(&back, &journey.cookie).await.status,
        303,
        "what means nothing is ignored"
    );
}

#[tokio::test]
async fn f_15_a_provider_that_publishes_what_is_anothers_sends_nobody_anywhere() {
    let setting = Setting::linked().await;
    // What the provider published is believed for a quarter of an hour.
    setting.world.advance(901);
    let other = json!("https://other.example");
    let begin = async || {
        let body = json!({ "email": "x@customer.example" });
        setting.world.anonymous().post(BEGIN, &body).await
    };
    for (name, value) in [
        ("issuer", Some(other)),
        ("token_endpoint", None),
        ("issuer", None),
    ] {
        setting.provider.fault(Fault::Discovery(name, value));
        assert_eq!(
            begin().await.problem(),
            (503, "unavailable".into(), vec![]),
            "{name}"
        );
    }
    setting.provider.fault(Fault::None);
    assert_eq!(begin().await.status, 200);
}

#[tokio::test]
async fn f_30_what_ends_while_somebody_is_at_the_provider_lets_them_in_no_more() {
    let setting = Setting::new().await;
    let (world, owner) = (&setting.world, &setting.owner);
    let grace = world.joined(owner, "Grace", "member").await;
    setting.provider.says("sub", json!("grace"));
    setting.link(&grace).await;
    let user = grace.user().await;
    let member = format!("/v1/members/{user}");
    let set_out = async || {
        let journey = setting.set_out(&json!({ "email": "x@customer.example" })).await;
        (setting.provider.visit(&journey.url).unwrap(), journey)
    };
    let suspend = async |suspended: bool| {
        let (body, headers) = (json!({ "suspended": suspended }), [("if-match", "*")]);
        let reply = owner.json(Method::PATCH, &member, &body, &headers).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    };
    assert_eq!(setting.sign_in().await.status, 303);

    let (back, journey) = set_out().await;
    setting.enable(false).await;
    is_refused(
        &setting.arrive(&back, &journey.cookie).await,
        "the connection is off",
    );
    setting.enable(true).await;
    let (back, journey) = set_out().await;
    suspend(true).await;
    is_refused(&setting.arrive(&back, &journey.cookie).await, "suspended");
    suspend(false).await;
    assert_eq!(setting.sign_in().await.status, 303);
    let (back, journey) = set_out().await;
    assert_eq!(owner.delete(&member, &[("if-match", "*")]).await.status, 204);
    is_refused(&setting.arrive(&back, &journey.cookie).await, "removed");
    is_refused(&setting.sign_in().await, "still removed");

    setting.provider.says("sub", json!("ada"));
    setting.link(owner).await;
    let (back, journey) = set_out().await;
    let deleted = owner.delete(&setting.path(), &[("if-match", "*")]).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    is_refused(
        &setting.arrive(&back, &journey.cookie).await,
        "the connection is gone",
    );
    let left = owner.get(IDENTITIES).await.json();
    assert_eq!(
        (left["data"].as_array().unwrap().len(), &left["connections"]),
        (1, &json!([]))
    );
}

#[tokio::test]
async fn f_17_the_same_subject_at_two_providers_is_two_people() {
    let setting = Setting::linked().await;
    let (world, owner) = (&setting.world, &setting.owner);
    // By address the oldest connection is taken.
    world.advance(1);
    let second = Provider::start(world.stack.clock(), Algorithm::EdDsa).await;
    let connection = connect(owner, &second).await;
    let org = owner.organisation().await;
    let grace = world.joined(owner, "Grace", "member").await;
    let elsewhere = Setting {
        world: World {
            stack: world.stack.clone(),
            clock: Arc::clone(&world.clock),
        },
        owner: grace,
        provider: second,
        connection: connection.clone(),
    };
    let by_id = json!({ "organisation_id": org, "connection_id": connection["id"] });
    let journey = elsewhere.set_out(&by_id).await;
    is_refused(
        &elsewhere.come_back(&journey).await,
        "the other provider's ada is a stranger",
    );
    elsewhere.link(&elsewhere.owner).await;
    let reply = elsewhere.come_back(&elsewhere.set_out(&by_id).await).await;
    let browser = world.anonymous().with_cookie(&session_of(&reply).unwrap());
    assert_eq!(browser.user_email().await, "grace@customer.example");
    assert_eq!(setting.browser().await.user_email().await, owner.email);
    // F-16: an answer of one provider does not end a flow of the other.
    let journey = setting.set_out(&json!({ "email": "x@customer.example" })).await;
    let foreign = elsewhere.set_out(&by_id).await;
    let mixed = elsewhere.provider.visit(&foreign.url).unwrap();
    let state = journey
        .url
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1;
    let pairs: Vec<_> = mixed.query_pairs().filter(|(name, _)| name != "state").collect();
    let mut back = mixed.clone();
    back.query_pairs_mut()
        .clear()
        .extend_pairs(pairs)
        .append_pair("state", &state);
    is_refused(&setting.arrive(&back, &journey.cookie).await, "mixed up");
}

#[tokio::test]
async fn f_25_a_browser_goes_on_to_our_own_pages_only() {
    let setting = Setting::linked().await;
    for evil in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/a\r\nx: y",
    ] {
        let journey = setting
            .set_out(&json!({ "email": "x@customer.example", "return_to": evil }))
            .await;
        let reply = setting.come_back(&journey).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/")),
            "{evil}"
        );
    }
}
