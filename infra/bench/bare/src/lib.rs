//! What the bare binaries share: the shortest way to a client and a read of one item.
//!
//! They do what the SDK's and the runtime's own examples do, without `aws-config`, which would make them slower. There
//! is no logging, no limit on waiting, no domain: what a function costs beyond this is what Trackwell costs.

use std::process::ExitCode;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::Error;
use serde_json::{Value, json};

/// Runs a bare function on one thread, as the functions run.
pub fn run(serving: impl Future<Output = Result<(), Error>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|runtime| runtime.block_on(serving)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// A variable of the environment, empty when it is not set.
#[expect(clippy::disallowed_methods, reason = "there is no configuration here")]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Who the function is.
pub fn credentials() -> Credentials {
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    Credentials::new(id, secret, None, None, "environment")
}

/// A client for DynamoDB with the SDK's own HTTP client.
pub fn dynamodb() -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new(variable("AWS_REGION")))
        .credentials_provider(credentials())
        .endpoint_url(variable("AWS_ENDPOINT_URL"));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Reads the item that the environment names, and answers as a function behind API Gateway does.
///
/// # Errors
/// When DynamoDB does not answer.
pub async fn get(client: &aws_sdk_dynamodb::Client) -> Result<Value, Error> {
    let output = client
        .get_item()
        .table_name(variable("BARE_TABLE"))
        .key("pk", AttributeValue::S(variable("BARE_PK")))
        .key("sk", AttributeValue::S(variable("BARE_SK")))
        .consistent_read(true)
        .send()
        .await?;
    let attributes = output.item.map_or(0, |item| item.len());
    Ok(answer(attributes))
}

/// An answer in the form that API Gateway wants.
pub fn answer(attributes: usize) -> Value {
    json!({
        "statusCode": 200, "headers": { "content-type": "application/json" }, "isBase64Encoded": false,
        "body": json!({ "attributes": attributes }).to_string(),
    })
}
