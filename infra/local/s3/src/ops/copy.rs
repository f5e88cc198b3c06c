//! CopyObject.

use bytes::Bytes;
use s3s::dto::{
    ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective,
    TaggingDirective,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::common::{self, ReadConditions, encryption_request, show_encryption};
use super::lock::{self, asked_lock};
use super::put::{self, New, store_object};
use super::tagging;
use crate::checksum::{Algorithm, Kind, show_checksum};
use crate::clock;
use crate::record::{Record, headers_of};
use crate::sse::{CustomerKey, customer_key};
use crate::store::Store;
use crate::store::meta::Version;

/// An object to copy from.
pub(crate) struct Source {
    pub(crate) version: Version,
    /// The version id as responses show it.
    pub(crate) version_id: Option<String>,
    key: Option<CustomerKey>,
}

impl Source {
    /// Reads the whole content, or a range of it.
    pub(crate) fn read(&self, store: &Store, range: Option<std::ops::Range<u64>>) -> S3Result<Bytes> {
        let range = range.unwrap_or(0..self.version.size);
        store.fetch(&self.version.record.segments, self.key.as_ref(), range)
    }
}

/// Finds the source of a copy, checking its conditions and its key.
macro_rules! copy_source {
    ($store:expr, $input:expr) => {{
        let key = $crate::sse::CustomerKey::parse(
            $input.copy_source_sse_customer_algorithm.as_deref(),
            $input.copy_source_sse_customer_key.as_deref(),
            $input.copy_source_sse_customer_key_md5.as_deref(),
        );
        let conditions = $crate::ops::common::ReadConditions {
            if_match: $input.copy_source_if_match.clone(),
            if_none_match: $input.copy_source_if_none_match.clone(),
            if_modified_since: $input.copy_source_if_modified_since.clone(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.clone(),
        };
        key.and_then(|key| $crate::ops::copy::find_source($store, &$input.copy_source, key, &conditions))
    }};
}
pub(crate) use copy_source;

pub(crate) fn find_source(
    store: &Store,
    source: &CopySource,
    key: Option<CustomerKey>,
    conditions: &ReadConditions,
) -> S3Result<Source> {
    let CopySource::Bucket {
        bucket,
        key: object,
        version_id,
    } = source
    else {
        return Err(s3_error!(
            NotImplemented,
            "Copying from an access point or outpost is not supported"
        ));
    };
    let (version, version_id) = store.read(|connection| {
        let bucket = common::bucket(connection, bucket)?;
        let version = common::find(connection, &bucket, object, version_id.as_deref())?;
        let id = common::shown_id(&bucket, &version.id);
        Ok((version, id))
    })?;
    common::check_customer_key(&version.record.encryption, key.as_ref())?;
    conditions.check(&version, true)?;
    Ok(Source {
        version,
        version_id,
        key,
    })
}

fn onto_itself(input: &CopyObjectInput, replaces_metadata: bool) -> bool {
    let CopySource::Bucket {
        bucket,
        key,
        version_id,
    } = &input.copy_source
    else {
        return false;
    };
    **bucket == *input.bucket
        && **key == *input.key
        && version_id.is_none()
        && !replaces_metadata
        && input.server_side_encryption.is_none()
        && input.sse_customer_key.is_none()
        && input.copy_source_sse_customer_key.is_none()
        && input.storage_class.is_none()
        && input.website_redirect_location.is_none()
}

pub(crate) fn copy_object(
    store: &Store,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let input = req.input;
    let directive = input.metadata_directive.as_ref().map(MetadataDirective::as_str);
    let replaces_metadata = directive == Some(MetadataDirective::REPLACE);
    if onto_itself(&input, replaces_metadata) {
        let message = "This copy request is illegal because it is trying to copy an object to itself without \
                       changing the object's metadata, storage class, website redirect location or encryption \
                       attributes.";
        return Err(s3_error!(InvalidRequest, "{message}"));
    }
    let source = copy_source!(store, input)?;
    let customer = customer_key!(input)?;
    let replaces_tags = input
        .tagging_directive
        .as_ref()
        .is_some_and(|directive| directive.as_str() == TaggingDirective::REPLACE);
    let now = store.now();
    let old = &source.version.record;
    let record = store.read(|connection| {
        let bucket = common::bucket(connection, &input.bucket)?;
        let asked = asked_lock!(input);
        let (headers, user) = if replaces_metadata {
            (headers_of!(input), put::user_metadata(input.metadata.clone())?)
        } else {
            (old.headers.clone(), old.user.clone())
        };
        let tags = if replaces_tags {
            tagging::parse_header(input.tagging.as_deref())?
        } else {
            old.tags.clone()
        };
        Ok(Record {
            headers,
            user,
            tags,
            encryption: encryption_request!(input).decide(connection, &bucket.name, customer.as_ref())?,
            lock: lock::for_new(connection, &bucket, &asked, now)?,
            storage_class: input
                .storage_class
                .as_ref()
                .map(|class| class.as_str().to_owned()),
            ..Record::default()
        })
    })?;
    let body = source.read(store, None)?;
    let old_checksum = common::checksum_of(old, source.key.as_ref())?;
    let wanted = input
        .checksum_algorithm
        .as_ref()
        .and_then(|name| Algorithm::from_name(name.as_str()));
    let checksum = match (wanted, old_checksum) {
        (Some(algorithm), _) => Some(algorithm.of(&body)),
        (None, Some(old)) if old.kind == Kind::Composite => Some(old.algorithm.of(&body)),
        (None, old) => old,
    };
    let new = New {
        bucket: &input.bucket,
        key: &input.key,
        body,
        record,
        checksum: checksum.clone(),
        customer: customer.as_ref(),
    };
    let stored = store_object(store, new, |_| Ok(()))?;
    let mut result = CopyObjectResult {
        e_tag: Some(stored.record.wire_etag()),
        last_modified: Some(clock::wire(stored.modified)),
        ..CopyObjectResult::default()
    };
    result.checksum_type = checksum
        .as_ref()
        .map(|checksum| ChecksumType::from_static(checksum.kind.name()));
    show_checksum!(result, checksum.as_ref());
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.version_id,
        version_id: stored.version_id,
        ..CopyObjectOutput::default()
    };
    show_encryption!(output, &stored.record.encryption, customer.as_ref());
    Ok(S3Response::new(output))
}
