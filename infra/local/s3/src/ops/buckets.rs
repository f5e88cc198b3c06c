//! Buckets and their versioning.

use s3s::dto::{
    Bucket as WireBucket, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput,
    CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput,
    GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Owner, PutBucketVersioningInput,
    PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::common;
use crate::clock;
use crate::store::Store;
use crate::store::meta::{self, Bucket, Versioning};

/// The one account everything belongs to.
pub(crate) fn owner() -> Owner {
    Owner {
        display_name: Some("local".to_owned()),
        id: Some("local".to_owned()),
    }
}

pub(crate) fn list_buckets(
    store: &Store,
    req: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let prefix = req.input.prefix.unwrap_or_default();
    let buckets = store.read(|connection| Ok(meta::buckets(connection)?))?;
    let buckets = buckets
        .into_iter()
        .filter(|bucket| bucket.name.starts_with(&prefix));
    let buckets = buckets.map(|bucket| WireBucket {
        creation_date: Some(clock::wire(bucket.created)),
        name: Some(bucket.name),
        ..WireBucket::default()
    });
    let (buckets, owner) = (Some(buckets.collect()), Some(owner()));
    Ok(S3Response::new(ListBucketsOutput {
        buckets,
        owner,
        ..ListBucketsOutput::default()
    }))
}

pub(crate) fn create_bucket(
    store: &Store,
    req: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let input = req.input;
    let object_lock = input.object_lock_enabled_for_bucket.unwrap_or(false);
    let now = store.now();
    store.write(|change| {
        if meta::bucket(change.connection, &input.bucket)?.is_some() {
            let message =
                "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(s3_error!(BucketAlreadyOwnedByYou, "{message}"));
        }
        let bucket = Bucket {
            name: input.bucket.clone(),
            created: now,
            versioning: if object_lock {
                Versioning::Enabled
            } else {
                Versioning::Off
            },
            object_lock,
        };
        Ok(meta::save_bucket(change.connection, &bucket)?)
    })?;
    Ok(S3Response::new(CreateBucketOutput {
        location: Some(format!("/{}", input.bucket)),
    }))
}

pub(crate) fn head_bucket(
    store: &Store,
    req: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    store.read(|connection| common::bucket(connection, &req.input.bucket))?;
    Ok(S3Response::new(HeadBucketOutput::default()))
}

pub(crate) fn delete_bucket(
    store: &Store,
    req: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    store.write(|change| {
        let bucket = common::bucket(change.connection, &req.input.bucket)?;
        if change.remove_bucket(&bucket.name)? {
            return Ok(());
        }
        Err(s3_error!(
            BucketNotEmpty,
            "The bucket you tried to delete is not empty"
        ))
    })?;
    Ok(S3Response::new(DeleteBucketOutput {}))
}

pub(crate) fn get_bucket_location(
    store: &Store,
    req: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    store.read(|connection| common::bucket(connection, &req.input.bucket))?;
    // A bucket is wherever the caller's signature says it is; us-east-1 is written as no constraint.
    let region = req
        .region
        .map(|region| region.as_str().to_owned())
        .filter(|region| region != "us-east-1");
    let location_constraint = region.map(BucketLocationConstraint::from);
    Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
}

pub(crate) fn get_versioning(
    store: &Store,
    req: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let bucket = store.read(|connection| common::bucket(connection, &req.input.bucket))?;
    let status = match bucket.versioning {
        Versioning::Off => None,
        Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
        Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
    };
    let status = status.map(BucketVersioningStatus::from_static);
    Ok(S3Response::new(GetBucketVersioningOutput {
        status,
        ..GetBucketVersioningOutput::default()
    }))
}

pub(crate) fn put_versioning(
    store: &Store,
    req: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let input = req.input;
    let status = input.versioning_configuration.status;
    let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        _ => {
            return Err(s3_error!(
                IllegalVersioningConfigurationException,
                "The Versioning element must be specified"
            ));
        }
    };
    store.write(|change| {
        let bucket = common::bucket(change.connection, &input.bucket)?;
        if bucket.object_lock && versioning == Versioning::Suspended {
            let message = "An Object Lock configuration is present on this bucket, so the versioning state cannot \
                           be changed.";
            return Err(s3_error!(InvalidBucketState, "{message}"));
        }
        Ok(meta::save_bucket(change.connection, &Bucket { versioning, ..bucket })?)
    })?;
    Ok(S3Response::new(PutBucketVersioningOutput {}))
}
