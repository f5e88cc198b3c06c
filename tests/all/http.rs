//! Bad input: every route, every way in which a request can be wrong; each gets its problem and changes nothing.

use std::collections::BTreeSet;

use bytes::Bytes;
use functions::gateway::Body;
use functions::registry::{Access, ROUTES, Route};
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Customer, PASSWORD, Reply, World, announcement};
use crate::support::assert_unchanged;

/// A world with one customer who has one of everything.
pub struct Site {
    pub world: World,
    pub customer: Customer,
    pub record: String,
    pub employee: String,
    pub attachment: String,
    pub import: String,
}

impl Site {
    pub async fn new() -> Self {
        let world = World::new(Profile::Trackado).await;
        let customer = world.customer("Ada").await;
        Self::of(world, customer).await
    }

    async fn of(world: World, customer: Customer) -> Self {
        let record = customer
            .asset(json!({ "asset_tag": "LT-1", "serial": "S-1" }))
            .await;
        let employee = json!({ "kind": "employee", "fields": { "first_name": "Grace" } });
        let employee = customer.post("/v1/records", &employee).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let attachment = customer.attach(&record, "note.txt", "a note\n").await;
        let billing = json!({ "name": "Ada Works" });
        assert_eq!(
            customer
                .json(Method::PUT, "/v1/organisation/billing", &billing, &[])
                .await
                .status,
            200
        );
        let import = import(&customer, "site", "asset_tag\nIMPORTED-1\n").await;
        assert_eq!(import.status, 201, "{import:?}");
        let import = import.json()["id"].as_str().unwrap().to_owned();
        Self {
            world,
            customer,
            record,
            employee,
            attachment,
            import,
        }
    }

    /// The path of a route with the ids of what is there.
    pub fn path(&self, route: &Route) -> String {
        let path = route
            .path
            .replace("{record_id}", &self.record)
            .replace("{attachment_id}", &self.attachment);
        path.replace("{import_id}", &self.import)
            .replace("{erasure_id}", "erasure_00000000000000000000000001")
    }

    /// The same with what the query must have.
    fn full_path(&self, route: &Route) -> String {
        let path = self.path(route);
        if route.query.iter().any(|parameter| parameter.name == "kind") {
            path + "?kind=asset"
        } else {
            path
        }
    }

    /// Asks for a route with the customer's token.
    async fn ask(&self, route: &Route, path: &str, content_type: &str, body: impl Into<Bytes>) -> Reply {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let mut headers = vec![("if-match", "\"1\""), ("idempotency-key", "http")];
        if !content_type.is_empty() {
            headers.push(("content-type", content_type));
        }
        let reply = self.customer.send(method, path, &headers, body.into()).await;
        reply.assert_hardened();
        reply
    }
}

/// Sends a file of assets.
pub async fn import(customer: &Customer, key: &str, csv: &str) -> Reply {
    let headers = [("content-type", "text/csv"), ("idempotency-key", key)];
    customer
        .send(
            Method::POST,
            "/v1/imports?kind=asset",
            &headers,
            Bytes::from(csv.to_owned()),
        )
        .await
}

/// A body that the route takes. A route that is not here yet has to come here.
fn sample(route: &Route) -> Value {
    match route.name {
        "auth-register" => json!({
            "name": "Ada", "email": "new@customer.example", "company": "Works", "password": PASSWORD,
            "age_confirmed": 18, "policy_version": "1",
        }),
        "auth-verify-email" => json!({ "code": "user_x.y" }),
        "auth-resend-verification" => json!({ "email": "ada@customer.example" }),
        "auth-login" => json!({ "email": "ada@customer.example", "password": PASSWORD }),
        "auth-refresh" => json!({ "refresh_token": "x" }),
        "me-update" | "organisation-update" => json!({ "name": "Other" }),
        "billing-put" => {
            json!({ "name": "Works", "address": "1 Street", "vat_number": "GB1", "reference": "7" })
        }
        "records-create" => json!({ "kind": "asset", "fields": { "asset_tag": "LT-2" } }),
        "records-update" => json!({ "fields": { "name": "Other" } }),
        "attachments-create" => announcement("other.txt", "other"),
        other => panic!("{other} has a body and no sample"),
    }
}

fn with_json() -> impl Iterator<Item = &'static Route> {
    ROUTES
        .iter()
        .copied()
        .filter(|route| matches!(route.body, Body::Json(_) | Body::MergePatch(_)))
}

fn content_type(route: &Route) -> &'static str {
    route.body.content_type().unwrap_or_default()
}

#[tokio::test]
async fn i_01_i_02_i_04_a_body_that_is_no_json_object_is_refused_by_every_route_and_changes_nothing() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    for route in with_json() {
        let good = sample(route).to_string();
        let first = good
            .split_once(':')
            .unwrap()
            .0
            .trim_start_matches('{')
            .trim_matches('"')
            .to_owned();
        let twice = format!("{{\"{first}\":1,{}", &good[1..]);
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: [(&str, Vec<u8>); 16] = [
            ("empty", Vec::new()),
            ("blank", b" \n".to_vec()),
            ("null", b"null".to_vec()),
            ("array", b"[]".to_vec()),
            ("text", b"\"x\"".to_vec()),
            ("cut off", good.as_bytes()[..good.len() - 1].to_vec()),
            ("trailing garbage", format!("{good}x").into_bytes()),
            ("two objects", format!("{good}{good}").into_bytes()),
            ("byte order mark", format!("\u{feff}{good}").into_bytes()),
            ("UTF-16", utf16),
            ("not UTF-8", b"{\"name\":\"\xff\"}".to_vec()),
            ("lone surrogate", b"{\"name\":\"\\ud800\"}".to_vec()),
            ("10,000 arrays deep", "[".repeat(10_000).into_bytes()),
            (
                "5,000 objects deep",
                (r#"{"a":"#.repeat(5_000) + "1" + &"}".repeat(5_000)).into_bytes(),
            ),
            ("the same name twice", twice.into_bytes()),
            ("a number that is none", br#"{"size":1e400}"#.to_vec()),
        ];
        for (what, body) in bodies {
            let reply = site
                .ask(route, &site.path(route), content_type(route), body)
                .await;
            let expected = (400, "unreadable".to_owned(), vec![String::new()]);
            assert_eq!(reply.problem(), expected, "{} {what}: {reply:?}", route.name);
        }
    }
    assert_unchanged(
        &before,
        &site.world.everything().await,
        "bodies that are no JSON object",
    );
}

#[tokio::test]
async fn i_07_k_07_unknown_fields_and_wrong_types_are_named_by_every_route_and_change_nothing() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    for route in with_json() {
        let good = sample(route);
        for name in ["colour", "tenant_id", "role", "is_admin", "__proto__", "a/b~c"] {
            let mut body = good.clone();
            body[name] = json!("x");
            let reply = site
                .ask(route, &site.path(route), content_type(route), body.to_string())
                .await;
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            assert_eq!(
                reply.problem(),
                (422, "invalid".into(), vec![pointer]),
                "{}: {reply:?}",
                route.name
            );
        }
        for (name, value) in good.as_object().unwrap() {
            let mut wrongs = vec![
                json!({ "S": "x" }),
                json!({ "$gt": "" }),
                json!(["x"]),
                json!(17.5),
                json!(true),
            ];
            wrongs.push(if value.is_number() { json!("18") } else { json!(18) });
            // Where a member may be absent, null says the same.
            if route.name != "billing-put" || name == "name" {
                wrongs.push(Value::Null);
            }
            for wrong in wrongs {
                let mut body = good.clone();
                body[name] = wrong.clone();
                let reply = site
                    .ask(route, &site.path(route), content_type(route), body.to_string())
                    .await;
                let (status, kind, pointers) = reply.problem();
                let pointer = format!("/{name}");
                assert_eq!(
                    (status, kind.as_str()),
                    (422, "invalid"),
                    "{} {name} {wrong}: {reply:?}",
                    route.name
                );
                assert!(
                    pointers.iter().all(|found| found.starts_with(&pointer)),
                    "{} {wrong}: {reply:?}",
                    route.name
                );
                assert!(!pointers.is_empty());
            }
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "wrong fields");
}

#[tokio::test]
async fn every_violation_of_a_body_is_named_at_once() {
    let site = Site::new().await;
    let body = json!({
        "name": "", "email": "nobody", "company": "x\u{202e}y", "password": "short", "age_confirmed": -1, "extra": 1,
    });
    let reply = site.world.anonymous().post("/v1/auth/register", &body).await;
    let (status, _, pointers) = reply.problem();
    let found: BTreeSet<_> = pointers.iter().map(String::as_str).collect();
    let expected = [
        "/name",
        "/email",
        "/company",
        "/age_confirmed",
        "/extra",
        "/policy_version",
    ];
    assert_eq!((status, found), (422, BTreeSet::from(expected)), "{reply:?}");
    let fields = json!({ "kind": "asset", "fields": { "serial": "", "status": "new", "purchase_date": "2026-02-30" } });
    let reply = site.customer.post("/v1/records", &fields).await;
    let (status, _, pointers) = reply.problem();
    let found: BTreeSet<_> = pointers.iter().map(String::as_str).collect();
    let expected = [
        "/fields/asset_tag",
        "/fields/serial",
        "/fields/status",
        "/fields/purchase_date",
    ];
    assert_eq!((status, found), (422, BTreeSet::from(expected)), "{reply:?}");
}

#[tokio::test]
async fn i_08_c_20_another_content_type_is_415_and_a_body_over_its_limit_413_on_every_route() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    for route in ROUTES.iter().copied().filter(|route| route.method != "ANY") {
        let path = site.full_path(route);
        let large = vec![b' '; route.body.limit() + 1];
        let reply = site.ask(route, &path, content_type(route), large).await;
        assert_eq!(
            reply.problem(),
            (413, "too-large".into(), vec![]),
            "{}: {reply:?}",
            route.name
        );
        if route.body == Body::None {
            continue;
        }
        let body = match route.body {
            Body::Csv(_) => "asset_tag\nX\n".to_owned(),
            _ => sample(route).to_string(),
        };
        for wrong in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "application/xml",
            "text/csv; charset=utf-16",
            "application/json; charset=latin1",
            "application/json, text/plain",
        ] {
            let reply = site.ask(route, &path, wrong, body.clone()).await;
            let expected = (415, "unsupported-media-type".into(), vec![]);
            assert_eq!(reply.problem(), expected, "{} {wrong}: {reply:?}", route.name);
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "wrong types and sizes");
}

#[tokio::test]
async fn i_09_unknown_and_repeated_parameters_are_named_by_every_route_and_change_nothing() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    for route in ROUTES.iter().copied().filter(|route| route.method != "ANY") {
        let path = site.full_path(route);
        let joint = if path.contains('?') { '&' } else { '?' };
        let body = match route.body {
            Body::None => String::new(),
            Body::Csv(_) => "asset_tag\nX\n".to_owned(),
            Body::Json(_) | Body::MergePatch(_) => sample(route).to_string(),
        };
        let token = site.customer.token.clone().unwrap();
        for name in ["colour", "access_token", "tenant_id", "Limit"] {
            let path = format!("{path}{joint}{name}={token}");
            let reply = site.ask(route, &path, content_type(route), body.clone()).await;
            let expected = (422, "invalid".to_owned(), vec![format!("?{name}")]);
            assert_eq!(reply.problem(), expected, "{}: {reply:?}", route.name);
            assert!(
                !reply.json().to_string().contains(&token),
                "a value is not reflected: {reply:?}"
            );
        }
        for parameter in route.query {
            let path = format!(
                "{}?{name}=asset&{name}=asset",
                site.path(route),
                name = parameter.name
            );
            let reply = site.ask(route, &path, content_type(route), body.clone()).await;
            let expected = (422, "invalid".to_owned(), vec![format!("?{}", parameter.name)]);
            assert_eq!(reply.problem(), expected, "{}: {reply:?}", route.name);
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "wrong parameters");
}

/// What is no token, or no longer one.
fn no_tokens(token: &str) -> Vec<String> {
    let (content, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = content.split_once('.').unwrap();
    // {"alg":"none","typ":"at+jwt"} and {"alg":"HS256"}.
    let (none, hs256) = ("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", "eyJhbGciOiJIUzI1NiJ9");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    vec![
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer null".to_owned(),
        "Bearer undefined".to_owned(),
        "Basic YWRhOnB3".to_owned(),
        "Bearer a.b.c".to_owned(),
        "Bearer 🐎".to_owned().escape_unicode().to_string(),
        token.to_owned(),
        format!("Bearer {content}"),
        format!("Bearer {content}."),
        format!("Bearer {}", &token[..token.len() - 4]),
        format!("Bearer {content}.{flipped}{}", &signature[1..]),
        format!("Bearer {none}.{claims}."),
        format!("Bearer {none}.{claims}.{signature}"),
        format!("Bearer {hs256}.{claims}.{signature}"),
        format!("Bearer {header}.{header}.{signature}"),
        format!("Bearer {token}="),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
    ]
}

#[tokio::test]
async fn d_01_d_02_d_03_d_04_without_a_good_token_every_member_route_answers_401_whatever_else_is_wrong() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    let token = site.customer.token.clone().unwrap();
    let anonymous = site.world.anonymous();
    let members = ROUTES
        .iter()
        .copied()
        .filter(|route| matches!(route.access, Access::Member { .. }));
    for route in members {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        for path in [
            site.full_path(route),
            format!("{}?access_token={token}&x=1", site.path(route)),
        ] {
            let mut replies = vec![anonymous.send(method.clone(), &path, &[], Bytes::from("{")).await];
            for wrong in no_tokens(&token) {
                replies.push(
                    anonymous
                        .send(method.clone(), &path, &[("authorization", &wrong)], Bytes::new())
                        .await,
                );
            }
            for reply in replies {
                assert_eq!(
                    reply.problem(),
                    (401, "unauthenticated".into(), vec![]),
                    "{}: {reply:?}",
                    route.name
                );
                assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{}", route.name);
                reply.assert_hardened();
            }
        }
    }
    assert_unchanged(
        &before,
        &site.world.everything().await,
        "requests without a token",
    );
}

#[tokio::test]
async fn i_10_s_07_what_no_route_takes_is_404_or_405_with_the_methods_that_the_path_has() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    for path in [
        "/",
        "/v1",
        "/v2/records",
        "/v1/record",
        "/.git/config",
        "/metrics",
        "/v1/staff",
        "/v1/records/x/y",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            for (query, body) in [("", ""), ("?limit=1&x=2&x=3", ""), ("", "{\"a\":1}")] {
                let path = format!("{path}{query}");
                let reply = site
                    .customer
                    .send(method.clone(), &path, &[], Bytes::from(body))
                    .await;
                assert_eq!(
                    reply.problem(),
                    (404, "not-found".into(), vec![]),
                    "{method} {path} {body}: {reply:?}"
                );
                assert_eq!(reply.header("allow"), None);
                reply.assert_hardened();
            }
        }
    }
    let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND",
    ];
    for route in ROUTES.iter().copied().filter(|route| route.method != "ANY") {
        let path = site.path(route);
        let allowed: Vec<_> = ROUTES
            .iter()
            .filter(|other| other.path == route.path)
            .map(|other| other.method)
            .collect();
        for method in methods.iter().filter(|method| !allowed.contains(method)) {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for (query, body) in [("", ""), ("?x=1", "{}")] {
                let reply = site
                    .customer
                    .send(method.clone(), &format!("{path}{query}"), &[], Bytes::from(body))
                    .await;
                assert_eq!(
                    reply.problem(),
                    (405, "method-not-allowed".into(), vec![]),
                    "{method} {path}: {reply:?}"
                );
                let allow: Vec<_> = reply.header("allow").unwrap().split(", ").collect();
                assert_eq!(allow, allowed, "{method} {path}");
                reply.assert_hardened();
            }
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "what no route takes");
}

#[tokio::test]
async fn c_22_no_get_and_no_head_changes_anything() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    for route in ROUTES.iter().copied().filter(|route| route.method == "GET") {
        let path = site.full_path(route);
        let reply = site.ask(route, &path, "", "").await;
        assert!(
            reply.status == 200 || route.name == "erasures-get",
            "{}: {reply:?}",
            route.name
        );
        let reply = site.customer.send(Method::HEAD, &path, &[], Bytes::new()).await;
        assert_eq!(
            (reply.status, reply.header("allow").is_some()),
            (405, true),
            "{}",
            route.name
        );
    }
    assert_unchanged(&before, &site.world.everything().await, "GET and HEAD");
}

#[tokio::test]
async fn s_04_c_28_every_kind_of_answer_has_the_security_headers_and_only_public_ones_may_be_kept() {
    let site = Site::new().await;
    let (customer, record) = (&site.customer, format!("/v1/records/{}", site.record));
    let organisation = "/v1/organisation";
    let mut replies = Vec::new();
    let fields = json!({ "fields": { "name": "x" } });
    for headers in [&[][..], &[("if-match", "\"7\"")], &[("if-match", "\"1\"")]] {
        replies.push(customer.json(Method::PATCH, &record, &fields, headers).await);
    }
    for (path, headers) in [
        (record.as_str(), &[("if-none-match", "\"2\"")][..]),
        ("/v1/nothing", &[]),
        (&record, &[("authorization", "Bearer x")]),
        ("/v1/records?kind=asset&limit=0", &[]),
    ] {
        let client = if headers.iter().any(|(name, _)| *name == "authorization") {
            &site.world.anonymous()
        } else {
            &customer.client
        };
        replies.push(client.send(Method::GET, path, headers, Bytes::new()).await);
    }
    replies.push(customer.send(Method::PUT, &record, &[], Bytes::new()).await);
    let taken = json!({ "kind": "asset", "fields": { "asset_tag": "lt-1" } });
    replies.push(customer.post("/v1/records", &taken).await);
    replies.push(
        customer
            .post(
                "/v1/records",
                &json!({ "kind": "licence", "fields": { "name": "x" } }),
            )
            .await,
    );
    replies.push(
        customer
            .send(Method::POST, "/v1/records", &[], Bytes::from("{}"))
            .await,
    );
    replies.push(customer.post("/v1/records", &Value::Null).await);
    replies.push(
        customer
            .post("/v1/records", &json!({ "x": "y".repeat(70_000) }))
            .await,
    );
    let email = json!({ "email": customer.email });
    replies.push(
        site.world
            .anonymous()
            .post("/v1/auth/resend-verification", &email)
            .await,
    );
    replies.push(customer.delete(&record, &[("if-match", "\"2\"")]).await);
    let _outage = site
        .world
        .fail("me-get", "BatchGetItem", usize::MAX, || local::Fault::DropBefore);
    replies.push(customer.get("/v1/me").await);
    site.world.stack.clear_fault();
    assert_eq!(
        customer
            .post("/v1/organisation/cancel", &Value::Null)
            .await
            .status,
        200
    );
    replies.push(customer.post("/v1/records", &taken).await);
    replies.push(customer.delete(organisation, &[]).await);
    replies.push(customer.get(organisation).await);
    let statuses: BTreeSet<_> = replies.iter().map(|reply| reply.status).collect();
    let expected = [
        200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 503,
    ];
    assert_eq!(statuses, BTreeSet::from(expected));
    for reply in replies {
        reply.assert_hardened();
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
    }
    for path in [
        "/.well-known/jwks.json",
        "/openapi.json",
        "/v1/policy",
        "/v1/ledger",
    ] {
        let reply = site.world.anonymous().get(path).await;
        reply.assert_hardened();
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}
