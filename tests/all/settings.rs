//! The own account, the organisation, billing details: conditional requests, and what cannot be set.

use bytes::Bytes;
use http::Method;
use serde_json::json;
use shared::policy::Profile;

use crate::harness::World;
use crate::support::assert_unchanged;

#[tokio::test]
async fn the_own_account_has_an_etag_that_conditional_requests_honour() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    for (path, version) in [("/v1/me", 1), ("/v1/organisation", 1)] {
        let etag = |version: u64| format!("\"{version}\"");
        let reply = customer.get(path).await;
        assert_eq!(reply.header("etag"), Some(etag(version).as_str()), "{path}");
        for given in [
            etag(version),
            format!("W/{}", etag(version)),
            format!("\"9\", {}", etag(version)),
            "*".to_owned(),
        ] {
            let reply = customer
                .send(Method::GET, path, &[("if-none-match", &given)], Bytes::new())
                .await;
            assert_eq!(
                (reply.status, reply.body.len(), reply.header("etag")),
                (304, 0, Some(etag(version).as_str()))
            );
        }
        let reply = customer
            .send(Method::GET, path, &[("if-none-match", "\"9\"")], Bytes::new())
            .await;
        assert_eq!(reply.status, 200);
        world.advance(5);
        let patch = json!({ "name": "Augusta" });
        let stale = customer
            .json(Method::PATCH, path, &patch, &[("if-match", "\"9\"")])
            .await;
        assert_eq!(stale.problem(), (412, "stale".into(), vec![]), "{stale:?}");
        assert!(stale.json()["detail"].as_str().unwrap().contains(&etag(version)));
        assert_eq!(customer.get(path).await.json(), reply.json(), "nothing changed");
        let changed = customer
            .json(Method::PATCH, path, &patch, &[("if-match", &etag(version))])
            .await;
        assert_eq!(
            (changed.status, changed.header("etag")),
            (200, Some(etag(version + 1).as_str()))
        );
        let mut expected = reply.json();
        expected["name"] = json!("Augusta");
        expected["updated_at"] = json!(world.now().to_string());
        assert_eq!(
            (changed.json(), customer.get(path).await.json()),
            (expected.clone(), expected)
        );
        let empty = customer.json(Method::PATCH, path, &json!({}), &[]).await;
        assert_eq!(
            (empty.status, empty.header("etag")),
            (200, Some(etag(version + 1).as_str())),
            "nothing to change"
        );
        let removed = customer
            .json(Method::PATCH, path, &json!({ "name": null }), &[])
            .await;
        assert_eq!(
            removed.problem(),
            (422, "invalid".into(), vec!["/name".into()]),
            "{removed:?}"
        );
    }
}

#[tokio::test]
async fn g_16_what_only_the_service_decides_cannot_be_set() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let before = world.everything().await;
    for (path, names) in [
        (
            "/v1/me",
            &[
                "id",
                "email",
                "role",
                "verified",
                "organisation",
                "created_at",
                "policy_version",
                "version",
            ][..],
        ),
        (
            "/v1/organisation",
            &[
                "id",
                "subscription",
                "cancelled_at",
                "owner",
                "retention",
                "created_at",
            ],
        ),
    ] {
        for name in names {
            let reply = customer
                .json(Method::PATCH, path, &json!({ "name": "x", *name: "x" }), &[])
                .await;
            assert_eq!(
                reply.problem(),
                (422, "invalid".into(), vec![format!("/{name}")]),
                "{reply:?}"
            );
        }
    }
    assert_unchanged(
        &before,
        &world.everything().await,
        "what only the service decides",
    );
}

#[tokio::test]
async fn billing_details_are_put_whole_and_never_hold_a_card() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let path = "/v1/organisation/billing";
    assert_eq!(
        customer.get(path).await.problem(),
        (404, "not-found".into(), vec![])
    );
    let full = json!({ "name": "Works", "address": "1 Street\nTown", "country": "DE", "vat_number": "DE1", "reference": "7" });
    let reply = customer.json(Method::PUT, path, &full, &[]).await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("\"1\"")),
        "{reply:?}"
    );
    let reply = customer
        .json(
            Method::PUT,
            path,
            &json!({ "name": "Other" }),
            &[("if-match", "\"2\"")],
        )
        .await;
    assert_eq!(reply.problem(), (412, "stale".into(), vec![]));
    let reply = customer
        .json(
            Method::PUT,
            path,
            &json!({ "name": "Other" }),
            &[("if-match", "\"1\"")],
        )
        .await;
    assert_eq!((reply.status, reply.header("etag")), (200, Some("\"2\"")));
    let reply = customer.get(path).await;
    let expected = json!({ "name": "Other", "updated_at": crate::harness::START });
    assert_eq!(
        (reply.status, reply.json()),
        (200, expected),
        "a PUT replaces everything"
    );
    let reply = customer
        .send(Method::GET, path, &[("if-none-match", "\"2\"")], Bytes::new())
        .await;
    assert_eq!((reply.status, reply.body.len()), (304, 0));
    for name in ["card", "card_number", "iban", "cvc"] {
        let reply = customer
            .json(
                Method::PUT,
                path,
                &json!({ "name": "x", name: "4242424242424242" }),
                &[],
            )
            .await;
        assert_eq!(reply.problem(), (422, "invalid".into(), vec![format!("/{name}")]));
    }
}
