//! What an S3 request touches, in the path style that the SDK uses with an endpoint of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use percent_encoding::percent_decode_str;
use quick_xml::de::from_reader;
use serde::Deserialize;

use super::{AwsCall, KeyResolver};

#[cfg(test)]
mod tests;

/// Parameters that change how an operation answers, but not what it is.
const HARMLESS: [&str; 16] = [
    "x-id",
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "continuation-token",
    "start-after",
    "fetch-owner",
    "encoding-type",
    "marker",
    "key-marker",
    "version-id-marker",
    "versionId",
    "response-content-disposition",
    "response-content-type",
    "response-cache-control",
];

#[derive(Deserialize)]
struct Delete {
    #[serde(rename = "Object", default)]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "VersionId")]
    version: Option<String>,
}

/// The permissions that a request needs.
pub(super) fn calls(request: &Request<Bytes>, key_arn: &KeyResolver<'_>) -> Result<Vec<AwsCall>, String> {
    let path = decoded(request.uri().path())?;
    let path = path
        .strip_prefix('/')
        .ok_or("the path does not begin with a slash")?;
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if !is_bucket(bucket) {
        return Err(format!("{bucket:?} is not the name of a bucket"));
    }
    let query = query(request.uri().query().unwrap_or_default())?;
    let method = request.method();
    let reads = method == Method::GET || method == Method::HEAD;
    let names = query.keys().map(String::as_str).filter(|name| {
        let is_signature = name.to_ascii_lowercase().starts_with("x-amz-");
        !(is_signature || HARMLESS.contains(name) || reads && *name == "partNumber")
    });
    let names: Vec<&str> = names.collect();
    let versioned = query.contains_key("versionId");
    let headers = request.headers();
    let on_object = |plain: &str, with_version: &str| {
        vec![AwsCall::new(
            if versioned { with_version } else { plain },
            object_arn(bucket, key),
        )]
    };
    let listing = |action: &str| {
        let prefix = query.get("prefix").cloned();
        vec![AwsCall {
            prefix,
            ..AwsCall::new(action, format!("arn:aws:s3:::{bucket}"))
        }]
    };
    match (method.as_str(), key.is_empty(), names.as_slice()) {
        ("GET" | "HEAD", false, []) => Ok(on_object("s3:GetObject", "s3:GetObjectVersion")),
        ("GET", false, ["tagging"]) => Ok(on_object("s3:GetObjectTagging", "s3:GetObjectVersionTagging")),
        ("PUT", false, ["tagging"]) => Ok(on_object("s3:PutObjectTagging", "s3:PutObjectVersionTagging")),
        ("PUT", false, []) if versioned => Err("an object is not written as a version".to_owned()),
        ("PUT", false, []) => put(bucket, key, headers, key_arn),
        ("DELETE", false, []) => {
            let mut calls = on_object("s3:DeleteObject", "s3:DeleteObjectVersion");
            bypass(&mut calls, headers);
            Ok(calls)
        }
        ("GET" | "HEAD", true, []) => Ok(listing("s3:ListBucket")),
        ("GET", true, ["versions"]) => Ok(listing("s3:ListBucketVersions")),
        ("POST", true, ["delete"]) => {
            let mut calls = deleted(bucket, request.body())?;
            bypass(&mut calls, headers);
            Ok(calls)
        }
        (method, _, names) => Err(format!("{method} of S3 with {names:?} is not known here")),
    }
}

/// Besides writing itself, AWS asks for a permission for each thing that the headers set along with the object.
fn put(
    bucket: &str,
    key: &str,
    headers: &HeaderMap,
    key_arn: &KeyResolver<'_>,
) -> Result<Vec<AwsCall>, String> {
    let target = object_arn(bucket, key);
    let mut calls = vec![AwsCall::new("s3:PutObject", &target)];
    let along = [
        ("x-amz-acl", "s3:PutObjectAcl"),
        ("x-amz-grant-", "s3:PutObjectAcl"),
        ("x-amz-tagging", "s3:PutObjectTagging"),
        ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
        ("x-amz-object-lock-retain-until-date", "s3:PutObjectRetention"),
        ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
    ];
    for (header, action) in along {
        let is_set = headers.keys().any(|name| match header.ends_with('-') {
            true => name.as_str().starts_with(header),
            false => name == header,
        });
        let call = AwsCall::new(action, &target);
        if is_set && !calls.contains(&call) {
            calls.push(call);
        }
    }
    if let Some(source) = headers.get("x-amz-copy-source") {
        calls.push(copied(source.to_str().map_err(|error| error.to_string())?)?);
    }
    let encryption = headers
        .get("x-amz-server-side-encryption")
        .map(http::HeaderValue::as_bytes);
    if encryption.is_some_and(|value| value.starts_with(b"aws:kms")) {
        let named = headers.get("x-amz-server-side-encryption-aws-kms-key-id");
        let named = named
            .and_then(|value| value.to_str().ok())
            .ok_or("the request names no KMS key")?;
        let resource = key_arn(Some(named), None).ok_or("the request names no KMS key that exists")?;
        let encryption_context = BTreeMap::from([("aws:s3:arn".to_owned(), target)]);
        calls.push(AwsCall {
            encryption_context,
            ..AwsCall::new("kms:GenerateDataKey", resource)
        });
    }
    Ok(calls)
}

fn copied(source: &str) -> Result<AwsCall, String> {
    let (path, version) = match source.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (source, None),
    };
    let path = decoded(path.strip_prefix('/').unwrap_or(path))?;
    match path.split_once('/') {
        Some((bucket, key)) if is_bucket(bucket) && !key.is_empty() => {
            let action = if version.is_some() {
                "s3:GetObjectVersion"
            } else {
                "s3:GetObject"
            };
            Ok(AwsCall::new(action, object_arn(bucket, key)))
        }
        _ => Err(format!("{source:?} is not a source to copy from")),
    }
}

fn deleted(bucket: &str, body: &[u8]) -> Result<Vec<AwsCall>, String> {
    let delete: Delete = from_reader(body).map_err(|error| format!("the list to delete: {error}"))?;
    if delete.objects.is_empty() {
        return Err("the list to delete is empty".to_owned());
    }
    let call = |object: Object| {
        let action = match object.version.as_deref() {
            None | Some("") => "s3:DeleteObject",
            Some(_) => "s3:DeleteObjectVersion",
        };
        AwsCall::new(action, object_arn(bucket, &object.key))
    };
    Ok(delete.objects.into_iter().map(call).collect())
}

fn bypass(calls: &mut Vec<AwsCall>, headers: &HeaderMap) {
    if headers.contains_key("x-amz-bypass-governance-retention") {
        let again = |call: &AwsCall| AwsCall::new("s3:BypassGovernanceRetention", &call.resource);
        let more: Vec<_> = calls.iter().map(again).collect();
        calls.extend(more);
    }
}

fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn is_bucket(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (3..=63).contains(&name.len()) && name.bytes().all(fits)
}

fn decoded(text: &str) -> Result<String, String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|error| format!("{text}: {error}"))
}

fn query(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut parameters = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(&value.replace('+', " "))?;
        // With one name twice, what is judged here need not be what is served there.
        if parameters.insert(decoded(name)?, value).is_some() {
            return Err(format!("the parameter {name} stands there twice"));
        }
    }
    Ok(parameters)
}
