//! The S3 operations. Each is a plain function over the store; the table below makes them an [`S3`] service.

mod body;
pub(crate) mod buckets;
mod common;
pub(crate) mod config;
mod copy;
mod delete;
mod get;
pub(crate) mod lifecycle;
mod listing;
mod lock;
mod multipart;
mod parts;
mod put;
mod tagging;

use s3s::dto;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result};

pub(crate) use self::body::Body;
use crate::store::Store;

/// The operations over one store.
pub(crate) struct Backend {
    pub(crate) store: Store,
}

/// Runs an operation where waiting for a disk or hashing a large body holds nobody else up.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(S3Error::internal_error)?
}

macro_rules! operations {
    (
        with_body { $($body_name:ident($body_in:ident) -> $body_out:ident = $body_fn:path;)* }
        without_body { $($name:ident($in:ident) -> $out:ident = $fn:path;)* }
    ) => {
        #[async_trait::async_trait]
        impl S3 for Backend {
            $(
                async fn $body_name(
                    &self,
                    mut req: S3Request<dto::$body_in>,
                ) -> S3Result<S3Response<dto::$body_out>> {
                    let body = Body::read(req.input.body.take(), req.trailing_headers.as_ref()).await?;
                    let store = self.store.clone();
                    blocking(move || $body_fn(&store, req, body)).await
                }
            )*
            $(
                async fn $name(&self, req: S3Request<dto::$in>) -> S3Result<S3Response<dto::$out>> {
                    let store = self.store.clone();
                    blocking(move || $fn(&store, req)).await
                }
            )*
        }
    };
}

operations! {
    with_body {
        put_object(PutObjectInput) -> PutObjectOutput = put::put_object;
        upload_part(UploadPartInput) -> UploadPartOutput = parts::upload_part;
    }
    without_body {
        list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list_buckets;
        create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create_bucket;
        head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head_bucket;
        delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete_bucket;
        get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::get_bucket_location;
        get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = buckets::get_versioning;
        put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = buckets::put_versioning;

        get_object(GetObjectInput) -> GetObjectOutput = get::get_object;
        head_object(HeadObjectInput) -> HeadObjectOutput = get::head_object;
        copy_object(CopyObjectInput) -> CopyObjectOutput = copy::copy_object;
        delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete::delete_object;
        delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete::delete_objects;
        list_objects(ListObjectsInput) -> ListObjectsOutput = listing::list_objects;
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = listing::list_objects_v2;
        list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = listing::list_versions;
        get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = tagging::get_tagging;
        put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = tagging::put_tagging;
        delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = tagging::delete_tagging;

        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create;
        complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = multipart::complete;
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort;
        list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = multipart::list_uploads;
        list_parts(ListPartsInput) -> ListPartsOutput = parts::list_parts;
        upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = parts::upload_part_copy;

        get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput
            = lock::get_configuration;
        put_object_lock_configuration(PutObjectLockConfigurationInput) -> PutObjectLockConfigurationOutput
            = lock::put_configuration;
        get_object_retention(GetObjectRetentionInput) -> GetObjectRetentionOutput = lock::get_retention;
        put_object_retention(PutObjectRetentionInput) -> PutObjectRetentionOutput = lock::put_retention;
        get_object_legal_hold(GetObjectLegalHoldInput) -> GetObjectLegalHoldOutput = lock::get_legal_hold;
        put_object_legal_hold(PutObjectLegalHoldInput) -> PutObjectLegalHoldOutput = lock::put_legal_hold;

        get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
            -> GetBucketLifecycleConfigurationOutput = config::get_lifecycle;
        put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
            -> PutBucketLifecycleConfigurationOutput = config::put_lifecycle;
        delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput
            = config::delete_lifecycle;
        get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput = config::get_encryption;
        put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput = config::put_encryption;
        delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput
            = config::delete_encryption;
        get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput = config::get_cors;
        put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput = config::put_cors;
        delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput = config::delete_cors;
        get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput
            = config::get_public_access_block;
        put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput
            = config::put_public_access_block;
        delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput
            = config::delete_public_access_block;
        get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput = config::get_policy;
        put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput = config::put_policy;
        delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput = config::delete_policy;
        get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = config::get_tagging;
        put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput = config::put_tagging;
        delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput = config::delete_tagging;
        get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput
            = config::get_ownership;
        put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput
            = config::put_ownership;
        delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
            -> DeleteBucketOwnershipControlsOutput = config::delete_ownership;
    }
}
