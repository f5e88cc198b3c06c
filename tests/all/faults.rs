//! Bad days: throttling, lost answers, partial batches, conflicts, keys and mail out of reach.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use local::Fault;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::accounts::registration;
use crate::harness::{Customer, Reply, World, announcement};
use crate::records::{create, setting};
use crate::support::{ALWAYS, answer, assert_unchanged, number, refusal};

/// What happens to a call, and how it is made to happen.
type Trouble = (&'static str, fn() -> Fault);

fn throttled() -> Fault {
    refusal(400, "ProvisionedThroughputExceededException", &Value::Null)
}

const OF_TABLES: [Trouble; 6] = [
    ("throughput exceeded", throttled),
    ("throttling", || refusal(400, "ThrottlingException", &Value::Null)),
    ("request limit", || {
        refusal(400, "RequestLimitExceeded", &Value::Null)
    }),
    ("internal error", || {
        refusal(500, "InternalServerError", &Value::Null)
    }),
    ("no connection", || Fault::DropBefore),
    ("an answer that is none", || {
        answer(503, "text/html", "<html>".to_owned())
    }),
];

fn assert_unavailable(reply: &Reply, what: &str) {
    assert_eq!(
        reply.problem(),
        (503, "unavailable".into(), vec![]),
        "{what}: {reply:?}"
    );
    let seconds = reply
        .header("retry-after")
        .unwrap_or_else(|| panic!("{what}: no Retry-After"));
    assert!(seconds.parse::<u32>().unwrap() >= 1);
    reply.assert_hardened();
    let text = reply.json().to_string();
    for word in [
        "Item",
        "Throttl",
        "Exception",
        "trackwell-",
        "dynamo",
        "s3",
        "kms",
        "drill",
    ] {
        assert!(!text.contains(word), "nothing of the inside: {text}");
    }
}

/// The requests whose faults are tried, each with the function and its calls to the tables.
const REQUESTS: [(&str, &[&str]); 6] = [
    ("records-create", &["BatchGetItem", "TransactWriteItems"]),
    ("records-update", &["BatchGetItem", "TransactWriteItems"]),
    ("records-get", &["BatchGetItem"]),
    ("records-list", &["BatchGetItem", "Query"]),
    ("me-update", &["BatchGetItem", "TransactWriteItems"]),
    (
        "attachments-create",
        &["BatchGetItem", "Query", "TransactWriteItems"],
    ),
];

async fn request(customer: &Customer, function: &str, path: &str, n: usize) -> Reply {
    match function {
        "records-create" => create(customer, "asset", json!({ "asset_tag": format!("N-{n}") })).await,
        "records-update" => {
            let body = json!({ "fields": { "name": n.to_string() } });
            let etag = customer.get(path).await.header("etag").unwrap().to_owned();
            customer
                .json(Method::PATCH, path, &body, &[("if-match", &etag)])
                .await
        }
        "records-get" => customer.get(path).await,
        "records-list" => customer.get("/v1/records?kind=asset").await,
        "me-update" => {
            customer
                .json(Method::PATCH, "/v1/me", &json!({ "name": n.to_string() }), &[])
                .await
        }
        _ => {
            customer
                .post(
                    &format!("{path}/attachments"),
                    &announcement("a.txt", &n.to_string()),
                )
                .await
        }
    }
}

#[tokio::test]
async fn s_01_a_call_to_the_tables_that_fails_once_is_repeated_and_one_that_always_fails_is_503_and_changes_nothing()
 {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let mut n = 0;
    for (function, operations) in REQUESTS {
        for operation in operations {
            for (trouble, fault) in OF_TABLES {
                let what = format!("{function} {operation}: {trouble}");
                n += 1;
                let before = world.everything().await;
                let failed = world.fail(function, operation, ALWAYS, fault);
                let reply = request(&customer, function, &path, n).await;
                world.stack.clear_fault();
                assert_unavailable(&reply, &what);
                let attempts = failed.load(Ordering::SeqCst);
                assert_eq!(attempts, 3, "{what}: tried again within limits");
                assert_unchanged(&before, &world.everything().await, &what);
                let failed = world.fail(function, operation, 1, fault);
                let reply = request(&customer, function, &path, n).await;
                world.stack.clear_fault();
                assert!(matches!(reply.status, 200 | 201), "{what} once: {reply:?}");
                assert_eq!(failed.load(Ordering::SeqCst), 1, "{what}");
                if function == "attachments-create" {
                    let id = reply.json()["id"].as_str().unwrap().to_owned();
                    assert_eq!(
                        customer
                            .delete(&format!("{path}/attachments/{id}"), &[])
                            .await
                            .status,
                        204
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn k_18_a_write_whose_answer_is_lost_is_recognised_as_done() {
    let (world, customer) = setting().await;
    let before = world.everything().await.len();
    let failed = world.fail("records-create", "TransactWriteItems", 1, || Fault::ApplyThenDrop);
    let reply = create(
        &customer,
        "asset",
        json!({ "asset_tag": "LT-1", "serial": "S-1" }),
    )
    .await;
    world.stack.clear_fault();
    assert_eq!(
        (reply.status, failed.load(Ordering::SeqCst)),
        (201, 1),
        "{reply:?}"
    );
    assert_eq!(
        world.everything().await.len(),
        before + 4,
        "one record, one event, two guards"
    );
    let path = reply.header("location").unwrap().to_owned();
    world.fail("records-update", "TransactWriteItems", 2, || Fault::ApplyThenDrop);
    let changed = customer
        .json(
            Method::PATCH,
            &path,
            &json!({ "fields": { "name": "x" } }),
            &[("if-match", "\"1\"")],
        )
        .await;
    world.stack.clear_fault();
    assert_eq!(
        (changed.status, changed.header("etag")),
        (200, Some("\"2\"")),
        "{changed:?}"
    );
    assert_eq!(world.of_type("core", "event").await.len(), 2);
}

#[tokio::test]
async fn o_07_when_every_answer_is_lost_the_same_key_finds_the_effect_and_makes_no_second_one() {
    let (world, customer) = setting().await;
    let body = json!({ "kind": "licence", "fields": { "name": "Editor" } });
    let key = [("idempotency-key", "k1")];
    world.fail("records-create", "TransactWriteItems", ALWAYS, || {
        Fault::ApplyThenDrop
    });
    let lost = customer.post_with("/v1/records", &body, &key).await;
    world.stack.clear_fault();
    assert_unavailable(&lost, "every answer lost");
    let again = customer.post_with("/v1/records", &body, &key).await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (201, Some("true")),
        "{again:?}"
    );
    let listed = customer.get("/v1/records?kind=licence").await.json();
    assert_eq!(listed["data"], json!([again.json()]));
    assert_eq!(world.of_type("core", "event").await.len(), 1);
}

#[tokio::test]
async fn o_19_when_the_key_of_a_request_cannot_be_looked_up_nothing_is_done() {
    let (world, customer) = setting().await;
    let before = world.everything().await;
    world.fail("imports-create", "GetItem", ALWAYS, throttled);
    assert_unavailable(
        &crate::http::import(&customer, "k1", "asset_tag\nA\n").await,
        "the import's row",
    );
    world.fail("records-create", "BatchGetItem", ALWAYS, throttled);
    let body = json!({ "kind": "asset", "fields": { "asset_tag": "LT-1" } });
    let reply = customer
        .post_with("/v1/records", &body, &[("idempotency-key", "k1")])
        .await;
    world.stack.clear_fault();
    assert_unavailable(&reply, "the answer's row");
    assert_unchanged(&before, &world.everything().await, "keys out of reach");
}

#[tokio::test]
async fn k_13_keys_that_the_table_leaves_over_are_asked_for_again_or_the_answer_is_503_never_a_shorter_one() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let whole = customer.get(&path).await.json();
    let mut unprocessed = json!({});
    for table in crate::support::TABLES {
        // More than the function asked for, but nothing that it may not read.
        let wanted = ["SESSION#", "UNIT#", "ORG#", "RECORD#"];
        let keys = world.items(table).await;
        let keys: Vec<_> = keys
            .iter()
            .filter(|item| {
                table != "control"
                    && wanted
                        .iter()
                        .any(|start| item["pk"].as_str().unwrap().starts_with(start))
            })
            .map(|item| json!({ "pk": { "S": item["pk"] }, "sk": { "S": item["sk"] } }))
            .collect();
        if !keys.is_empty() {
            unprocessed[format!("trackwell-{table}")] = json!({ "Keys": keys, "ConsistentRead": true });
        }
    }
    let body = json!({ "Responses": {}, "UnprocessedKeys": unprocessed }).to_string();
    for times in [1, 3, ALWAYS] {
        let body = body.clone();
        let failed = world.fail("records-get", "BatchGetItem", times, move || {
            answer(200, "application/x-amz-json-1.0", body.clone())
        });
        let reply = customer.get(&path).await;
        world.stack.clear_fault();
        if times == ALWAYS {
            assert_unavailable(&reply, "keys are left over every time");
            assert!(
                (2..=10).contains(&failed.load(Ordering::SeqCst)),
                "tried again within limits"
            );
        } else {
            assert_eq!(
                (reply.status, reply.json()),
                (200, whole.clone()),
                "{times}: {reply:?}"
            );
        }
    }
}

fn cancelled(code: &'static str) -> Fault {
    let reasons = json!([{ "Code": "None" }, { "Code": code, "Message": "drill" }, { "Code": "None" }]);
    refusal(
        400,
        "TransactionCanceledException",
        &json!({ "Message": "drill", "CancellationReasons": reasons }),
    )
}

#[tokio::test]
async fn k_15_k_17_a_transaction_that_meets_another_one_is_tried_again_and_then_503() {
    let (world, customer) = setting().await;
    for (what, fault) in [
        ("conflict", (|| cancelled("TransactionConflict")) as fn() -> Fault),
        ("throttled", || cancelled("ThrottlingError")),
        ("throughput", || cancelled("ProvisionedThroughputExceeded")),
        ("in progress", || {
            refusal(400, "TransactionInProgressException", &Value::Null)
        }),
    ] {
        let before = world.everything().await;
        let failed = world.fail("records-create", "TransactWriteItems", ALWAYS, fault);
        let reply = create(&customer, "asset", json!({ "asset_tag": what })).await;
        assert_unavailable(&reply, what);
        let attempts = failed.load(Ordering::SeqCst);
        assert!((2..=10).contains(&attempts), "{what}: {attempts} attempts");
        assert_unchanged(&before, &world.everything().await, what);
        world.fail("records-create", "TransactWriteItems", 1, fault);
        let reply = create(&customer, "asset", json!({ "asset_tag": what })).await;
        world.stack.clear_fault();
        assert_eq!(reply.status, 201, "{what}: {reply:?}");
    }
}

#[tokio::test]
async fn s3_that_throttles_or_breaks_off_is_asked_again_and_then_503_and_nothing_is_half_done() {
    let (world, customer) = setting().await;
    let record = customer.asset(json!({ "asset_tag": "LT-1" })).await;
    let path = format!("/v1/records/{record}/attachments");
    let slow_down = || {
        let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>drill</Message></Error>";
        answer(503, "application/xml", body.to_owned())
    };
    let troubles: [Trouble; 3] = [
        ("slow down", slow_down),
        ("internal error", || {
            answer(
                500,
                "application/xml",
                "<Error><Code>InternalError</Code></Error>".to_owned(),
            )
        }),
        ("no connection", || Fault::DropBefore),
    ];
    for (trouble, fault) in troubles {
        for operation in ["HeadObject", "GetObject"] {
            let what = format!("complete {operation}: {trouble}");
            let pending = customer.post(&path, &announcement("a.txt", "a")).await.json();
            assert_eq!(customer.send_signed(&pending["upload"], b"a").await.status, 200);
            let one = format!("{path}/{}", pending["id"].as_str().unwrap());
            let before = world.everything().await;
            world.fail("attachments-complete", operation, ALWAYS, fault);
            let reply = customer.post(&format!("{one}/complete"), &Value::Null).await;
            world.stack.clear_fault();
            assert_unavailable(&reply, &what);
            assert_unchanged(&before, &world.everything().await, &what);
            world.fail("attachments-complete", operation, 1, fault);
            let reply = customer.post(&format!("{one}/complete"), &Value::Null).await;
            world.stack.clear_fault();
            assert_eq!(reply.status, 200, "{what}: {reply:?}");
            assert_eq!(customer.delete(&one, &[]).await.status, 204);
        }
        for operation in ["ListObjectVersions", "DeleteObjects"] {
            let what = format!("delete {operation}: {trouble}");
            let attachment = customer.attach(&record, "a.txt", "a").await;
            let one = format!("{path}/{attachment}");
            let before = world.everything().await;
            world.fail("attachments-delete", operation, ALWAYS, fault);
            let reply = customer.delete(&one, &[]).await;
            world.stack.clear_fault();
            assert_unavailable(&reply, &what);
            assert_unchanged(&before, &world.everything().await, &what);
            world.fail("attachments-delete", operation, 1, fault);
            let reply = customer.delete(&one, &[]).await;
            world.stack.clear_fault();
            assert_eq!(
                (reply.status, world.object_versions().await),
                (204, 0),
                "{what}: {reply:?}"
            );
        }
    }
    // S3 can refuse to delete a single version of a batch.
    let attachment = customer.attach(&record, "a.txt", "a").await;
    let body = "<DeleteResult><Error><Key>x</Key><Code>InternalError</Code></Error></DeleteResult>";
    world.fail("attachments-delete", "DeleteObjects", 1, || {
        answer(200, "application/xml", body.to_owned())
    });
    assert_unavailable(
        &customer.delete(&format!("{path}/{attachment}"), &[]).await,
        "one version stays",
    );
    assert_eq!(
        customer.delete(&format!("{path}/{attachment}"), &[]).await.status,
        204
    );
    assert_eq!(world.object_versions().await, 0);
}

#[tokio::test]
async fn s_03_without_kms_a_cold_start_answers_503_and_never_anything_else() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let before = world.everything().await;
    let troubles: [Trouble; 4] = [
        ("no connection", || Fault::DropBefore),
        ("answers lost", || Fault::ApplyThenDrop),
        ("throttled", || refusal(400, "ThrottlingException", &Value::Null)),
        ("internal", || refusal(500, "KMSInternalException", &Value::Null)),
    ];
    for (trouble, fault) in troubles {
        world.stack.forget_containers();
        world.stack.set_fault(move |call| {
            if call.service == "kms" {
                fault()
            } else {
                Fault::None
            }
        });
        for reply in [
            customer.get(&path).await,
            customer.get("/v1/me").await,
            create(&customer, "asset", json!({ "asset_tag": "LT-2" })).await,
            customer.try_sign_in().await,
            world
                .anonymous()
                .post("/v1/auth/register", &registration(&world, "new@customer.example"))
                .await,
        ] {
            assert_unavailable(&reply, trouble);
        }
        world.stack.clear_fault();
        assert_unchanged(&before, &world.everything().await, trouble);
        assert_eq!(
            customer.get(&path).await.status,
            200,
            "a container recovers as soon as the keys are there"
        );
    }
    assert_eq!(world.stack.mails().messages().len(), 1);
}

/// The heads of mails, as state and attempts.
async fn heads(world: &World) -> Vec<Value> {
    let heads = world.of_type("control", "mail_head").await;
    heads
        .iter()
        .map(|head| json!([head["state"], number(&head["attempts"])]))
        .collect()
}

#[tokio::test]
async fn a_mail_that_ses_refuses_for_load_is_sent_by_the_schedule_exactly_once() {
    let world = World::new(Profile::Trackado).await;
    world.stack.mails().throttle(2);
    let body = registration(&world, "ada@customer.example");
    assert_eq!(
        world.anonymous().post("/v1/auth/register", &body).await.status,
        202
    );
    assert_eq!(
        (world.stack.mails().messages().len(), heads(&world).await),
        (0, vec![json!(["pending", 1])])
    );
    let report = |accepted: u64, later: u64| json!({ "accepted": accepted, "later": later, "unknown": 0, "dropped": 0 });
    assert_eq!(world.task("mail-retry").await, report(0, 1), "not yet its time");
    assert_eq!(heads(&world).await, [json!(["pending", 1])]);
    world.advance(120);
    assert_eq!(world.task("mail-retry").await, report(0, 1), "refused again");
    assert_eq!(heads(&world).await, [json!(["pending", 2])]);
    world.advance(240);
    let reports = futures::future::join_all((0..4).map(|_| world.task("mail-retry"))).await;
    let accepted: u64 = reports
        .iter()
        .map(|report| report["accepted"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (accepted, world.subjects("ada@customer.example").len()),
        (1, 1),
        "{reports:?}"
    );
    assert_eq!(heads(&world).await, Vec::<Value>::new());
    world.advance(3_600);
    assert_eq!(world.task("mail-retry").await, report(0, 0));
    let code = world.code("ada@customer.example");
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/verify-email", &json!({ "code": code }))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_mail_whose_fate_is_unknown_is_never_sent_twice_and_shown_to_the_operator_for_a_week() {
    for (taken, fault) in [
        (1, (|| Fault::ApplyThenDrop) as fn() -> Fault),
        (0, || Fault::DropBefore),
    ] {
        let world = World::new(Profile::Trackado).await;
        world.stack.set_fault(move |call| {
            if call.service == "ses" {
                fault()
            } else {
                Fault::None
            }
        });
        let body = registration(&world, "ada@customer.example");
        assert_eq!(
            world.anonymous().post("/v1/auth/register", &body).await.status,
            202
        );
        world.stack.clear_fault();
        assert_eq!(
            world
                .operations("auth-register")
                .iter()
                .filter(|call| *call == "SendEmail")
                .count(),
            1,
            "asked once"
        );
        assert_eq!(heads(&world).await, [json!(["unknown", 1])]);
        for hours in [1, 24, 6 * 24 - 2] {
            world.advance(hours * 3_600);
            world.task("mail-retry").await;
            assert_eq!(world.stack.mails().messages().len(), taken);
            assert_eq!(heads(&world).await, [json!(["unknown", 1])], "{hours}");
        }
        world.advance(2 * 3_600);
        world.task("mail-retry").await;
        assert_eq!(
            (world.stack.mails().messages().len(), heads(&world).await),
            (taken, vec![])
        );
        assert_eq!(
            world.of_type("core", "mail").await.len(),
            0,
            "the content goes with it"
        );
    }
}

#[tokio::test]
async fn a_function_that_is_killed_while_it_sends_a_mail_leaves_it_unknown() {
    let world = World::new(Profile::Trackado).await;
    let body = registration(&world, "ada@customer.example");
    let anonymous = world.anonymous();
    world
        .killed_at(
            "auth-register",
            "SendEmail",
            0,
            anonymous.post("/v1/auth/register", &body),
        )
        .await;
    assert_eq!(heads(&world).await, [json!(["sending", 1])]);
    world.task("mail-retry").await;
    assert_eq!(
        heads(&world).await,
        [json!(["sending", 1])],
        "somebody may still be at it"
    );
    world.advance(61);
    world.task("mail-retry").await;
    assert_eq!(
        (world.stack.mails().messages().len(), heads(&world).await),
        (0, vec![json!(["unknown", 1])])
    );
    // Who waits for it can have another one.
    let email = json!({ "email": "ada@customer.example" });
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/resend-verification", &email)
            .await
            .status,
        202
    );
    let code = world.code("ada@customer.example");
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/verify-email", &json!({ "code": code }))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn m_13_a_mail_to_somebody_who_was_deleted_is_not_sent() {
    let world = World::new(Profile::Trackr).await;
    let customer = world.customer("Ada").await;
    world.stack.mails().throttle(1);
    let body = registration(&world, &customer.email);
    assert_eq!(
        world.anonymous().post("/v1/auth/register", &body).await.status,
        202
    );
    assert_eq!(heads(&world).await.len(), 1);
    assert_eq!(customer.delete("/v1/me", &[]).await.status, 202);
    world.advance(3_600);
    world.task("mail-retry").await;
    assert_eq!(world.subjects(&customer.email), ["Confirm your e-mail address"]);
    assert_eq!(heads(&world).await, Vec::<Value>::new());
}

#[tokio::test]
async fn t_05_a_call_that_never_comes_back_ends_in_503_within_the_functions_time() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    assert_eq!(customer.get(&path).await.status, 200);
    let failed = world.fail("records-get", "BatchGetItem", ALWAYS, || Fault::Hang);
    let began = tokio::time::Instant::now();
    let reply = customer.get(&path).await;
    let waited = began.elapsed();
    world.stack.clear_fault();
    assert_unavailable(&reply, "a call that hangs");
    assert!(failed.load(Ordering::SeqCst) >= 2, "it is tried again");
    assert!(
        waited <= shared::aws::OPERATION_TIMEOUT + Duration::from_secs(2),
        "{waited:?}"
    );
    assert_eq!(customer.get(&path).await.status, 200);
}

#[tokio::test]
async fn every_client_of_aws_has_an_explicit_limit_on_every_wait() {
    let limits = shared::aws::timeouts();
    let connect = limits.connect_timeout().expect("connect");
    let read = limits.read_timeout().expect("read");
    let attempt = limits.operation_attempt_timeout().expect("attempt");
    let operation = limits.operation_timeout().expect("operation");
    assert!(
        connect <= attempt && read <= attempt && attempt < operation,
        "{limits:?}"
    );
    let world = World::new(Profile::Trackado).await;
    let aws = world.stack.operator();
    for (name, config) in [
        ("dynamodb", aws.dynamodb().config().timeout_config().cloned()),
        ("s3", aws.s3().config().timeout_config().cloned()),
        ("kms", aws.kms().config().timeout_config().cloned()),
        ("ses", aws.ses().config().timeout_config().cloned()),
    ] {
        let config = config.unwrap_or_else(|| panic!("{name} has no limits"));
        assert_eq!(config.connect_timeout(), Some(connect), "{name}");
        assert_eq!(config.read_timeout(), Some(read), "{name}");
        assert_eq!(config.operation_attempt_timeout(), Some(attempt), "{name}");
        assert_eq!(config.operation_timeout(), Some(operation), "{name}");
    }
    // A function must have time left to answer when one operation took all of its own.
    for route in functions::registry::ROUTES {
        let budget = world.stack.budget(route.name);
        assert!(
            Duration::try_from(budget).unwrap() + Duration::from_secs(5) > operation,
            "{}: {budget}",
            route.name
        );
    }
}
