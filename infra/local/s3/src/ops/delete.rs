//! DeleteObject and DeleteObjects.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETagCondition, Error,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{common, lock};
use crate::record::Record;
use crate::store::Store;
use crate::store::meta::{self, Bucket, Change, Version, Versioning};

/// Objects one batch may name.
const BATCH_LIMIT: usize = 1000;

/// One object to delete.
struct Target<'a> {
    key: &'a str,
    version_id: Option<&'a str>,
    bypass_governance: bool,
    if_match: Option<&'a ETagCondition>,
}

/// What a deletion did.
#[derive(Default)]
struct Outcome {
    /// A delete marker was made or, when a version was named, removed.
    marker: bool,
    /// The id of the version or marker concerned, as responses show it.
    version_id: Option<String>,
}

/// Puts a delete marker on top of a key and returns its id.
pub(crate) fn insert_marker(
    change: &mut Change<'_>,
    bucket: &Bucket,
    key: &str,
    modified: i64,
) -> S3Result<String> {
    let (key, record) = (key.to_owned(), Record::default());
    let marker = Version {
        seq: 0,
        key,
        id: String::new(),
        marker: true,
        size: 0,
        modified,
        record,
    };
    Ok(change.insert(bucket, &marker)?)
}

fn delete_one(change: &mut Change<'_>, bucket: &Bucket, target: &Target<'_>, now: i64) -> S3Result<Outcome> {
    let named = match target.version_id {
        Some(id) => {
            common::check_version_id(id)?;
            meta::version(change.connection, &bucket.name, target.key, id)?
        }
        None => meta::current(change.connection, &bucket.name, target.key)?,
    };
    if target.if_match.is_some() {
        common::check_write(named.as_ref(), target.if_match, None)?;
    }
    if let Some(id) = target.version_id {
        let marker = named.as_ref().is_some_and(|version| version.marker);
        if let Some(version) = named {
            lock::check_removable(&version.record.lock, target.bypass_governance, now)?;
            change.remove(&version)?;
        }
        return Ok(Outcome {
            marker,
            version_id: common::shown_id(bucket, id),
        });
    }
    if bucket.versioning == Versioning::Off {
        if let Some(version) = named {
            change.remove(&version)?;
        }
        return Ok(Outcome::default());
    }
    let id = insert_marker(change, bucket, target.key, now)?;
    Ok(Outcome {
        marker: true,
        version_id: Some(id),
    })
}

pub(crate) fn delete_object(
    store: &Store,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let input = req.input;
    let now = store.now();
    let outcome = store.write(|change| {
        let bucket = common::bucket(change.connection, &input.bucket)?;
        let target = Target {
            key: &input.key,
            version_id: input.version_id.as_deref(),
            bypass_governance: input.bypass_governance_retention.unwrap_or(false),
            if_match: input.if_match.as_ref(),
        };
        delete_one(change, &bucket, &target, now)
    })?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: outcome.marker.then_some(true),
        version_id: outcome.version_id,
        ..DeleteObjectOutput::default()
    }))
}

pub(crate) fn delete_objects(
    store: &Store,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let input = req.input;
    let objects = &input.delete.objects;
    if objects.is_empty() || objects.len() > BATCH_LIMIT {
        return Err(s3_error!(
            MalformedXML,
            "A batch names between 1 and {BATCH_LIMIT} objects"
        ));
    }
    let now = store.now();
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    store.write(|change| {
        let bucket = common::bucket(change.connection, &input.bucket)?;
        for object in objects {
            let if_match = object.e_tag.clone().map(ETagCondition::ETag);
            let target = Target {
                key: &object.key,
                version_id: object.version_id.as_deref(),
                bypass_governance: input.bypass_governance_retention.unwrap_or(false),
                if_match: if_match.as_ref(),
            };
            // Every check of one deletion comes before its first change, so a refused one leaves nothing behind.
            match delete_one(change, &bucket, &target, now) {
                Ok(outcome) => deleted.push(DeletedObject {
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                    delete_marker: outcome.marker.then_some(true),
                    delete_marker_version_id: outcome.version_id.filter(|_| outcome.marker),
                }),
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                }),
            }
        }
        Ok(())
    })?;
    let quiet = input.delete.quiet.unwrap_or(false);
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    }))
}
