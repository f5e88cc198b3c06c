//! Tags of objects.

use std::collections::BTreeMap;

use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag, TagSet,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::common;
use crate::store::Store;

/// Tags one object may have.
const LIMIT: usize = 10;

type Tags = BTreeMap<String, String>;

/// Reads the `x-amz-tagging` header, which is written like a query string.
pub(crate) fn parse_header(header: Option<&str>) -> S3Result<Tags> {
    let pairs = url::form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    collect(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())))
}

fn collect(pairs: impl Iterator<Item = (String, String)>) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if tags.insert(key, value).is_some() {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    if tags.len() > LIMIT {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than {LIMIT}"
        ));
    }
    Ok(tags)
}

/// Tags in wire form.
pub(crate) fn wire(tags: &Tags) -> TagSet {
    tags.iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

pub(crate) fn get_tagging(
    store: &Store,
    req: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let input = req.input;
    store.read(|connection| {
        let bucket = common::bucket(connection, &input.bucket)?;
        let version = common::find(connection, &bucket, &input.key, input.version_id.as_deref())?;
        let version_id = common::shown_id(&bucket, &version.id);
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: wire(&version.record.tags),
            version_id,
        }))
    })
}

fn replace(store: &Store, bucket: &str, key: &str, id: Option<&str>, tags: Tags) -> S3Result<Option<String>> {
    store.write(|change| {
        let bucket = common::bucket(change.connection, bucket)?;
        let mut version = common::find(change.connection, &bucket, key, id)?;
        version.record.tags = tags;
        change.update(&version)?;
        Ok(common::shown_id(&bucket, &version.id))
    })
}

pub(crate) fn put_tagging(
    store: &Store,
    req: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let input = req.input;
    let pairs = input.tagging.tag_set.into_iter();
    let tags = collect(pairs.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())))?;
    let version_id = replace(
        store,
        &input.bucket,
        &input.key,
        input.version_id.as_deref(),
        tags,
    )?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

pub(crate) fn delete_tagging(
    store: &Store,
    req: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let input = req.input;
    let version_id = replace(
        store,
        &input.bucket,
        &input.key,
        input.version_id.as_deref(),
        Tags::new(),
    )?;
    Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
}
