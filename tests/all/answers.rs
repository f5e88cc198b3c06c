//! Answers: without a token, to what no route takes, and what every one of them carries.

use std::collections::BTreeSet;

use bytes::Bytes;
use functions::registry::{Access, ROUTES};
use http::Method;
use serde_json::{Value, json};

use crate::http::Site;
use crate::support::assert_unchanged;

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
    let site = Site::with_staff().await;
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
async fn c_22_no_get_and_no_head_changes_anything_but_the_log_of_what_staff_read() {
    // RFC 9110 §9.2.1: that a safe request is logged is no change that its sender asked for. These two must be logged.
    const LOGGED: [&str; 2] = ["access-records-get", "access-records-list"];
    let site = Site::with_staff().await;
    let mut before = site.world.everything().await;
    for route in ROUTES.iter().copied().filter(|route| route.method == "GET") {
        let path = site.full_path(route);
        let reply = site.ask(route, &path, "", "").await;
        assert!(
            reply.status == 200 || matches!(route.name, "erasures-get" | "auth-sso-callback"),
            "{}: {reply:?}",
            route.name
        );
        if LOGGED.contains(&route.name) {
            let mut after = site.world.everything().await;
            let used = |item: &Value| item["t"] == "organisation_activity" && item["kind"] == "access_used";
            let entries = after.len() - before.len();
            after.retain(|key, item| before.contains_key(key) || !used(item));
            assert_unchanged(&before, &after, route.name);
            assert!(entries > 0, "{}", route.name);
            before = site.world.everything().await;
        }
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
