//! Carrying out lifecycle rules.

use std::collections::BTreeMap;

use s3s::dto::{BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule, Tag};
use s3s::{S3Error, S3Result};

use super::delete::insert_marker;
use super::{config, lock, multipart};
use crate::clock::{self, DAY_MS};
use crate::record::Record;
use crate::store::meta::{self, Bucket, Change, Version, Versioning};
use crate::store::{Store, StoreError};

/// What one run of the lifecycle rules did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecycleReport {
    /// Current objects that expired: removed or, where versions are kept, covered by a delete marker.
    pub expired: usize,
    /// Old versions and leftover delete markers that were removed for good.
    pub removed: usize,
    /// Unfinished multipart uploads that were aborted.
    pub aborted: usize,
}

/// The midnight at which something that began at `since` is `days` old, in milliseconds since 1970.
fn due(since: i64, days: i32) -> i64 {
    let age = since + i64::from(days) * DAY_MS;
    age.div_euclid(DAY_MS) * DAY_MS + if age.rem_euclid(DAY_MS) == 0 { 0 } else { DAY_MS }
}

/// What a rule can be filtered by.
struct Filter<'a> {
    prefix: &'a str,
    tags: Vec<&'a Tag>,
    larger: Option<i64>,
    smaller: Option<i64>,
}

impl<'a> Filter<'a> {
    fn of(rule: &'a LifecycleRule) -> Self {
        let filter = rule.filter.as_ref();
        let and = filter.and_then(|filter| filter.and.as_ref());
        let prefix = rule.prefix.as_deref();
        let prefix = prefix.or_else(|| filter.and_then(|filter| filter.prefix.as_deref()));
        let prefix = prefix.or_else(|| and.and_then(|and| and.prefix.as_deref()));
        let tags = filter.and_then(|filter| filter.tag.as_ref()).into_iter();
        let tags = tags.chain(and.and_then(|and| and.tags.as_ref()).into_iter().flatten());
        let either = |own: Option<i64>, combined: Option<i64>| own.or(combined);
        Self {
            prefix: prefix.unwrap_or_default(),
            tags: tags.collect(),
            larger: either(
                filter.and_then(|filter| filter.object_size_greater_than),
                and.and_then(|and| and.object_size_greater_than),
            ),
            smaller: either(
                filter.and_then(|filter| filter.object_size_less_than),
                and.and_then(|and| and.object_size_less_than),
            ),
        }
    }

    fn accepts(&self, version: &Version) -> bool {
        let size = i64::try_from(version.size).unwrap_or(i64::MAX);
        let tagged = |tag: &&Tag| {
            let key = tag.key.as_deref().unwrap_or_default();
            version.record.tags.get(key).map(String::as_str) == tag.value.as_deref()
        };
        version.key.starts_with(self.prefix)
            && self.tags.iter().all(tagged)
            && self.larger.is_none_or(|limit| size > limit)
            && self.smaller.is_none_or(|limit| size < limit)
    }
}

/// What happens to one version.
enum Action {
    Expire(Version),
    Remove(Version),
}

/// Decides what one rule does to the versions of one key, given from newest to oldest.
fn judge(rule: &LifecycleRule, versions: &[Version], now: i64) -> Vec<Action> {
    let filter = Filter::of(rule);
    let mut actions = Vec::new();
    let Some(current) = versions.first() else {
        return actions;
    };
    if let Some(expiration) = &rule.expiration {
        let by_age = expiration
            .days
            .is_some_and(|days| due(current.modified, days) <= now);
        let by_date = expiration
            .date
            .as_ref()
            .is_some_and(|date| clock::from_wire(date) <= now);
        let leftover = current.marker && versions.len() == 1;
        if leftover && (by_age || expiration.expired_object_delete_marker == Some(true)) {
            if current.key.starts_with(filter.prefix) {
                actions.push(Action::Remove(current.clone()));
            }
        } else if !current.marker && (by_age || by_date) && filter.accepts(current) {
            actions.push(Action::Expire(current.clone()));
        }
    }
    if let Some(rule) = &rule.noncurrent_version_expiration {
        let kept = usize::try_from(rule.newer_noncurrent_versions.unwrap_or(0)).unwrap_or(0);
        for (index, pair) in versions.windows(2).enumerate() {
            let [newer, version] = pair else { continue };
            // A version stops being current when the next one is written.
            let old = due(newer.modified, rule.noncurrent_days.unwrap_or(0)) <= now;
            if index >= kept && old && filter.accepts(version) {
                actions.push(Action::Remove(version.clone()));
            }
        }
    }
    actions
}

impl Store {
    /// Carries out every bucket's lifecycle rules as of the store's clock. Ages count in whole days up to the next
    /// midnight UTC, as on AWS; nothing happens between calls. Locked versions stay.
    pub fn run_lifecycle(&self) -> Result<LifecycleReport, StoreError> {
        let now = self.now();
        let run = self.write(|change| {
            let mut report = LifecycleReport::default();
            for bucket in meta::buckets(change.connection)? {
                let found: Option<BucketLifecycleConfiguration> =
                    config::get(change.connection, &bucket.name, config::LIFECYCLE)?;
                let rules = found.map(|found| found.rules).unwrap_or_default();
                let enabled = rules
                    .into_iter()
                    .filter(|rule| rule.status.as_str() == ExpirationStatus::ENABLED);
                let enabled: Vec<LifecycleRule> = enabled.collect();
                if !enabled.is_empty() {
                    run_bucket(change, &bucket, &enabled, now, &mut report)?;
                }
            }
            Ok(report)
        });
        run.map_err(|error: S3Error| StoreError::Lifecycle(Box::new(error)))
    }
}

fn run_bucket(
    change: &mut Change<'_>,
    bucket: &Bucket,
    rules: &[LifecycleRule],
    now: i64,
    report: &mut LifecycleReport,
) -> S3Result<()> {
    let mut keys: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    meta::walk::<S3Error>(
        change.connection,
        &bucket.name,
        "",
        None,
        |mut version, record| {
            version.record = record()?;
            keys.entry(version.key.clone()).or_default().push(version);
            Ok(true)
        },
    )?;
    for versions in keys.values() {
        // Several rules may want the same thing; each version is acted on once.
        let mut actions: BTreeMap<i64, Action> = BTreeMap::new();
        for action in rules.iter().flat_map(|rule| judge(rule, versions, now)) {
            let (Action::Expire(version) | Action::Remove(version)) = &action;
            actions.entry(version.seq).or_insert(action);
        }
        for action in actions.into_values() {
            match action {
                Action::Expire(version) if bucket.versioning != Versioning::Off => {
                    insert_marker(change, bucket, &version.key, now)?;
                    report.expired += 1;
                }
                Action::Expire(version) => {
                    change.remove(&version)?;
                    report.expired += 1;
                }
                Action::Remove(version)
                    if lock::check_removable(&version.record.lock, false, now).is_ok() =>
                {
                    change.remove(&version)?;
                    report.removed += 1;
                }
                Action::Remove(_) => {}
            }
        }
    }
    for (key, id, created) in multipart::uploads(change.connection, &bucket.name)? {
        let stale = rules.iter().any(|rule| {
            let days = rule
                .abort_incomplete_multipart_upload
                .as_ref()
                .and_then(|abort| abort.days_after_initiation);
            days.is_some_and(|days| due(created, days) <= now) && key.starts_with(Filter::of(rule).prefix)
        });
        if stale {
            multipart::forget(change, &id, &Record::default())?;
            report.aborted += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_up_to_the_next_midnight() {
        assert_eq!(due(0, 1), DAY_MS);
        assert_eq!(due(1, 1), 2 * DAY_MS);
        assert_eq!(due(DAY_MS - 1, 0), DAY_MS);
    }
}
