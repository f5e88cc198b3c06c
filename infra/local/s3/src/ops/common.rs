//! What several operations share: finding things, preconditions and the encryption headers.

use http::HeaderValue;
use http::header::{ALLOW, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use rusqlite::Connection;
use s3s::dto::{self, ETagCondition, ServerSideEncryption};
use s3s::{S3Error, S3Result, s3_error};

use super::config;
use crate::checksum::Checksum;
use crate::clock;
use crate::record::{Encryption, Record};
use crate::sse::CustomerKey;
use crate::store::meta::{self, Bucket, Version, Versioning};

/// Finds the bucket a request names.
pub(crate) fn bucket(connection: &Connection, name: &str) -> S3Result<Bucket> {
    let found = meta::bucket(connection, name)?;
    found.ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
}

/// The version id as responses show it: buckets that never kept versions show none.
pub(crate) fn shown_id(bucket: &Bucket, id: &str) -> Option<String> {
    (bucket.versioning != Versioning::Off).then(|| id.to_owned())
}

/// Refuses version ids that this store cannot have made.
pub(crate) fn check_version_id(id: &str) -> S3Result<()> {
    if id == "null" || meta::position_of(id).is_some() {
        return Ok(());
    }
    Err(s3_error!(InvalidArgument, "Invalid version id specified"))
}

/// Finds what a request wants to read: the named version, or else the current one.
pub(crate) fn find(
    connection: &Connection,
    bucket: &Bucket,
    key: &str,
    id: Option<&str>,
) -> S3Result<Version> {
    let Some(id) = id else {
        return match meta::current(connection, &bucket.name, key)? {
            Some(version) if version.marker => {
                let error = s3_error!(NoSuchKey, "The specified key does not exist.");
                Err(about_marker(error, bucket, &version))
            }
            Some(version) => Ok(version),
            None => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        };
    };
    check_version_id(id)?;
    match meta::version(connection, &bucket.name, key, id)? {
        Some(version) if version.marker => {
            let error = s3_error!(
                MethodNotAllowed,
                "The specified method is not allowed against this resource."
            );
            Err(about_marker(error, bucket, &version))
        }
        Some(version) => Ok(version),
        None => Err(s3_error!(NoSuchVersion, "The specified version does not exist.")),
    }
}

fn about_marker(mut error: S3Error, bucket: &Bucket, marker: &Version) -> S3Error {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(
        HeaderName::from_static("x-amz-delete-marker"),
        HeaderValue::from_static("true"),
    );
    let version_id = shown_id(bucket, &marker.id).and_then(|id| HeaderValue::try_from(id).ok());
    if let Some(version_id) = version_id {
        headers.insert(HeaderName::from_static("x-amz-version-id"), version_id);
    }
    if *error.code() == s3s::S3ErrorCode::MethodNotAllowed {
        headers.insert(ALLOW, HeaderValue::from_static("DELETE"));
        if let Ok(date) = HeaderValue::try_from(clock::http_date(marker.modified)) {
            headers.insert(LAST_MODIFIED, date);
        }
    }
    error.set_headers(headers);
    error
}

fn failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

fn matches(condition: &ETagCondition, record: &Record) -> bool {
    condition.as_etag().is_none_or(|etag| etag.value() == record.etag)
}

/// The conditions a read can carry.
#[derive(Default)]
pub(crate) struct ReadConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<dto::Timestamp>,
    pub(crate) if_unmodified_since: Option<dto::Timestamp>,
}

impl ReadConditions {
    /// Checks the conditions in the order HTTP gives them. `copy` turns "not modified" into a failure.
    pub(crate) fn check(&self, version: &Version, copy: bool) -> S3Result<()> {
        // HTTP dates have whole seconds, so the comparison has to drop the rest.
        let modified = version.modified / 1000;
        let after = |moment: &dto::Timestamp| modified > clock::from_wire(moment) / 1000;
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, &version.record) => return Err(failed()),
            (None, Some(moment)) if after(moment) => return Err(failed()),
            _ => {}
        }
        let unchanged = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, &version.record),
            (None, Some(moment)) => !after(moment),
            (None, None) => false,
        };
        match (unchanged, copy) {
            (false, _) => Ok(()),
            (true, true) => Err(failed()),
            (true, false) => Err(not_modified(version)),
        }
    }
}

fn not_modified(version: &Version) -> S3Error {
    let mut error = s3_error!(NotModified, "Not Modified");
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::try_from(format!("\"{}\"", version.record.etag)) {
        headers.insert(ETAG, etag);
    }
    if let Ok(date) = HeaderValue::try_from(clock::http_date(version.modified)) {
        headers.insert(LAST_MODIFIED, date);
    }
    error.set_headers(headers);
    error
}

/// Checks the conditions of a write against what the key holds now.
pub(crate) fn check_write(
    current: Option<&Version>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let current = current.filter(|version| !version.marker);
    match if_none_match {
        Some(ETagCondition::Any) if current.is_some() => return Err(failed()),
        Some(ETagCondition::ETag(_)) => {
            return Err(s3_error!(
                NotImplemented,
                "If-None-Match supports only '*' on writes"
            ));
        }
        Some(ETagCondition::Any) | None => {}
    }
    match (if_match, current) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        (Some(condition), Some(version)) if matches(condition, &version.record) => Ok(()),
        (Some(_), Some(_)) => Err(failed()),
    }
}

/// What a write says about encryption by the server.
pub(crate) struct EncryptionRequest {
    pub(crate) algorithm: Option<ServerSideEncryption>,
    pub(crate) key_id: Option<String>,
    pub(crate) bucket_key: Option<bool>,
}

impl EncryptionRequest {
    /// Decides how a new object is encrypted: as asked, else as the bucket says, else `AES256`.
    pub(crate) fn decide(
        self,
        connection: &Connection,
        bucket: &str,
        customer: Option<&CustomerKey>,
    ) -> S3Result<Encryption> {
        if let Some(customer) = customer {
            if self.algorithm.is_some() {
                let message = "Server Side Encryption with Customer provided key is incompatible with the \
                               encryption method specified";
                return Err(s3_error!(InvalidArgument, "{message}"));
            }
            return Ok(Encryption::Customer(customer.guard()));
        }
        let (mut algorithm, mut key_id, mut bucket_key) = (self.algorithm, self.key_id, self.bucket_key);
        if algorithm.is_none()
            && let Some(rules) = config::encryption_rules(connection, bucket)?
            && let Some(rule) = rules.into_iter().next()
        {
            bucket_key = bucket_key.or(rule.bucket_key_enabled);
            if let Some(default) = rule.apply_server_side_encryption_by_default {
                algorithm = Some(default.sse_algorithm);
                key_id = default.kms_master_key_id;
            }
        }
        let algorithm =
            algorithm.map_or_else(|| "AES256".to_owned(), |algorithm| algorithm.as_str().to_owned());
        match algorithm.as_str() {
            "AES256" => Ok(Encryption::Managed),
            "aws:kms" | "aws:kms:dsse" => Ok(Encryption::Kms {
                algorithm,
                key_id,
                bucket_key,
            }),
            _ => Err(s3_error!(
                InvalidArgument,
                "The encryption method specified is not supported"
            )),
        }
    }
}

/// Reads what a write says about encryption by the server.
macro_rules! encryption_request {
    ($input:expr) => {
        $crate::ops::common::EncryptionRequest {
            algorithm: $input.server_side_encryption.clone(),
            key_id: $input.ssekms_key_id.clone(),
            bucket_key: $input.bucket_key_enabled,
        }
    };
}
pub(crate) use encryption_request;

/// Checks that a read brings the key an object needs, and only then.
pub(crate) fn check_customer_key(encryption: &Encryption, key: Option<&CustomerKey>) -> S3Result<()> {
    match (encryption, key) {
        (Encryption::Customer(guard), Some(key)) if key.fits(guard) => Ok(()),
        (Encryption::Customer(_), Some(_)) => Err(s3_error!(AccessDenied, "Access Denied")),
        (Encryption::Customer(_), None) => Err(s3_error!(
            InvalidRequest,
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided \
             to retrieve the object."
        )),
        (_, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The encryption parameters are not applicable to this object."
        )),
        (_, None) => Ok(()),
    }
}

/// Sets the encryption fields of a response that has none for customers' keys.
macro_rules! show_managed_encryption {
    ($output:expr, $encryption:expr) => {
        match $encryption {
            $crate::record::Encryption::Managed => {
                $output.server_side_encryption = Some(s3s::dto::ServerSideEncryption::from_static(
                    s3s::dto::ServerSideEncryption::AES256,
                ));
            }
            $crate::record::Encryption::Kms {
                algorithm,
                key_id,
                bucket_key,
            } => {
                $output.server_side_encryption =
                    Some(s3s::dto::ServerSideEncryption::from(algorithm.clone()));
                $output.ssekms_key_id = key_id.clone();
                $output.bucket_key_enabled = *bucket_key;
            }
            $crate::record::Encryption::Customer(_) => {}
        }
    };
}
pub(crate) use show_managed_encryption;

/// Sets the encryption fields of a response.
macro_rules! show_encryption {
    ($output:expr, $encryption:expr, $customer:expr) => {
        $crate::ops::common::show_managed_encryption!($output, $encryption);
        if let Some(customer) = $customer {
            let customer: &$crate::sse::CustomerKey = customer;
            $output.sse_customer_algorithm = Some("AES256".to_owned());
            $output.sse_customer_key_md5 = Some(customer.md5());
        }
    };
}
pub(crate) use show_encryption;

/// The checksum of an object, decrypted if a customer's key hides it.
pub(crate) fn checksum_of(record: &Record, key: Option<&CustomerKey>) -> S3Result<Option<Checksum>> {
    if let (Some(sealed), Some(key)) = (&record.sealed_checksum, key) {
        let text = key.open_text(sealed)?;
        return Ok(Some(
            serde_json::from_str(&text).map_err(S3Error::internal_error)?,
        ));
    }
    Ok(record.checksum.clone())
}

/// Puts a checksum into a record, encrypted if a customer's key hides the content.
pub(crate) fn keep_checksum(
    record: &mut Record,
    checksum: Option<Checksum>,
    key: Option<&CustomerKey>,
) -> S3Result<()> {
    match (checksum, key) {
        (Some(checksum), Some(key)) => {
            let text = serde_json::to_string(&checksum).map_err(S3Error::internal_error)?;
            record.sealed_checksum = Some(key.seal_text(&text)?);
        }
        (checksum, _) => record.checksum = checksum,
    }
    Ok(())
}
