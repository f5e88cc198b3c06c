//! PutObject, and the last steps of everything else that makes an object.

use std::collections::BTreeMap;

use bytes::Bytes;
use s3s::dto::{ChecksumType, Metadata, PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::body::Body;
use super::common::{self, encryption_request, keep_checksum, show_encryption};
use super::lock::{self, asked_lock};
use super::tagging;
use crate::checksum::{Checksum, declared_of, show_checksum};
use crate::record::{Record, headers_of};
use crate::sse::{CustomerKey, customer_key};
use crate::store::Store;
use crate::store::meta::{self, Version};

/// Bytes of user metadata an object may have.
const METADATA_LIMIT: usize = 2048;

/// An object about to be stored.
pub(crate) struct New<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body: Bytes,
    pub(crate) record: Record,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) customer: Option<&'a CustomerKey>,
}

/// An object that has been stored.
pub(crate) struct Stored {
    pub(crate) record: Record,
    /// The version id as responses show it.
    pub(crate) version_id: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) modified: i64,
}

/// Stores an object if `allowed` accepts what the key holds at that moment.
pub(crate) fn store_object(
    store: &Store,
    new: New<'_>,
    allowed: impl FnOnce(Option<&Version>) -> S3Result<()>,
) -> S3Result<Stored> {
    let New {
        bucket,
        key,
        body,
        mut record,
        checksum,
        customer,
    } = new;
    check_key(key)?;
    keep_checksum(&mut record, checksum, customer)?;
    let (staged, segment, etag) = store.stage(body, customer)?;
    record.etag = etag;
    record.segments = vec![segment];
    let modified = store.now();
    let stored = store.write(|change| {
        let bucket = common::bucket(change.connection, bucket)?;
        allowed(meta::current(change.connection, &bucket.name, key)?.as_ref())?;
        let version = new_version(key, modified, record);
        let id = change.insert(&bucket, &version)?;
        let version_id = common::shown_id(&bucket, &id);
        Ok(Stored {
            record: version.record,
            version_id,
            modified,
        })
    })?;
    staged.keep();
    Ok(stored)
}

/// A version whose place and id are still to be given.
pub(crate) fn new_version(key: &str, modified: i64, record: Record) -> Version {
    let (key, size) = (key.to_owned(), record.size());
    Version {
        seq: 0,
        key,
        id: String::new(),
        marker: false,
        size,
        modified,
        record,
    }
}

/// Keys are any text up to 1024 bytes; forms bring theirs past the checks on paths.
pub(crate) fn check_key(key: &str) -> S3Result<()> {
    match key.len() {
        0 => Err(s3_error!(InvalidArgument, "The key must not be empty")),
        1..=1024 => Ok(()),
        _ => Err(s3_error!(KeyTooLongError, "Your key is too long")),
    }
}

/// User metadata of a request, in a fixed order.
pub(crate) fn user_metadata(metadata: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let user: BTreeMap<String, String> = metadata.unwrap_or_default().into_iter().collect();
    if user
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > METADATA_LIMIT
    {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(user)
}

pub(crate) fn put_object(
    store: &Store,
    req: S3Request<PutObjectInput>,
    body: Body,
) -> S3Result<S3Response<PutObjectOutput>> {
    let input = req.input;
    let customer = customer_key!(input)?;
    let declared = declared_of!(input, body);
    let now = store.now();
    let record = store.read(|connection| {
        let bucket = common::bucket(connection, &input.bucket)?;
        let asked = asked_lock!(input);
        Ok(Record {
            headers: headers_of!(input),
            user: user_metadata(input.metadata.clone())?,
            tags: tagging::parse_header(input.tagging.as_deref())?,
            encryption: encryption_request!(input).decide(connection, &bucket.name, customer.as_ref())?,
            lock: lock::for_new(connection, &bucket, &asked, now)?,
            storage_class: input
                .storage_class
                .as_ref()
                .map(|class| class.as_str().to_owned()),
            ..Record::default()
        })
    })?;
    let checksum = declared.verify(&body.bytes)?;
    let size = i64::try_from(body.bytes.len()).ok();
    let new = New {
        bucket: &input.bucket,
        key: &input.key,
        body: body.bytes,
        record,
        checksum: checksum.clone(),
        customer: customer.as_ref(),
    };
    let stored = store_object(store, new, |current| {
        common::check_write(current, input.if_match.as_ref(), input.if_none_match.as_ref())
    })?;
    let mut output = PutObjectOutput {
        e_tag: Some(stored.record.wire_etag()),
        version_id: stored.version_id,
        size: size.filter(|_| input.write_offset_bytes.is_some()),
        ..PutObjectOutput::default()
    };
    output.checksum_type = checksum
        .as_ref()
        .map(|checksum| ChecksumType::from_static(checksum.kind.name()));
    show_checksum!(output, checksum.as_ref());
    show_encryption!(output, &stored.record.encryption, customer.as_ref());
    Ok(S3Response::new(output))
}
