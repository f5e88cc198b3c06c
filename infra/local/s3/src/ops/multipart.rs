//! Multipart uploads: begin, complete, abort and list. Their parts are in [`super::parts`].

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::buckets::owner;
use super::common::{self, encryption_request, show_encryption, show_managed_encryption};
use super::lock::{self, asked_lock};
use super::parts::Part;
use super::{put, tagging};
use crate::checksum::{Algorithm, Checksum, Kind, composite, declared_by, show_checksum};
use crate::clock::{self, random};
use crate::record::{Encryption, Record, headers_of};
use crate::sse::customer_key;
use crate::store::meta::{self, Change};
use crate::store::{Store, StoreError};

/// Bytes every part but the last has at least.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

/// An upload in progress.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// What the object will be, without its bytes.
    pub(crate) record: Record,
    pub(crate) checksum: Option<(Algorithm, Kind)>,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
}

/// Finds an upload of exactly this key.
pub(crate) fn find(connection: &Connection, bucket: &str, key: &str, id: &str) -> S3Result<Upload> {
    common::bucket(connection, bucket)?;
    let sql = "SELECT upload FROM uploads WHERE id = ? AND bucket = ? AND key = ?";
    let text: Option<String> = connection
        .query_row(sql, [id, bucket, key], |row| row.get(0))
        .optional()
        .map_err(StoreError::from)?;
    let Some(text) = text else {
        let message = "The specified multipart upload does not exist. The upload ID may be invalid, or the upload \
                       may have been aborted or completed.";
        return Err(s3_error!(NoSuchUpload, "{message}"));
    };
    Ok(serde_json::from_str(&text).map_err(StoreError::from)?)
}

/// Every part uploaded so far, by number.
pub(crate) fn parts(connection: &Connection, id: &str) -> Result<BTreeMap<i32, Part>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT number, part FROM parts WHERE upload = ?")?;
    let mut rows = statement.query([id])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, serde_json::from_str(&row.get::<_, String>(1)?)?);
    }
    Ok(found)
}

/// Forgets an upload and its parts; the blobs not in `kept` are removed after the commit.
pub(crate) fn forget(change: &mut Change<'_>, id: &str, kept: &Record) -> Result<(), StoreError> {
    let parts = parts(change.connection, id)?.into_values();
    let unused = parts.map(|part| part.segment.blob);
    let unused = unused.filter(|blob| !kept.segments.iter().any(|segment| segment.blob == *blob));
    change.dead.extend(unused);
    change
        .connection
        .execute("DELETE FROM parts WHERE upload = ?", [id])?;
    change
        .connection
        .execute("DELETE FROM uploads WHERE id = ?", [id])?;
    change.scrub = true;
    Ok(())
}

pub(crate) fn create(
    store: &Store,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let input = req.input;
    put::check_key(&input.key)?;
    let customer = customer_key!(input)?;
    let algorithm = input
        .checksum_algorithm
        .as_ref()
        .and_then(|name| Algorithm::from_name(name.as_str()));
    let kind = match input.checksum_type.as_ref().map(ChecksumType::as_str) {
        Some(ChecksumType::FULL_OBJECT) => Some(Kind::FullObject),
        Some(ChecksumType::COMPOSITE) => Some(Kind::Composite),
        _ => None,
    };
    let checksum = algorithm.map(|algorithm| (algorithm, kind.unwrap_or_else(|| algorithm.default_kind())));
    let created = store.now();
    let id = hex::encode(random::<24>());
    let record = store.write(|change| {
        let bucket = common::bucket(change.connection, &input.bucket)?;
        let asked = asked_lock!(input);
        let record = Record {
            headers: headers_of!(input),
            user: put::user_metadata(input.metadata.clone())?,
            tags: tagging::parse_header(input.tagging.as_deref())?,
            encryption: encryption_request!(input).decide(
                change.connection,
                &bucket.name,
                customer.as_ref(),
            )?,
            lock: lock::for_new(change.connection, &bucket, &asked, created)?,
            storage_class: input
                .storage_class
                .as_ref()
                .map(|class| class.as_str().to_owned()),
            ..Record::default()
        };
        let upload = Upload {
            record,
            checksum,
            created,
        };
        let text = serde_json::to_string(&upload).map_err(StoreError::from)?;
        let sql = "INSERT INTO uploads(id, bucket, key, created, upload) VALUES (?, ?, ?, ?, ?)";
        let values = params![id, bucket.name, input.key, created, text];
        change.connection.execute(sql, values).map_err(StoreError::from)?;
        Ok(upload.record)
    })?;
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: checksum.map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind.name())),
        ..CreateMultipartUploadOutput::default()
    };
    show_encryption!(output, &record.encryption, customer.as_ref());
    Ok(S3Response::new(output))
}

/// Matches the parts a request lists with those that were uploaded.
fn select(listed: &[CompletedPart], uploaded: &BTreeMap<i32, Part>) -> S3Result<Vec<Part>> {
    if listed.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    let mut selected: Vec<Part> = Vec::with_capacity(listed.len());
    let mut previous = 0;
    for entry in listed {
        let number = entry.part_number.unwrap_or(0);
        if number <= previous {
            let message =
                "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(s3_error!(InvalidPartOrder, "{message}"));
        }
        previous = number;
        let part = uploaded.get(&number).filter(|part| {
            let claimed = declared_by!(entry);
            let same = |actual: &Checksum| {
                claimed
                    .values
                    .get(&actual.algorithm)
                    .is_none_or(|v| *v == actual.value)
            };
            entry.e_tag.as_ref().is_some_and(|etag| etag.value() == part.etag)
                && part.checksum.as_ref().is_none_or(same)
        });
        let Some(part) = part else {
            let message = "One or more of the specified parts could not be found. The part may not have been \
                           uploaded, or the specified entity tag may not match the part's entity tag.";
            return Err(s3_error!(InvalidPart, "{message}"));
        };
        selected.push(part.clone());
    }
    let all_but_last = selected.split_last().map(|(_, rest)| rest).unwrap_or_default();
    if all_but_last.iter().any(|part| part.segment.size < SMALLEST_PART) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(s3_error!(EntityTooSmall, "{message}"));
    }
    Ok(selected)
}

fn entity_tag(parts: &[Part]) -> String {
    let joined: Vec<u8> = parts
        .iter()
        .flat_map(|part| hex::decode(&part.etag).unwrap_or_default())
        .collect();
    format!("{}-{}", hex::encode(Md5::checksum(&joined)), parts.len())
}

/// The checksum of the completed object. Parts under a customer's key keep no checksums to combine.
fn checksum(store: &Store, upload: &Upload, parts: &[Part], record: &Record) -> S3Result<Option<Checksum>> {
    let Some((algorithm, kind)) = upload.checksum else {
        return Ok(None);
    };
    if matches!(record.encryption, Encryption::Customer(_)) {
        return Ok(None);
    }
    if kind == Kind::FullObject {
        return Ok(Some(algorithm.of(&store.fetch(
            &record.segments,
            None,
            0..record.size(),
        )?)));
    }
    let checksums: Vec<Checksum> = parts.iter().filter_map(|part| part.checksum.clone()).collect();
    Ok(Some(composite(algorithm, &checksums)))
}

pub(crate) fn complete(
    store: &Store,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = req.input;
    let listed = input
        .multipart_upload
        .as_ref()
        .and_then(|upload| upload.parts.clone())
        .unwrap_or_default();
    let claimed = declared_by!(input);
    let (record, version_id) = store.write(|change| {
        let upload = find(change.connection, &input.bucket, &input.key, &input.upload_id)?;
        let bucket = common::bucket(change.connection, &input.bucket)?;
        let parts = select(&listed, &parts(change.connection, &input.upload_id)?)?;
        let mut record = upload.record.clone();
        record.etag = entity_tag(&parts);
        record.segments = parts.iter().map(|part| part.segment.clone()).collect();
        if input
            .mpu_object_size
            .is_some_and(|size| u64::try_from(size).ok() != Some(record.size()))
        {
            return Err(s3_error!(
                InvalidRequest,
                "The provided object size does not match the uploaded parts"
            ));
        }
        record.checksum = checksum(store, &upload, &parts, &record)?;
        let differs = |actual: &Checksum| {
            claimed
                .values
                .get(&actual.algorithm)
                .is_some_and(|v| *v != actual.value)
        };
        if record.checksum.as_ref().is_some_and(differs) {
            return Err(s3_error!(
                BadDigest,
                "The checksum you specified did not match the calculated checksum."
            ));
        }
        let current = meta::current(change.connection, &bucket.name, &input.key)?;
        common::check_write(
            current.as_ref(),
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        forget(change, &input.upload_id, &record)?;
        // As on AWS, an object made from parts is as old as its upload.
        let version = put::new_version(&input.key, upload.created, record);
        let id = change.insert(&bucket, &version)?;
        Ok((version.record, common::shown_id(&bucket, &id)))
    })?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(record.wire_etag()),
        version_id,
        ..CompleteMultipartUploadOutput::default()
    };
    output.checksum_type = record
        .checksum
        .as_ref()
        .map(|checksum| ChecksumType::from_static(checksum.kind.name()));
    show_checksum!(output, record.checksum.as_ref());
    show_managed_encryption!(output, &record.encryption);
    Ok(S3Response::new(output))
}

pub(crate) fn abort(
    store: &Store,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = req.input;
    store.write(|change| {
        find(change.connection, &input.bucket, &input.key, &input.upload_id)?;
        Ok(forget(change, &input.upload_id, &Record::default())?)
    })?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

/// Every upload in progress of a bucket: key, id and start in milliseconds since 1970.
pub(crate) fn uploads(
    connection: &Connection,
    bucket: &str,
) -> Result<Vec<(String, String, i64)>, StoreError> {
    let sql = "SELECT key, id, created FROM uploads WHERE bucket = ? ORDER BY key, created, id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([bucket], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn list_uploads(
    store: &Store,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = req.input;
    let prefix = input.prefix.clone().unwrap_or_default();
    let limit = usize::try_from(input.max_uploads.unwrap_or(1000))
        .unwrap_or(0)
        .min(1000);
    let all = store.read(|connection| {
        common::bucket(connection, &input.bucket)?;
        Ok(uploads(connection, &input.bucket)?)
    })?;
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone().filter(|id| !id.is_empty());
    let resumed = id_marker
        .as_ref()
        .and_then(|id| all.iter().position(|upload| upload.1 == *id));
    let rest = all
        .into_iter()
        .enumerate()
        .filter(|(index, (key, _, _))| match resumed {
            Some(last) => *index > last,
            None => key_marker.is_empty() || *key > key_marker,
        });
    let mut found: Vec<(String, String, i64)> = rest
        .map(|(_, upload)| upload)
        .filter(|(key, _, _)| key.starts_with(&prefix))
        .collect();
    let truncated = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| truncated).cloned();
    let uploads = found.into_iter().map(|(key, id, created)| MultipartUpload {
        key: Some(key),
        upload_id: Some(id),
        initiated: Some(clock::wire(created)),
        owner: Some(owner()),
        ..MultipartUpload::default()
    });
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: Some(prefix),
        key_marker: Some(key_marker),
        upload_id_marker: input.upload_id_marker,
        max_uploads: i32::try_from(limit).ok(),
        is_truncated: Some(truncated),
        next_key_marker: last.as_ref().map(|upload| upload.0.clone()),
        next_upload_id_marker: last.map(|upload| upload.1),
        uploads: Some(uploads.collect()),
        ..ListMultipartUploadsOutput::default()
    }))
}
