//! Dependencies out of reach: files, keys, calls that never come back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use local::Fault;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::accounts::registration;
use crate::faults::{Trouble, assert_unavailable};
use crate::harness::{World, announcement};
use crate::records::{create, setting};
use crate::support::{ALWAYS, Everything, answer, assert_unchanged, refusal};

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

#[tokio::test]
async fn u_08_while_a_key_of_kms_is_switched_off_nothing_is_read_and_nothing_is_lost() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let before = world.everything().await;
    world.stack.forget_containers();
    world.switch_key("alias/trackwell-data", false).await;
    assert_unavailable(&customer.get(&path).await, "the data key");
    assert_unavailable(&customer.try_sign_in().await, "the data key");
    world.switch_key("alias/trackwell-data", true).await;
    world.switch_key("alias/trackwell-tokens", false).await;
    assert_unavailable(&customer.try_sign_in().await, "the token key");
    assert_eq!(customer.get(&path).await.status, 200, "who has a token goes on");
    world.switch_key("alias/trackwell-tokens", true).await;
    let sessions = |everything: &Everything| {
        everything
            .iter()
            .filter(|(key, _)| !key.contains("SESSION#"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    let (before, after) = (sessions(&before), sessions(&world.everything().await));
    assert_unchanged(&before, &after, "keys that are off");
    assert_eq!(customer.try_sign_in().await.status, 200);
}

#[tokio::test]
async fn t_05_a_call_that_never_comes_back_ends_in_503_within_the_functions_time() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    for operation in ["BatchGetItem", "Decrypt"] {
        world.stack.forget_containers();
        let failed = world.fail("records-get", operation, ALWAYS, || Fault::Hang);
        let began = tokio::time::Instant::now();
        let reply = customer.get(&path).await;
        let waited = began.elapsed();
        world.stack.clear_fault();
        assert_unavailable(&reply, operation);
        assert!(failed.load(Ordering::SeqCst) >= 2, "{operation} is tried again");
        assert!(
            waited <= shared::aws::OPERATION_TIMEOUT + Duration::from_secs(2),
            "{operation}: {waited:?}"
        );
        assert_eq!(customer.get(&path).await.status, 200, "{operation}");
    }
}

#[tokio::test]
async fn kms_that_throttles_or_breaks_off_once_is_asked_again() {
    let (world, customer) = setting().await;
    let path = format!(
        "/v1/records/{}",
        customer.asset(json!({ "asset_tag": "LT-1" })).await
    );
    let troubles: [Trouble; 3] = [
        ("no connection", || Fault::DropBefore),
        ("throttled", || refusal(400, "ThrottlingException", &Value::Null)),
        ("internal", || refusal(500, "KMSInternalException", &Value::Null)),
    ];
    for (trouble, fault) in troubles {
        world.stack.forget_containers();
        let failed = world.fail("records-get", "Decrypt", 1, fault);
        assert_eq!(customer.get(&path).await.status, 200, "{trouble}");
        assert_eq!(failed.load(Ordering::SeqCst), 1, "{trouble}");
        world.stack.clear_fault();
    }
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
