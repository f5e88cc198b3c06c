use std::sync::Arc;

use jiff::Timestamp;
use shared::clock::ManualClock;
use shared::policy::Profile;

use super::*;
use crate::{Clocks, Options, Stack, Storage};

const CREATE: &str = "records-create";

async fn stack(enforce_policies: bool) -> Stack {
    let options = Options {
        profile: Profile::Trackado,
        storage: Storage::Memory,
        clock: Clocks::Manual(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))),
        port: None,
        enforce_policies,
        schedules: false,
    };
    Stack::start(options).await.unwrap()
}

/// A request of a function for a count of all items, which no function may ask for.
fn scan(stack: &Stack, function: &str) -> Request<Bytes> {
    let access_key = stack
        .environment(function)
        .remove("AWS_ACCESS_KEY_ID")
        .unwrap_or_default();
    signed_by(
        &access_key,
        "dynamodb",
        "DynamoDB_20120810.Scan",
        r#"{"TableName":"trackwell-core"}"#,
    )
}

fn signed_by(access_key: &str, service: &str, target: &str, body: &'static str) -> Request<Bytes> {
    let credential = format!("{access_key}/20261101/eu-west-2/{service}/aws4_request");
    Request::post("/")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
        .header("x-amz-target", target)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[tokio::test]
async fn a_call_that_the_functions_own_policy_does_not_allow_is_refused_and_noted() {
    let stack = stack(true).await;
    let refused = stack.aws().call(scan(&stack, CREATE)).await;
    assert_eq!(refused.status(), 400);
    assert!(
        text(&refused).contains("AccessDeniedException"),
        "{}",
        text(&refused)
    );
    assert!(text(&refused).contains("RecordsCreateFunction is not authorized to perform dynamodb:Scan"));
    assert_eq!(stack.calls(), []);
    assert_eq!(
        stack.usage()["RecordsCreateFunction"][0]["action"],
        "dynamodb:Scan"
    );
}

#[tokio::test]
async fn a_call_that_nobody_can_judge_is_refused() {
    let stack = stack(true).await;
    let access_key = &stack.environment(CREATE)["AWS_ACCESS_KEY_ID"];
    let delete = signed_by(access_key, "dynamodb", "DynamoDB_20120810.DeleteTable", "{}");
    assert!(text(&stack.aws().call(delete).await).contains("AccessDeniedException"));
    let elsewhere = signed_by(access_key, "sqs", "AmazonSQS.SendMessage", "{}");
    assert!(text(&stack.aws().call(elsewhere).await).contains("AccessDeniedException"));
}

#[tokio::test]
async fn callers_that_nobody_knows_are_refused_in_the_words_of_each_service() {
    let stack = stack(false).await;
    let stranger = stack
        .aws()
        .call(signed_by("AKID", "kms", "TrentService.Decrypt", "{}"))
        .await;
    assert!(text(&stranger).contains("UnrecognizedClientException"));
    let stranger = stack.aws().call(signed_by("AKID", "ses", "", "{}")).await;
    assert_eq!(
        (
            stranger.status().as_u16(),
            &stranger.headers()["x-amzn-errortype"]
        ),
        (
            403,
            &http::HeaderValue::from_static("UnrecognizedClientException")
        )
    );
    let stranger = stack.aws().call(signed_by("AKID", "s3", "", "")).await;
    assert!(text(&stranger).contains("<Code>InvalidAccessKeyId</Code>"));
    let nobody = stack
        .aws()
        .call(Request::get("/trackwell-files/a").body(Bytes::new()).unwrap())
        .await;
    assert_eq!(nobody.status(), 403);
    assert!(text(&nobody).contains("<Code>AccessDenied</Code>"));
}

#[tokio::test]
async fn faults_strike_the_calls_that_the_hook_chooses_and_calls_are_counted() {
    let stack = stack(false).await;
    stack.set_fault(|request| match request.n {
        0 => Fault::DropBefore,
        1 => Fault::ApplyThenDrop,
        2 => Fault::Respond(Response::new(Bytes::from_static(b"made up"))),
        3 => Fault::Hang,
        _ => Fault::None,
    });
    let ask = || stack.aws().exchange(scan(&stack, CREATE));
    assert_eq!(ask().await.unwrap_err(), Dropped);
    assert_eq!(ask().await.unwrap_err(), Dropped);
    assert_eq!(text(&ask().await.unwrap()), "made up");
    let hung = tokio::time::timeout(std::time::Duration::from_millis(20), ask()).await;
    assert!(hung.is_err());
    assert!(text(&ask().await.unwrap()).contains("\"Count\":0"));
    assert_eq!(stack.calls().len(), 5);
    stack.clear_fault();
    stack.clear_calls();
    stack.meter(true);
    assert!(ask().await.is_ok());
    let [call] = stack.calls().try_into().unwrap();
    assert_eq!(
        (call.function, call.service.as_str(), call.operation.as_str()),
        (CREATE, "dynamodb", "Scan")
    );
    assert!(call.consumed_read > 0.0 && call.consumed_write == 0.0, "{call:?}");
}

#[tokio::test]
async fn the_operator_sees_everything_and_leaves_no_trace() {
    let stack = stack(true).await;
    stack.set_fault(|_| Fault::DropBefore);
    let tables = stack.operator().dynamodb().list_tables().send().await.unwrap();
    assert_eq!(tables.table_names().len(), 4);
    let buckets = stack.operator().s3().list_buckets().send().await.unwrap();
    assert_eq!(buckets.buckets().len(), 2);
    assert_eq!(stack.calls(), []);
}
