//! The unit and one decryption by KMS, at an endpoint of its own as on AWS: what opening a sealed item costs anybody.

use std::process::ExitCode;

use aws_sdk_kms::primitives::Blob;
use aws_smithy_types::base64;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

fn main() -> ExitCode {
    bare::run(async {
        let client = bare::dynamodb();
        let kms = kms();
        lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| {
            decrypt(&kms).await?;
            bare::get(&client).await
        }))
        .await
    })
}

fn kms() -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(aws_sdk_kms::config::BehaviorVersion::latest())
        .region(aws_sdk_kms::config::Region::new(bare::variable("AWS_REGION")))
        .credentials_provider(bare::credentials())
        .endpoint_url(bare::variable("BARE_KMS_ENDPOINT"));
    aws_sdk_kms::Client::from_conf(config.build())
}

async fn decrypt(client: &aws_sdk_kms::Client) -> Result<(), Error> {
    let ciphertext = base64::decode(bare::variable("ROOT_KEY_CIPHERTEXT"))?;
    client
        .decrypt()
        .ciphertext_blob(Blob::new(ciphertext))
        .encryption_context("trackwell:purpose", "root")
        .send()
        .await?;
    Ok(())
}
