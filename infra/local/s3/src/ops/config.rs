//! Bucket configurations that are kept and given back.

use rusqlite::Connection;
use s3s::dto;
use s3s::xml::{DeserializeContent, SerializeContent};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::common;
use crate::store::Store;
use crate::store::meta;
use crate::xml;

/// Kinds of documents; each doubles as the root element of its XML.
pub(crate) const LIFECYCLE: &str = "LifecycleConfiguration";
pub(crate) const CORS: &str = "CORSConfiguration";
pub(crate) const OBJECT_LOCK: &str = "ObjectLockConfiguration";
const ENCRYPTION: &str = "ServerSideEncryptionConfiguration";
const PUBLIC_ACCESS_BLOCK: &str = "PublicAccessBlockConfiguration";
const POLICY: &str = "Policy";
const TAGGING: &str = "Tagging";
const OWNERSHIP: &str = "OwnershipControls";

/// Reads a configuration, if the bucket has it.
pub(crate) fn get<T: for<'xml> DeserializeContent<'xml>>(
    connection: &Connection,
    bucket: &str,
    kind: &str,
) -> S3Result<Option<T>> {
    meta::setting(connection, bucket, kind)?
        .map(|document| xml::read(kind, &document))
        .transpose()
}

fn load<T: for<'xml> DeserializeContent<'xml>>(
    store: &Store,
    bucket: &str,
    kind: &str,
    missing: S3Error,
) -> S3Result<T> {
    store.read(|connection| {
        common::bucket(connection, bucket)?;
        get(connection, bucket, kind)?.ok_or(missing)
    })
}

fn save<T: SerializeContent>(store: &Store, bucket: &str, kind: &str, value: Option<&T>) -> S3Result<()> {
    let Some(value) = value else {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed"
        ));
    };
    let document = xml::write(kind, value)?;
    set(store, bucket, kind, Some(&document))
}

fn set(store: &Store, bucket: &str, kind: &str, document: Option<&str>) -> S3Result<()> {
    store.write(|change| {
        common::bucket(change.connection, bucket)?;
        Ok(change.set(bucket, kind, document)?)
    })
}

fn no_such(code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

/// A bucket's default encryption.
pub(crate) fn encryption_rules(
    connection: &Connection,
    bucket: &str,
) -> S3Result<Option<Vec<dto::ServerSideEncryptionRule>>> {
    let found: Option<dto::ServerSideEncryptionConfiguration> = get(connection, bucket, ENCRYPTION)?;
    Ok(found.map(|configuration| configuration.rules))
}

/// Defines the deletion of one kind of document.
macro_rules! deletion {
    ($name:ident, $input:ident, $output:ident, $kind:expr) => {
        pub(crate) fn $name(
            store: &Store,
            req: S3Request<dto::$input>,
        ) -> S3Result<S3Response<dto::$output>> {
            set(store, &req.input.bucket, $kind, None)?;
            Ok(S3Response::new(dto::$output {}))
        }
    };
}

deletion!(
    delete_lifecycle,
    DeleteBucketLifecycleInput,
    DeleteBucketLifecycleOutput,
    LIFECYCLE
);
deletion!(
    delete_encryption,
    DeleteBucketEncryptionInput,
    DeleteBucketEncryptionOutput,
    ENCRYPTION
);
deletion!(delete_cors, DeleteBucketCorsInput, DeleteBucketCorsOutput, CORS);
deletion!(
    delete_policy,
    DeleteBucketPolicyInput,
    DeleteBucketPolicyOutput,
    POLICY
);
deletion!(
    delete_tagging,
    DeleteBucketTaggingInput,
    DeleteBucketTaggingOutput,
    TAGGING
);
deletion!(
    delete_public_access_block,
    DeletePublicAccessBlockInput,
    DeletePublicAccessBlockOutput,
    PUBLIC_ACCESS_BLOCK
);
deletion!(
    delete_ownership,
    DeleteBucketOwnershipControlsInput,
    DeleteBucketOwnershipControlsOutput,
    OWNERSHIP
);

pub(crate) fn get_lifecycle(
    store: &Store,
    req: S3Request<dto::GetBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<dto::GetBucketLifecycleConfigurationOutput>> {
    let missing = s3_error!(
        NoSuchLifecycleConfiguration,
        "The lifecycle configuration does not exist"
    );
    let found: dto::BucketLifecycleConfiguration = load(store, &req.input.bucket, LIFECYCLE, missing)?;
    Ok(S3Response::new(dto::GetBucketLifecycleConfigurationOutput {
        rules: Some(found.rules),
        ..dto::GetBucketLifecycleConfigurationOutput::default()
    }))
}

pub(crate) fn put_lifecycle(
    store: &Store,
    req: S3Request<dto::PutBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<dto::PutBucketLifecycleConfigurationOutput>> {
    save(
        store,
        &req.input.bucket,
        LIFECYCLE,
        req.input.lifecycle_configuration.as_ref(),
    )?;
    Ok(S3Response::new(
        dto::PutBucketLifecycleConfigurationOutput::default(),
    ))
}

pub(crate) fn get_encryption(
    store: &Store,
    req: S3Request<dto::GetBucketEncryptionInput>,
) -> S3Result<S3Response<dto::GetBucketEncryptionOutput>> {
    let missing = s3_error!(
        ServerSideEncryptionConfigurationNotFoundError,
        "The server side encryption configuration was not found"
    );
    let found = load(store, &req.input.bucket, ENCRYPTION, missing)?;
    Ok(S3Response::new(dto::GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(found),
    }))
}

pub(crate) fn put_encryption(
    store: &Store,
    req: S3Request<dto::PutBucketEncryptionInput>,
) -> S3Result<S3Response<dto::PutBucketEncryptionOutput>> {
    let input = req.input;
    save(
        store,
        &input.bucket,
        ENCRYPTION,
        Some(&input.server_side_encryption_configuration),
    )?;
    Ok(S3Response::new(dto::PutBucketEncryptionOutput {}))
}

pub(crate) fn get_cors(
    store: &Store,
    req: S3Request<dto::GetBucketCorsInput>,
) -> S3Result<S3Response<dto::GetBucketCorsOutput>> {
    let missing = s3_error!(NoSuchCORSConfiguration, "The CORS configuration does not exist");
    let found: dto::CORSConfiguration = load(store, &req.input.bucket, CORS, missing)?;
    Ok(S3Response::new(dto::GetBucketCorsOutput {
        cors_rules: Some(found.cors_rules),
    }))
}

pub(crate) fn put_cors(
    store: &Store,
    req: S3Request<dto::PutBucketCorsInput>,
) -> S3Result<S3Response<dto::PutBucketCorsOutput>> {
    save(
        store,
        &req.input.bucket,
        CORS,
        Some(&req.input.cors_configuration),
    )?;
    Ok(S3Response::new(dto::PutBucketCorsOutput {}))
}

pub(crate) fn get_public_access_block(
    store: &Store,
    req: S3Request<dto::GetPublicAccessBlockInput>,
) -> S3Result<S3Response<dto::GetPublicAccessBlockOutput>> {
    let missing = no_such(
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    );
    let found = load(store, &req.input.bucket, PUBLIC_ACCESS_BLOCK, missing)?;
    Ok(S3Response::new(dto::GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(found),
    }))
}

pub(crate) fn put_public_access_block(
    store: &Store,
    req: S3Request<dto::PutPublicAccessBlockInput>,
) -> S3Result<S3Response<dto::PutPublicAccessBlockOutput>> {
    let input = req.input;
    save(
        store,
        &input.bucket,
        PUBLIC_ACCESS_BLOCK,
        Some(&input.public_access_block_configuration),
    )?;
    Ok(S3Response::new(dto::PutPublicAccessBlockOutput {}))
}

pub(crate) fn get_policy(
    store: &Store,
    req: S3Request<dto::GetBucketPolicyInput>,
) -> S3Result<S3Response<dto::GetBucketPolicyOutput>> {
    let policy = store.read(|connection| {
        common::bucket(connection, &req.input.bucket)?;
        let found = meta::setting(connection, &req.input.bucket, POLICY)?;
        found.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))
    })?;
    Ok(S3Response::new(dto::GetBucketPolicyOutput {
        policy: Some(policy),
    }))
}

pub(crate) fn put_policy(
    store: &Store,
    req: S3Request<dto::PutBucketPolicyInput>,
) -> S3Result<S3Response<dto::PutBucketPolicyOutput>> {
    if serde_json::from_str::<serde_json::Value>(&req.input.policy).is_err() {
        return Err(s3_error!(
            MalformedPolicy,
            "Policies must be valid JSON and the first byte must be '{{'"
        ));
    }
    set(store, &req.input.bucket, POLICY, Some(&req.input.policy))?;
    Ok(S3Response::new(dto::PutBucketPolicyOutput {}))
}

pub(crate) fn get_tagging(
    store: &Store,
    req: S3Request<dto::GetBucketTaggingInput>,
) -> S3Result<S3Response<dto::GetBucketTaggingOutput>> {
    let missing = s3_error!(NoSuchTagSet, "The TagSet does not exist");
    let found: dto::Tagging = load(store, &req.input.bucket, TAGGING, missing)?;
    Ok(S3Response::new(dto::GetBucketTaggingOutput {
        tag_set: found.tag_set,
    }))
}

pub(crate) fn put_tagging(
    store: &Store,
    req: S3Request<dto::PutBucketTaggingInput>,
) -> S3Result<S3Response<dto::PutBucketTaggingOutput>> {
    save(store, &req.input.bucket, TAGGING, Some(&req.input.tagging))?;
    Ok(S3Response::new(dto::PutBucketTaggingOutput {}))
}

pub(crate) fn get_ownership(
    store: &Store,
    req: S3Request<dto::GetBucketOwnershipControlsInput>,
) -> S3Result<S3Response<dto::GetBucketOwnershipControlsOutput>> {
    let missing = s3_error!(
        OwnershipControlsNotFoundError,
        "The bucket ownership controls were not found"
    );
    let found = load(store, &req.input.bucket, OWNERSHIP, missing)?;
    Ok(S3Response::new(dto::GetBucketOwnershipControlsOutput {
        ownership_controls: Some(found),
    }))
}

pub(crate) fn put_ownership(
    store: &Store,
    req: S3Request<dto::PutBucketOwnershipControlsInput>,
) -> S3Result<S3Response<dto::PutBucketOwnershipControlsOutput>> {
    save(
        store,
        &req.input.bucket,
        OWNERSHIP,
        Some(&req.input.ownership_controls),
    )?;
    Ok(S3Response::new(dto::PutBucketOwnershipControlsOutput {}))
}
