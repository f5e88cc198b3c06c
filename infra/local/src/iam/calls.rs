//! From a request to the permissions that AWS asks for before it serves it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value};

use super::{AwsCall, dynamodb, s3};
use crate::ses::{Content, Outbound, SEND_EMAIL_PATH};

#[cfg(test)]
mod tests;

/// Where the stand-ins are, as the ARNs of their resources say.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The region.
    pub region: &'a str,
    /// The account.
    pub account: &'a str,
}

/// Finds the ARN of a KMS key from what a request names it by, or else from the ciphertext it made.
pub type KeyResolver<'a> = dyn Fn(Option<&str>, Option<&[u8]>) -> Option<String> + 'a;

/// The permissions that a request needs, all of them. `service` is the one in the scope of its signature.
///
/// # Errors
/// When the request is for an operation that is not known here, or cannot be read: nobody can say what it needs, so it
/// has to be refused.
pub fn aws_calls(
    service: &str,
    request: &Request<Bytes>,
    place: Place<'_>,
    key_arn: &KeyResolver<'_>,
) -> Result<Vec<AwsCall>, String> {
    match service {
        "dynamodb" => dynamodb::calls(operation(request, "DynamoDB_20120810.")?, &body(request)?, place),
        "kms" => kms(operation(request, "TrentService.")?, &body(request)?, key_arn),
        "s3" => s3::calls(request, key_arn),
        "ses" => ses(request, place),
        other => Err(format!("the service {other} is not known here")),
    }
}

fn operation<'a>(request: &'a Request<Bytes>, prefix: &str) -> Result<&'a str, String> {
    let mut targets = request.headers().get_all("x-amz-target").iter();
    // With two targets, what is judged here need not be what is served there.
    match (targets.next().map(|target| target.to_str()), targets.next()) {
        (Some(Ok(target)), None) => target
            .strip_prefix(prefix)
            .ok_or_else(|| format!("{target} is not a target of this service")),
        _ => Err("the request does not have one X-Amz-Target".to_owned()),
    }
}

fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(request.body()).map_err(|error| format!("the body is not a JSON object: {error}"))
}

fn kms(
    operation: &str,
    body: &Map<String, Value>,
    key_arn: &KeyResolver<'_>,
) -> Result<Vec<AwsCall>, String> {
    let known = [
        "Encrypt",
        "Decrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "DescribeKey",
    ];
    if !known.contains(&operation) {
        return Err(format!("the operation {operation} of KMS is not known here"));
    }
    let blob = body
        .get("CiphertextBlob")
        .and_then(Value::as_str)
        .and_then(|text| BASE64.decode(text).ok());
    let named = body.get("KeyId").and_then(Value::as_str);
    let resource = key_arn(named, blob.as_deref()).ok_or("the request names no key that exists")?;
    let mut encryption_context = BTreeMap::new();
    for (name, value) in body
        .get("EncryptionContext")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let value = value
            .as_str()
            .ok_or_else(|| format!("EncryptionContext.{name} is not a text"))?;
        encryption_context.insert(name.clone(), value.to_owned());
    }
    Ok(vec![AwsCall {
        encryption_context,
        ..AwsCall::new(format!("kms:{operation}"), resource)
    }])
}

fn ses(request: &Request<Bytes>, place: Place<'_>) -> Result<Vec<AwsCall>, String> {
    if request.method() != Method::POST || request.uri().path() != SEND_EMAIL_PATH {
        return Err(format!(
            "{} {} of SES is not known here",
            request.method(),
            request.uri().path()
        ));
    }
    let outbound = Outbound::parse(request.body())?;
    let action = match outbound.content {
        Content::Simple(_) => "ses:SendEmail",
        Content::Raw(_) => "ses:SendRawEmail",
    };
    let arn = |resource: &str| format!("arn:aws:ses:{}:{}:{resource}", place.region, place.account);
    let domain = outbound.from.address.rsplit('@').next().unwrap_or_default();
    let identity = outbound
        .identity_arn
        .clone()
        .unwrap_or_else(|| arn(&format!("identity/{domain}")));
    let call = |resource: String| AwsCall {
        from_address: Some(outbound.from.address.clone()),
        recipients: outbound
            .recipients()
            .map(|mailbox| mailbox.address.clone())
            .collect(),
        ..AwsCall::new(action, resource)
    };
    let mut calls = vec![call(identity)];
    if let Some(set) = &outbound.configuration_set {
        calls.push(call(arn(&format!("configuration-set/{set}"))));
    }
    Ok(calls)
}
