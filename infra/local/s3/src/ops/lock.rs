//! Object Lock: retention, legal holds and a bucket's default retention.

use rusqlite::Connection;
use s3s::dto::{
    GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, GetObjectRetentionInput, GetObjectRetentionOutput,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
    ObjectLockRetention, ObjectLockRetentionMode, PutObjectLegalHoldInput, PutObjectLegalHoldOutput,
    PutObjectLockConfigurationInput, PutObjectLockConfigurationOutput, PutObjectRetentionInput,
    PutObjectRetentionOutput, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{common, config};
use crate::clock::{self, DAY_MS};
use crate::record::Lock;
use crate::store::Store;
use crate::store::meta::{self, Bucket, Version, Versioning};
use crate::xml;

const COMPLIANCE: &str = "COMPLIANCE";
const GOVERNANCE: &str = "GOVERNANCE";

/// What a write asks for.
pub(crate) struct Asked<'a> {
    pub(crate) mode: Option<&'a str>,
    pub(crate) until: Option<&'a Timestamp>,
    pub(crate) hold: Option<&'a str>,
}

/// Reads what a write asks for.
macro_rules! asked_lock {
    ($input:expr) => {
        $crate::ops::lock::Asked {
            mode: $input
                .object_lock_mode
                .as_ref()
                .map(s3s::dto::ObjectLockMode::as_str),
            until: $input.object_lock_retain_until_date.as_ref(),
            hold: $input
                .object_lock_legal_hold_status
                .as_ref()
                .map(s3s::dto::ObjectLockLegalHoldStatus::as_str),
        }
    };
}
pub(crate) use asked_lock;

fn check_retention(mode: &str, until: i64, now: i64) -> S3Result<()> {
    if mode != COMPLIANCE && mode != GOVERNANCE {
        return Err(s3_error!(InvalidArgument, "Unknown wormMode directive."));
    }
    if until <= now {
        return Err(s3_error!(
            InvalidArgument,
            "The retain until date must be in the future!"
        ));
    }
    Ok(())
}

fn require_lock(bucket: &Bucket) -> S3Result<()> {
    if bucket.object_lock {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Bucket is missing Object Lock Configuration"
    ))
}

/// The lock of a new version: as asked, else as the bucket's default retention says.
pub(crate) fn for_new(
    connection: &Connection,
    bucket: &Bucket,
    asked: &Asked<'_>,
    now: i64,
) -> S3Result<Lock> {
    if asked.mode.is_some() || asked.until.is_some() || asked.hold.is_some() {
        require_lock(bucket)?;
    }
    let legal_hold = asked.hold == Some(ObjectLockLegalHoldStatus::ON);
    match (asked.mode, asked.until) {
        (Some(mode), Some(until)) => {
            let until = clock::from_wire(until);
            check_retention(mode, until, now)?;
            Ok(Lock {
                mode: Some(mode.to_owned()),
                until: Some(until),
                legal_hold,
            })
        }
        (None, None) if bucket.object_lock => {
            let (mode, until) = default_retention(connection, &bucket.name, now)?.unzip();
            Ok(Lock {
                mode,
                until,
                legal_hold,
            })
        }
        (None, None) => Ok(Lock::default()),
        _ => Err(s3_error!(
            InvalidArgument,
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        )),
    }
}

fn default_retention(connection: &Connection, bucket: &str, now: i64) -> S3Result<Option<(String, i64)>> {
    let found: Option<ObjectLockConfiguration> = config::get(connection, bucket, config::OBJECT_LOCK)?;
    let Some(rule) = found
        .and_then(|found| found.rule)
        .and_then(|rule| rule.default_retention)
    else {
        return Ok(None);
    };
    let days = i64::from(rule.days.unwrap_or(0)) + i64::from(rule.years.unwrap_or(0)) * 365;
    Ok(rule
        .mode
        .map(|mode| (mode.as_str().to_owned(), now + days * DAY_MS)))
}

/// Refuses to remove a version that is still locked.
pub(crate) fn check_removable(lock: &Lock, bypass_governance: bool, now: i64) -> S3Result<()> {
    let retained = lock.until.is_some_and(|until| until > now);
    let bypassed = bypass_governance && lock.mode.as_deref() == Some(GOVERNANCE);
    if lock.legal_hold || (retained && !bypassed) {
        return Err(s3_error!(
            AccessDenied,
            "Access Denied because object protected by object lock."
        ));
    }
    Ok(())
}

/// Changes the lock of a version of an object in a bucket with Object Lock.
fn change_lock(
    store: &Store,
    (bucket, key, id): (&str, &str, Option<&str>),
    update: impl FnOnce(&mut Lock) -> S3Result<()>,
) -> S3Result<()> {
    store.write(|change| {
        let bucket = common::bucket(change.connection, bucket)?;
        require_lock(&bucket)?;
        let mut version = common::find(change.connection, &bucket, key, id)?;
        update(&mut version.record.lock)?;
        Ok(change.update(&version)?)
    })
}

fn find_locked(store: &Store, (bucket, key, id): (&str, &str, Option<&str>)) -> S3Result<Version> {
    store.read(|connection| {
        let bucket = common::bucket(connection, bucket)?;
        require_lock(&bucket)?;
        common::find(connection, &bucket, key, id)
    })
}

pub(crate) fn get_configuration(
    store: &Store,
    req: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    let name = &req.input.bucket;
    let found = store.read(|connection| {
        let bucket = common::bucket(connection, name)?;
        if !bucket.object_lock {
            let message = "Object Lock configuration does not exist for this bucket";
            return Err(s3_error!(ObjectLockConfigurationNotFoundError, "{message}"));
        }
        config::get(connection, name, config::OBJECT_LOCK)
    })?;
    let enabled = ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED);
    let configuration: ObjectLockConfiguration = found.unwrap_or(ObjectLockConfiguration {
        object_lock_enabled: Some(enabled),
        rule: None,
    });
    Ok(S3Response::new(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(configuration),
    }))
}

pub(crate) fn put_configuration(
    store: &Store,
    req: S3Request<PutObjectLockConfigurationInput>,
) -> S3Result<S3Response<PutObjectLockConfigurationOutput>> {
    let input = req.input;
    let Some(configuration) = input.object_lock_configuration else {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed"
        ));
    };
    if let Some(retention) = configuration
        .rule
        .as_ref()
        .and_then(|rule| rule.default_retention.as_ref())
        && (retention.mode.is_none() || retention.days.is_some() == retention.years.is_some())
    {
        return Err(s3_error!(
            MalformedXML,
            "A default retention has a mode and either days or years"
        ));
    }
    let document = xml::write(config::OBJECT_LOCK, &configuration)?;
    store.write(|change| {
        let bucket = common::bucket(change.connection, &input.bucket)?;
        if bucket.versioning != Versioning::Enabled {
            let message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
            return Err(s3_error!(InvalidBucketState, "{message}"));
        }
        meta::save_bucket(
            change.connection,
            &Bucket {
                object_lock: true,
                ..bucket
            },
        )?;
        Ok(change.set(&input.bucket, config::OBJECT_LOCK, Some(&document))?)
    })?;
    Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
}

pub(crate) fn get_retention(
    store: &Store,
    req: S3Request<GetObjectRetentionInput>,
) -> S3Result<S3Response<GetObjectRetentionOutput>> {
    let input = req.input;
    let lock = find_locked(store, (&input.bucket, &input.key, input.version_id.as_deref()))?
        .record
        .lock;
    let (Some(mode), Some(until)) = (lock.mode, lock.until) else {
        let message = "The specified object does not have a ObjectLock configuration";
        return Err(s3_error!(NoSuchObjectLockConfiguration, "{message}"));
    };
    let retention = ObjectLockRetention {
        mode: Some(ObjectLockRetentionMode::from(mode)),
        retain_until_date: Some(clock::wire(until)),
    };
    Ok(S3Response::new(GetObjectRetentionOutput {
        retention: Some(retention),
    }))
}

pub(crate) fn put_retention(
    store: &Store,
    req: S3Request<PutObjectRetentionInput>,
) -> S3Result<S3Response<PutObjectRetentionOutput>> {
    let input = req.input;
    let now = store.now();
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    let asked = input.retention.unwrap_or_default();
    let mode = asked.mode.map(|mode| mode.as_str().to_owned());
    let until = asked.retain_until_date.as_ref().map(clock::from_wire);
    match (&mode, until) {
        (Some(mode), Some(until)) => check_retention(mode, until, now)?,
        (None, None) => {}
        _ => return Err(s3_error!(MalformedXML, "A retention has both a mode and a date")),
    }
    change_lock(
        store,
        (&input.bucket, &input.key, input.version_id.as_deref()),
        |lock| {
            let weaker =
                until < lock.until || (lock.mode.as_deref() == Some(COMPLIANCE) && mode != lock.mode);
            if weaker {
                let retention = Lock {
                    legal_hold: false,
                    ..lock.clone()
                };
                check_removable(&retention, bypass, now)?;
            }
            (lock.mode, lock.until) = (mode, until);
            Ok(())
        },
    )?;
    Ok(S3Response::new(PutObjectRetentionOutput::default()))
}

pub(crate) fn get_legal_hold(
    store: &Store,
    req: S3Request<GetObjectLegalHoldInput>,
) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
    let input = req.input;
    let lock = find_locked(store, (&input.bucket, &input.key, input.version_id.as_deref()))?
        .record
        .lock;
    let status = if lock.legal_hold {
        ObjectLockLegalHoldStatus::ON
    } else {
        ObjectLockLegalHoldStatus::OFF
    };
    let legal_hold = ObjectLockLegalHold {
        status: Some(ObjectLockLegalHoldStatus::from_static(status)),
    };
    Ok(S3Response::new(GetObjectLegalHoldOutput {
        legal_hold: Some(legal_hold),
    }))
}

pub(crate) fn put_legal_hold(
    store: &Store,
    req: S3Request<PutObjectLegalHoldInput>,
) -> S3Result<S3Response<PutObjectLegalHoldOutput>> {
    let input = req.input;
    let status = input.legal_hold.and_then(|hold| hold.status);
    let legal_hold = match status.as_ref().map(ObjectLockLegalHoldStatus::as_str) {
        Some(ObjectLockLegalHoldStatus::ON) => true,
        Some(ObjectLockLegalHoldStatus::OFF) => false,
        _ => return Err(s3_error!(MalformedXML, "The legal hold status must be ON or OFF")),
    };
    change_lock(
        store,
        (&input.bucket, &input.key, input.version_id.as_deref()),
        |lock| {
            lock.legal_hold = legal_hold;
            Ok(())
        },
    )?;
    Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
}
