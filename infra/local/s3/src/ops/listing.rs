//! Lists of objects and of versions, a page at a time.

use rusqlite::Connection;
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::buckets::owner;
use super::common;
use crate::clock;
use crate::store::Store;
use crate::store::meta::{self, Version};

/// Entries on a page unless the request wants fewer.
const PAGE: i32 = 1000;

/// One entry of a list.
enum Entry {
    Version { version: Box<Version>, latest: bool },
    Prefix(String),
}

/// Which part of a bucket to list, and how.
struct Query<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    /// Only entries after this key and, within this key, below this position.
    after: Option<(&'a str, i64)>,
    limit: usize,
    /// Old versions and delete markers too, or current objects only.
    versions: bool,
}

impl<'a> Query<'a> {
    /// The current objects behind the key `after`.
    fn of_objects(
        prefix: Option<&'a str>,
        delimiter: Option<&'a String>,
        after: Option<&'a str>,
        max_keys: i32,
    ) -> Self {
        Self {
            prefix: prefix.unwrap_or_default(),
            delimiter: given(delimiter),
            after: after.map(|key| (key, i64::MIN)),
            limit: usize::try_from(max_keys).unwrap_or(0),
            versions: false,
        }
    }

    fn run(&self, store: &Store, bucket: &str) -> S3Result<Page> {
        store.read(|connection| {
            common::bucket(connection, bucket)?;
            page(connection, bucket, self)
        })
    }
}

struct Page {
    entries: Vec<Entry>,
    truncated: bool,
}

fn page(connection: &Connection, bucket: &str, query: &Query<'_>) -> S3Result<Page> {
    let mut page = Page {
        entries: Vec::new(),
        truncated: false,
    };
    if query.limit == 0 {
        return Ok(page);
    }
    let after_key = query.after.map(|(key, _)| key);
    let mut key: Option<String> = None;
    let mut rolled_up: Option<String> = None;
    meta::walk::<S3Error>(
        connection,
        bucket,
        query.prefix,
        query.after,
        |mut version, record| {
            let Some(rest) = version.key.strip_prefix(query.prefix) else {
                return Ok(false);
            };
            let newest_seen = key.as_deref() != Some(&version.key);
            key = Some(version.key.clone());
            if !query.versions && (!newest_seen || version.marker) {
                return Ok(true);
            }
            let group = query.delimiter.and_then(|delimiter| {
                let end = rest.find(delimiter)? + delimiter.len();
                Some(format!("{}{}", query.prefix, rest.get(..end)?))
            });
            // A group that ended the page before this one was listed there.
            if group.is_some() && (group == rolled_up || group.as_deref() == after_key) {
                return Ok(true);
            }
            if page.entries.len() == query.limit {
                page.truncated = true;
                return Ok(false);
            }
            if let Some(group) = group {
                rolled_up = Some(group.clone());
                page.entries.push(Entry::Prefix(group));
                return Ok(true);
            }
            let latest = if after_key == Some(&version.key) {
                // The list began in the middle of this key, so the first version seen need not be the newest.
                meta::current(connection, bucket, &version.key)?
                    .is_some_and(|newest| newest.seq == version.seq)
            } else {
                newest_seen
            };
            version.record = record()?;
            page.entries.push(Entry::Version {
                version: Box::new(version),
                latest,
            });
            Ok(true)
        },
    )?;
    Ok(page)
}

impl Page {
    /// The key or group the next page begins after.
    fn last(&self) -> Option<&str> {
        match self.entries.last().filter(|_| self.truncated)? {
            Entry::Version { version, .. } => Some(&version.key),
            Entry::Prefix(group) => Some(group),
        }
    }
}

/// How keys are written in a response.
struct Encoding {
    url: bool,
}

impl Encoding {
    fn of(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some(EncodingType::URL) => Ok(Self { url: true }),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    fn wire(&self) -> Option<EncodingType> {
        self.url.then(|| EncodingType::from_static(EncodingType::URL))
    }

    fn text(&self, text: &str) -> String {
        if !self.url {
            return text.to_owned();
        }
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'*' => {
                    encoded.push(char::from(byte));
                }
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        encoded
    }

    fn option(&self, text: Option<&str>) -> Option<String> {
        text.map(|text| self.text(text))
    }
}

fn limit(asked: Option<i32>) -> S3Result<i32> {
    let asked = asked.unwrap_or(PAGE);
    if asked < 0 {
        return Err(s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        ));
    }
    Ok(asked.min(PAGE))
}

/// Splits the entries of a page into objects and groups, in wire form.
fn objects(page: Page, encoding: &Encoding, with_owner: bool) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for entry in page.entries {
        match entry {
            Entry::Prefix(group) => prefixes.push(CommonPrefix {
                prefix: Some(encoding.text(&group)),
            }),
            Entry::Version { version, .. } => {
                let record = &version.record;
                let checksum = record.checksum.as_ref();
                let class = record
                    .storage_class
                    .clone()
                    .unwrap_or_else(|| "STANDARD".to_owned());
                objects.push(Object {
                    key: Some(encoding.text(&version.key)),
                    e_tag: Some(record.wire_etag()),
                    last_modified: Some(clock::wire(version.modified)),
                    size: i64::try_from(version.size).ok(),
                    storage_class: Some(ObjectStorageClass::from(class)),
                    owner: with_owner.then(owner),
                    checksum_algorithm: checksum
                        .map(|checksum| vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]),
                    checksum_type: checksum.map(|checksum| ChecksumType::from_static(checksum.kind.name())),
                    ..Object::default()
                });
            }
        }
    }
    (objects, prefixes)
}

/// An empty delimiter groups nothing.
fn given(delimiter: Option<&String>) -> Option<&str> {
    delimiter
        .map(String::as_str)
        .filter(|delimiter| !delimiter.is_empty())
}

pub(crate) fn list_objects_v2(
    store: &Store,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_keys = limit(input.max_keys)?;
    let resumed =
        match &input.continuation_token {
            Some(token) => {
                let key = hex::decode(token)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok());
                Some(key.ok_or_else(|| {
                    s3_error!(InvalidArgument, "The continuation token provided is incorrect")
                })?)
            }
            None => None,
        };
    let after = resumed.as_deref().or(input.start_after.as_deref());
    let query = Query::of_objects(input.prefix.as_deref(), input.delimiter.as_ref(), after, max_keys);
    let page = query.run(store, &input.bucket)?;
    let (truncated, next) = (page.truncated, page.last().map(hex::encode));
    let (contents, prefixes) = objects(page, &encoding, input.fetch_owner.unwrap_or(false));
    Ok(S3Response::new(ListObjectsV2Output {
        prefix: Some(encoding.text(query.prefix)),
        delimiter: encoding.option(input.delimiter.as_deref()),
        start_after: encoding.option(input.start_after.as_deref()),
        max_keys: Some(max_keys),
        key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
        is_truncated: Some(truncated),
        next_continuation_token: next,
        continuation_token: input.continuation_token,
        encoding_type: encoding.wire(),
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        name: Some(input.bucket),
        ..ListObjectsV2Output::default()
    }))
}

pub(crate) fn list_objects(
    store: &Store,
    req: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_keys = limit(input.max_keys)?;
    let after = input.marker.as_deref();
    let query = Query::of_objects(input.prefix.as_deref(), input.delimiter.as_ref(), after, max_keys);
    let page = query.run(store, &input.bucket)?;
    let (truncated, next_marker) = (page.truncated, encoding.option(page.last()));
    let (contents, prefixes) = objects(page, &encoding, true);
    Ok(S3Response::new(ListObjectsOutput {
        prefix: Some(encoding.text(query.prefix)),
        delimiter: encoding.option(input.delimiter.as_deref()),
        marker: Some(encoding.text(input.marker.as_deref().unwrap_or_default())),
        next_marker,
        max_keys: Some(max_keys),
        is_truncated: Some(truncated),
        encoding_type: encoding.wire(),
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        name: Some(input.bucket),
        ..ListObjectsOutput::default()
    }))
}

/// Where a list of versions resumes.
fn position(connection: &Connection, bucket: &str, key: &str, id: Option<&str>) -> S3Result<i64> {
    match id.filter(|id| !id.is_empty()) {
        None => Ok(i64::MIN),
        // The version may have been deleted since the last page. Its id still tells its position, except for
        // `null`: then the rest of the key is listed once more, because losing versions would be worse.
        Some("null") => {
            Ok(meta::version(connection, bucket, key, "null")?.map_or(i64::MAX, |version| version.seq))
        }
        Some(id) => {
            meta::position_of(id).ok_or_else(|| s3_error!(InvalidArgument, "Invalid version id specified"))
        }
    }
}

pub(crate) fn list_versions(
    store: &Store,
    req: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_keys = limit(input.max_keys)?;
    let key_marker = input.key_marker.as_deref().filter(|key| !key.is_empty());
    let id_marker = input.version_id_marker.as_deref();
    if key_marker.is_none() && id_marker.is_some_and(|id| !id.is_empty()) {
        let message = "A version-id marker cannot be specified without a key marker.";
        return Err(s3_error!(InvalidArgument, "{message}"));
    }
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let page = store.read(|connection| {
        common::bucket(connection, &input.bucket)?;
        let after = match key_marker {
            Some(key) => Some((key, position(connection, &input.bucket, key, id_marker)?)),
            None => None,
        };
        let query = Query {
            prefix,
            delimiter: given(input.delimiter.as_ref()),
            after,
            limit: usize::try_from(max_keys).unwrap_or(0),
            versions: true,
        };
        page(connection, &input.bucket, &query)
    })?;
    let mut output = ListObjectVersionsOutput {
        prefix: Some(encoding.text(prefix)),
        delimiter: encoding.option(input.delimiter.as_deref()),
        key_marker: Some(encoding.text(input.key_marker.as_deref().unwrap_or_default())),
        version_id_marker: Some(id_marker.unwrap_or_default().to_owned()),
        max_keys: Some(max_keys),
        is_truncated: Some(page.truncated),
        next_key_marker: encoding.option(page.last()),
        encoding_type: encoding.wire(),
        ..ListObjectVersionsOutput::default()
    };
    if let Some(Entry::Version { version, .. }) = page.entries.last().filter(|_| page.truncated) {
        output.next_version_id_marker = Some(version.id.clone());
    }
    fill_versions(&mut output, page, &encoding);
    output.name = Some(input.bucket);
    Ok(S3Response::new(output))
}

fn fill_versions(output: &mut ListObjectVersionsOutput, page: Page, encoding: &Encoding) {
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in page.entries {
        match entry {
            Entry::Prefix(group) => prefixes.push(CommonPrefix {
                prefix: Some(encoding.text(&group)),
            }),
            Entry::Version { version, latest } if version.marker => markers.push(DeleteMarkerEntry {
                key: Some(encoding.text(&version.key)),
                version_id: Some(version.id),
                is_latest: Some(latest),
                last_modified: Some(clock::wire(version.modified)),
                owner: Some(owner()),
            }),
            Entry::Version { version, latest } => versions.push(ObjectVersion {
                key: Some(encoding.text(&version.key)),
                e_tag: Some(version.record.wire_etag()),
                version_id: Some(version.id),
                is_latest: Some(latest),
                last_modified: Some(clock::wire(version.modified)),
                size: i64::try_from(version.size).ok(),
                storage_class: Some(ObjectVersionStorageClass::from_static(
                    ObjectVersionStorageClass::STANDARD,
                )),
                owner: Some(owner()),
                ..ObjectVersion::default()
            }),
        }
    }
    output.versions = Some(versions);
    output.delete_markers = Some(markers);
    output.common_prefixes = Some(prefixes);
}
