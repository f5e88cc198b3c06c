//! GetObject and HeadObject.

use std::ops::Range;

use http::StatusCode;
use s3s::dto::{
    self, ChecksumMode, ChecksumType, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ObjectLockLegalHoldStatus, ObjectLockMode, StorageClass, StreamingBlob,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::common::{self, ReadConditions, show_encryption};
use crate::checksum::show_checksum;
use crate::clock;
use crate::sse::{CustomerKey, customer_key};
use crate::store::Store;
use crate::store::meta::{Bucket, Version};

/// Which bytes of an object a request gets.
struct Slice {
    range: Range<u64>,
    /// Whether the request asked for a part of the object, even if that part is all of it.
    partial: bool,
}

impl Slice {
    fn of(version: &Version, range: Option<&dto::Range>, part: Option<i32>) -> S3Result<Self> {
        if let Some(part) = part {
            return Self::of_part(version, part);
        }
        match range {
            Some(range) => Ok(Self {
                range: range.check(version.size)?,
                partial: true,
            }),
            None => Ok(Self {
                range: 0..version.size,
                partial: false,
            }),
        }
    }

    fn of_part(version: &Version, part: i32) -> S3Result<Self> {
        let segments = &version.record.segments;
        let index = usize::try_from(part).ok().and_then(|part| part.checked_sub(1));
        let Some(segment) = index.and_then(|index| segments.get(index)) else {
            return Err(s3_error!(
                InvalidRange,
                "The requested partnumber is not satisfiable"
            ));
        };
        let before = segments
            .iter()
            .take(index.unwrap_or(0))
            .map(|segment| segment.size)
            .sum::<u64>();
        Ok(Self {
            range: before..before + segment.size,
            partial: version.size > 0,
        })
    }

    fn header(&self, size: u64) -> Option<String> {
        let Range { start, end } = self.range;
        self.partial
            .then(|| format!("bytes {start}-{}/{size}", end.saturating_sub(1)))
    }

    fn length(&self) -> Option<i64> {
        i64::try_from(self.range.end - self.range.start).ok()
    }
}

/// Fills in what GET and HEAD both say about an object.
macro_rules! describe {
    ($output:expr, $bucket:expr, $version:expr, $slice:expr, $customer:expr, $input:expr) => {{
        let record = &$version.record;
        let headers = record.headers.clone();
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = $slice.length();
        $output.content_range = $slice.header($version.size);
        $output.content_type = Some(
            headers
                .content_type
                .unwrap_or_else(|| "binary/octet-stream".to_owned()),
        );
        $output.content_disposition = headers.content_disposition;
        $output.content_encoding = headers.content_encoding;
        $output.content_language = headers.content_language;
        $output.cache_control = headers.cache_control;
        $output.expires = headers.expires.map(clock::wire);
        $output.website_redirect_location = headers.website_redirect;
        $output.e_tag = Some(record.wire_etag());
        $output.last_modified = Some(clock::wire($version.modified));
        $output.metadata = (!record.user.is_empty()).then(|| record.user.clone().into_iter().collect());
        $output.version_id = common::shown_id($bucket, &$version.id);
        $output.storage_class = record
            .storage_class
            .clone()
            .filter(|class| class != "STANDARD")
            .map(StorageClass::from);
        $output.object_lock_mode = record.lock.mode.clone().map(ObjectLockMode::from);
        $output.object_lock_retain_until_date = record.lock.until.map(clock::wire);
        $output.object_lock_legal_hold_status = record
            .lock
            .legal_hold
            .then(|| ObjectLockLegalHoldStatus::from_static(ObjectLockLegalHoldStatus::ON));
        if $input.part_number.is_some() {
            $output.parts_count = i32::try_from(record.segments.len()).ok();
        }
        // A checksum of the whole says nothing about a part, and clients would compare it with what they got.
        let whole = $slice.range == (0..$version.size);
        if whole
            && $input
                .checksum_mode
                .as_ref()
                .is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
        {
            let checksum = common::checksum_of(record, $customer)?;
            $output.checksum_type = checksum
                .as_ref()
                .map(|checksum| ChecksumType::from_static(checksum.kind.name()));
            show_checksum!($output, checksum.as_ref());
        }
        show_encryption!($output, &record.encryption, $customer);
    }};
}

/// Finds the object of a read and checks its conditions and its key.
macro_rules! look_up {
    ($store:expr, $input:expr, $customer:expr) => {{
        let conditions = ReadConditions {
            if_match: $input.if_match.clone(),
            if_none_match: $input.if_none_match.clone(),
            if_modified_since: $input.if_modified_since.clone(),
            if_unmodified_since: $input.if_unmodified_since.clone(),
        };
        let name = (
            $input.bucket.as_str(),
            $input.key.as_str(),
            $input.version_id.as_deref(),
        );
        look_up($store, name, &conditions, $customer)
    }};
}

fn look_up(
    store: &Store,
    (bucket, key, id): (&str, &str, Option<&str>),
    conditions: &ReadConditions,
    customer: Option<&CustomerKey>,
) -> S3Result<(Bucket, Version)> {
    let (bucket, version) = store.read(|connection| {
        let bucket = common::bucket(connection, bucket)?;
        let version = common::find(connection, &bucket, key, id)?;
        Ok((bucket, version))
    })?;
    common::check_customer_key(&version.record.encryption, customer)?;
    conditions.check(&version, false)?;
    Ok((bucket, version))
}

pub(crate) fn get_object(
    store: &Store,
    req: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = req.input;
    let customer = customer_key!(input)?;
    let customer = customer.as_ref();
    let (mut bucket, mut version) = look_up!(store, input, customer)?;
    let mut slice = Slice::of(&version, input.range.as_ref(), input.part_number)?;
    let mut bytes = store.fetch(&version.record.segments, customer, slice.range.clone());
    if bytes.is_err() {
        // The object may have been replaced between looking it up and reading it; then it is found again now.
        (bucket, version) = look_up!(store, input, customer)?;
        slice = Slice::of(&version, input.range.as_ref(), input.part_number)?;
        bytes = store.fetch(&version.record.segments, customer, slice.range.clone());
    }
    let mut output = GetObjectOutput {
        body: Some(StreamingBlob::from(s3s::Body::from(bytes?))),
        tag_count: i32::try_from(version.record.tags.len())
            .ok()
            .filter(|count| *count > 0),
        ..GetObjectOutput::default()
    };
    describe!(output, &bucket, version, slice, customer, input);
    Ok(S3Response::new(output))
}

pub(crate) fn head_object(
    store: &Store,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = req.input;
    let customer = customer_key!(input)?;
    let customer = customer.as_ref();
    let (bucket, version) = look_up!(store, input, customer)?;
    let slice = Slice::of(&version, input.range.as_ref(), input.part_number)?;
    let mut output = HeadObjectOutput::default();
    describe!(output, &bucket, version, slice, customer, input);
    // The two headers that only HEAD can override go by the request, as for GET.
    output.content_type = input.response_content_type.or(output.content_type);
    output.content_disposition = input.response_content_disposition.or(output.content_disposition);
    let status = if slice.partial {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    Ok(S3Response::with_status(output, status))
}
