//! Parts of multipart uploads.

use bytes::Bytes;
use rusqlite::params;
use s3s::dto::{
    self, ChecksumAlgorithm, ChecksumType, CopyPartResult, ListPartsInput, ListPartsOutput,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::buckets::owner;
use super::common::{self, show_encryption};
use super::copy::copy_source;
use super::multipart::{self, Upload};
use crate::checksum::{Checksum, Declared, declared_of, show_checksum};
use crate::clock;
use crate::record::Segment;
use crate::sse::{CustomerKey, customer_key};
use crate::store::{Store, StoreError};

/// One uploaded part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) etag: String,
    pub(crate) segment: Segment,
    /// Absent under a customer's key, where it would tell about the content.
    pub(crate) checksum: Option<Checksum>,
    /// Milliseconds since 1970.
    pub(crate) modified: i64,
}

/// Which part of which upload a request means.
struct Place<'a> {
    bucket: &'a str,
    key: &'a str,
    upload: &'a str,
    number: i32,
}

fn store_part(
    store: &Store,
    place: &Place<'_>,
    customer: Option<&CustomerKey>,
    body: Bytes,
    mut declared: Declared,
) -> S3Result<(Upload, Part, Option<Checksum>)> {
    if !(1..=10_000).contains(&place.number) {
        return Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive"
        ));
    }
    let find = |connection: &_| multipart::find(connection, place.bucket, place.key, place.upload);
    let upload = store.read(find)?;
    common::check_customer_key(&upload.record.encryption, customer)?;
    if let Some((algorithm, _)) = upload.checksum {
        declared.algorithm = Some(algorithm);
    }
    let mut checksum = declared.verify(&body)?;
    if let (Some((algorithm, _)), Some(sent)) = (upload.checksum, &checksum)
        && sent.algorithm != algorithm
    {
        // The upload's own algorithm is the one its completion combines.
        checksum = Some(algorithm.of(&body));
    }
    let (staged, segment, etag) = store.stage(body, customer)?;
    let kept = checksum.clone().filter(|_| customer.is_none());
    let part = Part {
        etag,
        segment,
        checksum: kept,
        modified: store.now(),
    };
    store.write(|change| {
        find(change.connection)?;
        if let Some(replaced) = multipart::parts(change.connection, place.upload)?.remove(&place.number) {
            change.dead.push(replaced.segment.blob);
            change.scrub = true;
        }
        let text = serde_json::to_string(&part).map_err(StoreError::from)?;
        let sql = "INSERT OR REPLACE INTO parts(upload, number, part) VALUES (?, ?, ?)";
        let values = params![place.upload, place.number, text];
        change.connection.execute(sql, values).map_err(StoreError::from)?;
        Ok(())
    })?;
    staged.keep();
    Ok((upload, part, checksum))
}

pub(crate) fn upload_part(
    store: &Store,
    req: S3Request<UploadPartInput>,
    body: Body,
) -> S3Result<S3Response<UploadPartOutput>> {
    let input = req.input;
    let customer = customer_key!(input)?;
    let declared = declared_of!(input, body);
    let (bucket, key, upload) = (&input.bucket, &input.key, &input.upload_id);
    let place = Place {
        bucket,
        key,
        upload,
        number: input.part_number,
    };
    let (upload, part, checksum) = store_part(store, &place, customer.as_ref(), body.bytes, declared)?;
    let mut output = UploadPartOutput {
        e_tag: Some(dto::ETag::Strong(part.etag)),
        ..UploadPartOutput::default()
    };
    show_checksum!(output, checksum.as_ref());
    show_encryption!(output, &upload.record.encryption, customer.as_ref());
    Ok(S3Response::new(output))
}

pub(crate) fn upload_part_copy(
    store: &Store,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = req.input;
    let customer = customer_key!(input)?;
    let source = copy_source!(store, input)?;
    let range = match input.copy_source_range.as_deref().map(dto::Range::parse) {
        None => None,
        Some(Ok(range)) => Some(range.check(source.version.size)?),
        Some(Err(_)) => {
            return Err(s3_error!(
                InvalidArgument,
                "The x-amz-copy-source-range value is invalid"
            ));
        }
    };
    let body = source.read(store, range)?;
    let (bucket, key, upload) = (&input.bucket, &input.key, &input.upload_id);
    let place = Place {
        bucket,
        key,
        upload,
        number: input.part_number,
    };
    let (upload, part, checksum) = store_part(store, &place, customer.as_ref(), body, Declared::default())?;
    let mut result = CopyPartResult {
        e_tag: Some(dto::ETag::Strong(part.etag)),
        last_modified: Some(clock::wire(part.modified)),
        ..CopyPartResult::default()
    };
    show_checksum!(result, checksum.as_ref());
    let mut output = UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: source.version_id,
        ..UploadPartCopyOutput::default()
    };
    show_encryption!(output, &upload.record.encryption, customer.as_ref());
    Ok(S3Response::new(output))
}

pub(crate) fn list_parts(
    store: &Store,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = req.input;
    let (upload, mut parts) = store.read(|connection| {
        let upload = multipart::find(connection, &input.bucket, &input.key, &input.upload_id)?;
        Ok((upload, multipart::parts(connection, &input.upload_id)?))
    })?;
    let marker = input.part_number_marker.unwrap_or(0);
    let limit = usize::try_from(input.max_parts.unwrap_or(1000))
        .unwrap_or(0)
        .min(1000);
    parts.retain(|number, _| *number > marker);
    let truncated = parts.len() > limit;
    let listed: Vec<dto::Part> = parts
        .into_iter()
        .take(limit)
        .map(|(number, part)| {
            let mut listed = dto::Part {
                part_number: Some(number),
                size: i64::try_from(part.segment.size).ok(),
                last_modified: Some(clock::wire(part.modified)),
                e_tag: Some(dto::ETag::Strong(part.etag)),
                ..dto::Part::default()
            };
            show_checksum!(listed, part.checksum.as_ref());
            listed
        })
        .collect();
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: listed
            .last()
            .filter(|_| truncated)
            .and_then(|part| part.part_number),
        max_parts: i32::try_from(limit).ok(),
        is_truncated: Some(truncated),
        owner: Some(owner()),
        checksum_algorithm: upload
            .checksum
            .map(|(a, _)| ChecksumAlgorithm::from_static(a.name())),
        checksum_type: upload
            .checksum
            .map(|(_, kind)| ChecksumType::from_static(kind.name())),
        parts: Some(listed),
        ..ListPartsOutput::default()
    }))
}
