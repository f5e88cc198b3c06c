//! The unit: the Lambda runtime and a DynamoDB client that reads one item.

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

fn main() -> ExitCode {
    bare::run(async {
        let client = bare::dynamodb();
        lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| bare::get(&client).await)).await
    })
}
