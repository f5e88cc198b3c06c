//! `Idempotency-Key`: a request that is repeated has one effect and one answer.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Customer, Reply, announcement};
use crate::records::setting;
use crate::support::{assert_unchanged, together};

async fn create(customer: &Customer, key: &str, tag: &str) -> Reply {
    let body = json!({ "kind": "asset", "fields": { "asset_tag": tag } });
    customer
        .post_with("/v1/records", &body, &[("idempotency-key", key)])
        .await
}

async fn assets(customer: &Customer) -> usize {
    customer.get("/v1/records?kind=asset").await.json()["data"]
        .as_array()
        .unwrap()
        .len()
}

fn assert_replay(again: &Reply, first: &Reply) {
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(
        (
            again.header("idempotency-replayed"),
            first.header("idempotency-replayed")
        ),
        (Some("true"), None)
    );
    for name in ["etag", "location", "content-type", "cache-control"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

#[tokio::test]
async fn o_02_o_03_the_same_request_again_gets_the_first_answer_and_another_one_is_refused() {
    let (world, customer) = setting().await;
    let first = create(&customer, "k1", "LT-1").await;
    assert_eq!(first.status, 201, "{first:?}");
    let before = world.everything().await;
    for seconds in [0, 5, 3_600] {
        world.advance(seconds);
        let mut customer = Customer {
            client: customer.client.clone(),
            email: customer.email.clone(),
            refresh_token: String::new(),
            passkey: None,
        };
        if seconds > 600 {
            assert_unchanged(&before, &world.everything().await, "repetitions");
            customer.sign_in().await;
        }
        assert_replay(&create(&customer, "k1", "LT-1").await, &first);
        let other = create(&customer, "k1", "LT-2").await;
        assert_eq!(
            other.problem(),
            (422, "idempotency-mismatch".into(), vec![]),
            "{other:?}"
        );
        assert_eq!(assets(&customer).await, 1);
    }
    // The same body in another spelling is another request: the bytes decide.
    let mut customer = customer;
    customer.sign_in().await;
    let spelling = br#"{"kind": "asset", "fields": {"asset_tag": "LT-1"}}"#;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let reply = customer
        .send(
            Method::POST,
            "/v1/records",
            &headers,
            bytes::Bytes::from_static(spelling),
        )
        .await;
    assert_eq!(reply.problem().1, "idempotency-mismatch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o_05_sixteen_requests_with_one_key_at_one_moment_are_one_record_and_one_answer() {
    let (world, customer) = setting().await;
    let before = world.everything().await.len();
    world.meet("records-create", "TransactWriteItems", 16);
    let replies = together(16, |_| {
        let client = customer.client.clone();
        let body = json!({ "kind": "asset", "fields": { "asset_tag": "LT-1" } });
        async move {
            client
                .post_with("/v1/records", &body, &[("idempotency-key", "k1")])
                .await
        }
    })
    .await;
    world.stack.clear_fault();
    let fresh: Vec<_> = replies
        .iter()
        .filter(|reply| reply.header("idempotency-replayed").is_none())
        .collect();
    assert_eq!(fresh.len(), 1, "{replies:?}");
    for reply in replies
        .iter()
        .filter(|reply| reply.header("idempotency-replayed").is_some())
    {
        assert_replay(reply, fresh[0]);
    }
    assert_eq!(
        world.everything().await.len(),
        before + 4,
        "a record, its event, its guard and the answer"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o_05_of_different_requests_with_one_key_at_one_moment_one_has_its_effect() {
    let (world, customer) = setting().await;
    world.meet("records-create", "TransactWriteItems", 16);
    let replies = together(16, |n| {
        let client = customer.client.clone();
        let body = json!({ "kind": "asset", "fields": { "asset_tag": format!("LT-{n}") } });
        async move {
            client
                .post_with("/v1/records", &body, &[("idempotency-key", "k1")])
                .await
        }
    })
    .await;
    world.stack.clear_fault();
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 201).count(),
        1,
        "{replies:?}"
    );
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(
            reply.problem(),
            (422, "idempotency-mismatch".into(), vec![]),
            "{reply:?}"
        );
    }
    assert_eq!(assets(&customer).await, 1);
}

#[tokio::test]
async fn o_06_a_request_that_was_refused_does_not_use_up_its_key() {
    let (_, customer) = setting().await;
    customer.asset(json!({ "asset_tag": "taken" })).await;
    assert_eq!(create(&customer, "k1", "").await.problem().0, 422);
    assert_eq!(create(&customer, "k1", "taken").await.problem().0, 409);
    let first = create(&customer, "k1", "LT-1").await;
    assert_eq!(first.status, 201);
    assert_replay(&create(&customer, "k1", "LT-1").await, &first);
}

#[tokio::test]
async fn o_12_a_key_is_forgotten_after_24_hours_whether_the_table_forgot_it_or_not() {
    let (world, mut customer) = setting().await;
    let body = json!({ "kind": "licence", "fields": { "name": "Editor" } });
    let key = [("idempotency-key", "k1")];
    let first = customer.post_with("/v1/records", &body, &key).await;
    world.advance(24 * 3_600 - 1);
    customer.sign_in().await;
    assert_replay(&customer.post_with("/v1/records", &body, &key).await, &first);
    world.advance(1);
    assert_eq!(
        world.of_type("ephemeral", "stored_answer").await.len(),
        1,
        "the row is still there"
    );
    let second = customer.post_with("/v1/records", &body, &key).await;
    assert_eq!(
        (second.status, second.header("idempotency-replayed")),
        (201, None)
    );
    assert_ne!(second.json()["id"], first.json()["id"]);
    assert_replay(&customer.post_with("/v1/records", &body, &key).await, &second);
    world.advance(24 * 3_600);
    customer.sign_in().await;
    let other = json!({ "kind": "licence", "fields": { "name": "Other" } });
    assert_eq!(
        customer.post_with("/v1/records", &other, &key).await.status,
        201,
        "for another request, too"
    );
}

#[tokio::test]
async fn o_13_a_key_of_another_person_or_route_is_another_key() {
    let (world, customer) = setting().await;
    let bob = world.customer("Bob").await;
    let first = create(&customer, "k1", "LT-1").await;
    let theirs = create(&bob, "k1", "LT-1").await;
    assert_eq!(
        (theirs.status, theirs.header("idempotency-replayed")),
        (201, None)
    );
    assert_ne!(theirs.json()["id"], first.json()["id"]);
    let path = format!("{}/attachments", first.header("location").unwrap());
    let attached = customer
        .post_with(&path, &announcement("a.txt", "a"), &[("idempotency-key", "k1")])
        .await;
    assert_eq!(
        (attached.status, attached.header("idempotency-replayed")),
        (201, None),
        "{attached:?}"
    );
    let again = customer
        .post_with(&path, &announcement("a.txt", "a"), &[("idempotency-key", "k1")])
        .await;
    assert_replay(&again, &attached);
    // The same route with another record in its path is another request.
    let other = create(&customer, "k2", "LT-2").await;
    let path = format!("{}/attachments", other.header("location").unwrap());
    let reply = customer
        .post_with(&path, &announcement("a.txt", "a"), &[("idempotency-key", "k1")])
        .await;
    assert_eq!(reply.problem(), (422, "idempotency-mismatch".into(), vec![]));
}

#[tokio::test]
async fn o_15_a_key_that_is_none_is_400_and_changes_nothing() {
    let (world, customer) = setting().await;
    let before = world.everything().await;
    for key in ["", " ", "a b", "a\tb", &"k".repeat(256)] {
        for (path, content_type, body) in [
            (
                "/v1/records",
                "application/json",
                json!({ "kind": "asset", "fields": { "asset_tag": "x" } }).to_string(),
            ),
            ("/v1/imports?kind=asset", "text/csv", "asset_tag\nx\n".to_owned()),
        ] {
            let headers = [("content-type", content_type), ("idempotency-key", key)];
            let reply = customer.send(Method::POST, path, &headers, body.into()).await;
            assert_eq!(
                reply.problem(),
                (400, "unreadable".into(), vec!["Idempotency-Key".into()]),
                "{key:?}: {reply:?}"
            );
        }
    }
    assert_unchanged(&before, &world.everything().await, "keys that are none");
    assert_eq!(create(&customer, &"k".repeat(255), "LT-1").await.status, 201);
}

#[tokio::test]
async fn o_17_a_stored_answer_is_sealed_and_o_20_not_replayed_to_who_lost_the_right() {
    let (world, customer) = setting().await;
    assert_eq!(create(&customer, "k1", "Kanarienvogel").await.status, 201);
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        assert!(
            !bytes.windows(13).any(|window| window == b"Kanarienvogel"),
            "{place}"
        );
    }
    assert_eq!(
        customer
            .post("/v1/organisation/cancel", &Value::Null)
            .await
            .status,
        200
    );
    let reply = create(&customer, "k1", "Kanarienvogel").await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
}
