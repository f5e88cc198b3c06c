//! Connections to identity providers: made, changed, deleted, and there while members need them.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;
use tests::openid::{Algorithm, CLIENT_ID, CLIENT_SECRET, Fault, Provider};

use crate::colleagues::kinds;
use crate::harness::{Client, Customer, Reply, World};
use crate::support::{assert_unchanged, together};

const PATH: &str = "/v1/organisation/connections";
const SECURITY: &str = "/v1/organisation/security";

impl World {
    /// A provider that the functions of this world can reach.
    pub async fn provider(&self) -> Arc<Provider> {
        Provider::start(self.stack.clock(), Algorithm::Es256).await
    }
}

/// The body that connects a provider.
pub fn wanted(provider: &Provider) -> Value {
    json!({
        "provider": { "kind": "oidc" }, "issuer": provider.issuer,
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
    })
}

/// Connects a provider, and gives the connection.
pub async fn connect(client: &Client, provider: &Provider) -> Value {
    let reply = client.post(PATH, &wanted(provider)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

/// The path of a connection.
fn path(connection: &Value) -> String {
    format!("{PATH}/{}", connection["id"].as_str().unwrap())
}

async fn setting() -> (World, Customer, Arc<Provider>) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let provider = world.provider().await;
    (world, customer, provider)
}

async fn patch(client: &Client, connection: &Value, body: &Value) -> Reply {
    let headers = [("if-match", "*")];
    client
        .json(Method::PATCH, &path(connection), body, &headers)
        .await
}

/// Lets members sign in through the provider only, or also otherwise.
pub async fn sso_only(client: &Client, only: bool) -> Reply {
    let body = json!({ "mfa": "optional", "sso_only": only });
    client
        .json(Method::PUT, SECURITY, &body, &[("if-match", "*")])
        .await
}

#[tokio::test]
async fn f_37_a_connection_is_made_listed_changed_and_deleted_and_its_secret_is_never_shown() {
    let (world, customer, provider) = setting().await;
    let made = customer.post(PATH, &wanted(&provider)).await;
    assert_eq!(
        (made.status, made.header("etag")),
        (201, Some("\"1\"")),
        "{made:?}"
    );
    let mut expected = json!({
        "id": made.json()["id"], "provider": { "kind": "oidc" }, "issuer": provider.issuer, "client_id": CLIENT_ID,
        "enabled": true, "redirect_uri": format!("{}/v1/auth/sso/callback", world.stack.origin()), "version": 1,
        "created_by": customer.user().await, "created_at": world.now().to_string(), "updated_at": world.now().to_string(),
    });
    assert_eq!(made.json(), expected);
    assert_eq!(provider.seen(), ["/.well-known/openid-configuration"]);
    let list = customer.get(PATH).await;
    assert_eq!((list.status, list.json()), (200, json!({ "data": [expected] })));

    world.advance(7);
    let path = path(&expected);
    let body = json!({ "enabled": false, "client_id": "other", "client_secret": "another-secret" });
    let change = async |headers: &[(&str, &str)]| customer.json(Method::PATCH, &path, &body, headers).await;
    assert_eq!(change(&[]).await.problem().0, 428);
    assert_eq!(change(&[("if-match", "\"2\"")]).await.problem().0, 412);
    let changed = change(&[("if-match", "\"1\"")]).await;
    for (name, value) in [
        ("enabled", json!(false)),
        ("client_id", json!("other")),
        ("version", json!(2)),
        ("updated_at", json!(world.now().to_string())),
    ] {
        expected[name] = value;
    }
    assert_eq!((changed.status, changed.json()), (200, expected.clone()));
    let same = change(&[("if-match", "\"2\"")]).await;
    assert_eq!((same.status, same.json()), (200, expected), "nothing changed");
    for fixed in [
        json!({ "issuer": "https://id.example.com" }),
        json!({ "provider": { "kind": "oidc" } }),
    ] {
        let reply = customer
            .json(Method::PATCH, &path, &fixed, &[("if-match", "*")])
            .await;
        assert_eq!(reply.problem().0, 422, "{reply:?}");
    }

    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        for secret in [
            CLIENT_SECRET,
            "another-secret",
            provider.issuer.as_str(),
            CLIENT_ID,
        ] {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {place}");
        }
    }
    assert_eq!(
        customer.delete(&path, &[("if-match", "\"1\"")]).await.problem().0,
        412
    );
    world.advance(1);
    assert_eq!(customer.delete(&path, &[]).await.status, 204);
    assert_eq!(customer.delete(&path, &[]).await.problem().0, 404);
    assert_eq!(customer.get(PATH).await.json(), json!({ "data": [] }));
    let log = customer.get("/v1/organisation/activity").await.json();
    let expected = ["connection_deleted", "connection_updated", "connection_created"];
    let kinds: Vec<_> = kinds(&log)
        .into_iter()
        .filter(|kind| kind.starts_with("connection"))
        .collect();
    assert_eq!(kinds, expected, "{log}");
}

#[tokio::test]
async fn f_15_a_provider_that_is_none_is_named_where_it_is_wrong_and_nothing_is_stored() {
    let (world, customer, provider) = setting().await;
    let before = world.of_type("core", "organisation").await;
    let good = wanted(&provider);
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let known = |provider: Value| json!({ "provider": provider, "client_id": "a", "client_secret": "b" });
    let nobody = "http://127.0.0.1:1";
    for (body, pointer) in [
        (known(json!({ "kind": "oidc" })), "/issuer"),
        (with("issuer", json!("http://id.customer.example")), "/issuer"),
        (with("issuer", json!("https://10.0.0.1")), "/issuer"),
        (with("issuer", json!("https://accounts.google.com")), "/issuer"),
        (with("issuer", json!("https://id.customer.example")), "/issuer"),
        (with("issuer", json!(nobody)), "/issuer"),
        (
            with("issuer", json!(format!("{}?a=b", provider.issuer))),
            "/issuer",
        ),
        (
            with(
                "provider",
                json!({ "kind": "google", "hosted_domains": ["a.example"] }),
            ),
            "/issuer",
        ),
        (
            known(json!({ "kind": "google", "hosted_domains": [] })),
            "/provider/hosted_domains",
        ),
        (
            known(json!({ "kind": "microsoft", "tenants": [] })),
            "/provider/tenants",
        ),
        (with("provider", json!({ "kind": "saml" })), "/provider/kind"),
        (with("provider", json!({ "kind": 2 })), "/provider/kind"),
        (
            known(json!({ "kind": "google", "hosted_domains": ["com"] })),
            "/provider",
        ),
        (with("client_id", json!("with space")), "/client_id"),
        (with("client_secret", json!("")), "/client_secret"),
    ] {
        let reply = customer.post(PATH, &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".to_owned(), vec![pointer.to_owned()]),
            "{body}: {reply:?}"
        );
    }
    for (name, value) in [
        ("issuer", json!("https://id.evil.example")),
        ("token_endpoint", json!("http://10.0.0.1/token")),
        ("jwks_uri", Value::Null),
        ("code_challenge_methods_supported", json!(["plain"])),
    ] {
        provider.fault(Fault::Discovery(name, Some(value)));
        world.stack.forget_containers();
        let reply = customer.post(PATH, &good).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".to_owned(), vec!["/issuer".to_owned()]),
            "{name}: {reply:?}"
        );
        assert!(
            !format!("{reply:?}").contains("evil"),
            "its text is not repeated: {reply:?}"
        );
    }
    assert_eq!(world.of_type("core", "connection").await, [Value::Null; 0]);
    assert_eq!(world.of_type("core", "organisation").await, before);
}

#[tokio::test]
async fn f_31_single_sign_on_alone_needs_a_connection_that_is_on_and_keeps_one() {
    let (_world, customer, provider) = setting().await;
    let refused = sso_only(&customer, true).await;
    assert_eq!(
        refused.problem(),
        (422, "invalid".into(), vec!["/sso_only".into()]),
        "{refused:?}"
    );
    let first = connect(&customer, &provider).await;
    assert_eq!(
        patch(&customer, &first, &json!({ "enabled": false }))
            .await
            .status,
        200
    );
    assert_eq!(sso_only(&customer, true).await.problem().0, 422, "it is off");
    assert_eq!(
        patch(&customer, &first, &json!({ "enabled": true })).await.status,
        200
    );
    assert_eq!(sso_only(&customer, true).await.status, 200);

    let off = patch(&customer, &first, &json!({ "enabled": false })).await;
    assert_eq!(
        off.problem(),
        (409, "conflict".into(), vec!["/enabled".into()]),
        "{off:?}"
    );
    let gone = customer.delete(&path(&first), &[]).await;
    assert_eq!(
        gone.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "{gone:?}"
    );
    let second = connect(&customer, &provider).await;
    assert_eq!(
        patch(&customer, &first, &json!({ "enabled": false }))
            .await
            .status,
        200
    );
    assert_eq!(
        customer.delete(&path(&second), &[]).await.problem().0,
        409,
        "the other is off"
    );
    assert_eq!(customer.delete(&path(&first), &[]).await.status, 204);
    assert_eq!(sso_only(&customer, false).await.status, 200);
    assert_eq!(customer.delete(&path(&second), &[]).await.status, 204);
}

#[tokio::test]
async fn f_31_the_last_connection_does_not_go_at_the_moment_at_which_members_begin_to_need_it() {
    let (_world, customer, provider) = setting().await;
    for round in 0..6 {
        let connection = connect(&customer, &provider).await;
        let replies = together(2, |index| {
            let (client, path) = (customer.client.clone(), path(&connection));
            async move {
                match index {
                    0 => sso_only(&client, true).await.status,
                    _ => client.delete(&path, &[]).await.status,
                }
            }
        })
        .await;
        let listed = customer.get(PATH).await.json()["data"].as_array().unwrap().len();
        let only = customer.get(SECURITY).await.json()["sso_only"] == json!(true);
        assert_eq!(only, listed == 1, "{round}: {replies:?}");
        assert_eq!(
            replies.iter().filter(|status| **status < 300).count(),
            1,
            "{round}: {replies:?}"
        );
        assert_eq!(sso_only(&customer, false).await.status, 200);
        if only {
            assert_eq!(customer.delete(&path(&connection), &[]).await.status, 204);
        }
    }
}

#[tokio::test]
async fn there_are_ten_connections_at_most_also_when_two_are_made_at_one_moment() {
    let (world, customer, provider) = setting().await;
    for _ in 0..9 {
        connect(&customer, &provider).await;
    }
    let mut statuses = together(2, |_| {
        let (client, body) = (customer.client.clone(), wanted(&provider));
        async move { client.post(PATH, &body).await.status }
    })
    .await;
    statuses.sort_unstable();
    assert!(matches!(statuses[..], [201, 409 | 412]), "{statuses:?}");
    let before = world.of_type("core", "connection").await;
    let full = customer.post(PATH, &wanted(&provider)).await;
    assert_eq!(
        full.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "{full:?}"
    );
    assert_eq!(
        (before.len(), world.of_type("core", "connection").await),
        (10, before)
    );
}

#[tokio::test]
async fn a_connection_of_another_organisation_is_not_there() {
    let (world, customer, provider) = setting().await;
    let connection = connect(&customer, &provider).await;
    let mallory = world.customer("Mallory").await;
    let before = world.everything().await;
    for path in [
        path(&connection),
        format!("{PATH}/connection_00000000000000000000000001"),
    ] {
        let headers = [("if-match", "*")];
        let reply = mallory
            .json(Method::PATCH, &path, &json!({ "enabled": false }), &headers)
            .await;
        assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{path}");
        let reply = mallory.delete(&path, &[]).await;
        assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{path}");
    }
    assert_eq!(mallory.get(PATH).await.json(), json!({ "data": [] }));
    assert_unchanged(&before, &world.everything().await, "a stranger");
}
