use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, DefaultRetention, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
    ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode, ObjectLockRule,
};
use local_s3::LifecycleReport;

use crate::client::{Hand, LOCKED, PLAIN, VERSIONED, code, fresh, get, put};

async fn delete(client: &Client, key: &str, version: &str) -> String {
    code(
        client
            .delete_object()
            .bucket("files")
            .key(key)
            .version_id(version)
            .send()
            .await,
    )
}

#[tokio::test]
async fn a_version_under_compliance_retention_stays_until_its_date() {
    let (store, client) = fresh(LOCKED);
    let hand = Hand::on(&store);
    let sent = client
        .put_object()
        .bucket("files")
        .key("k")
        .body(b"1".to_vec().into());
    let sent = sent
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(hand.in_days(2));
    let version = sent.send().await.unwrap().version_id.unwrap();
    assert_eq!(delete(&client, "k", &version).await, "AccessDenied");
    let sooner = ObjectLockRetention::builder().mode(ObjectLockRetentionMode::Compliance);
    let sooner = sooner.retain_until_date(hand.in_days(1)).build();
    let shortened = client
        .put_object_retention()
        .bucket("files")
        .key("k")
        .retention(sooner)
        .send()
        .await;
    assert_eq!(code(shortened), "AccessDenied");
    // Hiding the key with a marker is still allowed.
    client
        .delete_object()
        .bucket("files")
        .key("k")
        .send()
        .await
        .unwrap();
    hand.advance_days(2);
    assert_eq!(delete(&client, "k", &version).await, "success");
}

#[tokio::test]
async fn governance_retention_yields_to_the_bypass_and_a_legal_hold_to_nothing() {
    let (store, client) = fresh(LOCKED);
    let hand = Hand::on(&store);
    let sent = client
        .put_object()
        .bucket("files")
        .key("k")
        .body(b"1".to_vec().into());
    let sent = sent
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(hand.in_days(2));
    let version = sent.send().await.unwrap().version_id.unwrap();
    let hold = |status| {
        let hold = ObjectLockLegalHold::builder().status(status).build();
        client
            .put_object_legal_hold()
            .bucket("files")
            .key("k")
            .legal_hold(hold)
            .send()
    };
    let bypass = || {
        let delete = client
            .delete_object()
            .bucket("files")
            .key("k")
            .version_id(&version);
        delete.bypass_governance_retention(true).send()
    };
    assert_eq!(delete(&client, "k", &version).await, "AccessDenied");
    hold(ObjectLockLegalHoldStatus::On).await.unwrap();
    assert_eq!(code(bypass().await), "AccessDenied");
    hold(ObjectLockLegalHoldStatus::Off).await.unwrap();
    bypass().await.unwrap();
}

#[tokio::test]
async fn a_buckets_default_retention_covers_every_new_version() {
    let (store, client) = fresh(LOCKED);
    let hand = Hand::on(&store);
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .days(3)
        .build();
    let rule = ObjectLockRule::builder().default_retention(retention).build();
    let wanted = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(rule);
    let wanted = wanted.build();
    let set = client.put_object_lock_configuration().bucket("files");
    set.object_lock_configuration(wanted.clone())
        .send()
        .await
        .unwrap();
    let kept = client
        .get_object_lock_configuration()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.object_lock_configuration(), Some(&wanted));
    let version = put(&client, "k", "1").await.unwrap();
    let found = client
        .get_object_retention()
        .bucket("files")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(
        found.retention().unwrap().retain_until_date(),
        Some(&hand.in_days(3))
    );
    assert_eq!(delete(&client, "k", &version).await, "AccessDenied");
    hand.advance_days(3);
    assert_eq!(delete(&client, "k", &version).await, "success");
}

#[tokio::test]
async fn locks_need_a_bucket_with_object_lock() {
    let (store, client) = fresh(VERSIONED);
    let hand = Hand::on(&store);
    let sent = client
        .put_object()
        .bucket("files")
        .key("k")
        .body(b"1".to_vec().into());
    let sent = sent
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(hand.in_days(2));
    assert_eq!(code(sent.send().await), "InvalidRequest");
    let none = client
        .get_object_lock_configuration()
        .bucket("files")
        .send()
        .await;
    assert_eq!(code(none), "ObjectLockConfigurationNotFoundError");
}

async fn rule(
    client: &Client,
    build: impl FnOnce(aws_sdk_s3::types::builders::LifecycleRuleBuilder) -> LifecycleRule,
) {
    let blank = LifecycleRule::builder().id("r").status(ExpirationStatus::Enabled);
    let blank = blank.filter(LifecycleRuleFilter::builder().prefix("tmp/").build());
    let wanted = BucketLifecycleConfiguration::builder()
        .rules(build(blank))
        .build()
        .unwrap();
    let set = client.put_bucket_lifecycle_configuration().bucket("files");
    set.lifecycle_configuration(wanted.clone()).send().await.unwrap();
    let kept = client
        .get_bucket_lifecycle_configuration()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.rules(), wanted.rules());
}

#[tokio::test]
async fn objects_expire_at_the_midnight_after_their_last_day() {
    let (store, client) = fresh(PLAIN);
    let hand = Hand::on(&store);
    rule(&client, |r| {
        r.expiration(LifecycleExpiration::builder().days(1).build())
            .build()
            .unwrap()
    })
    .await;
    put(&client, "tmp/a", "1").await;
    put(&client, "keep", "1").await;
    assert_eq!(store.run_lifecycle().unwrap(), LifecycleReport::default());
    hand.advance_days(1);
    assert_eq!(store.run_lifecycle().unwrap().expired, 1);
    assert_eq!(get(&client, "tmp/a").await, Err("NoSuchKey".to_owned()));
    assert_eq!(get(&client, "keep").await.unwrap(), "1");
}

#[tokio::test]
async fn old_versions_and_stale_uploads_are_cleaned_up() {
    let (store, client) = fresh(VERSIONED);
    let hand = Hand::on(&store);
    rule(&client, |r| {
        let abort = AbortIncompleteMultipartUpload::builder()
            .days_after_initiation(1)
            .build();
        let old = NoncurrentVersionExpiration::builder().noncurrent_days(1).build();
        let markers = LifecycleExpiration::builder()
            .expired_object_delete_marker(true)
            .build();
        r.abort_incomplete_multipart_upload(abort)
            .noncurrent_version_expiration(old)
            .expiration(markers)
            .build()
            .unwrap()
    })
    .await;
    put(&client, "tmp/a", "1").await;
    put(&client, "tmp/a", "2").await;
    put(&client, "tmp/b", "1").await;
    client
        .delete_object()
        .bucket("files")
        .key("tmp/b")
        .send()
        .await
        .unwrap();
    client
        .create_multipart_upload()
        .bucket("files")
        .key("tmp/m")
        .send()
        .await
        .unwrap();
    hand.advance_days(1);
    let report = store.run_lifecycle().unwrap();
    assert_eq!((report.expired, report.removed, report.aborted), (0, 2, 1));
    assert_eq!(get(&client, "tmp/a").await.unwrap(), "2");
    // The marker of `tmp/b` hides nothing any more, so the next run takes it.
    assert_eq!(store.run_lifecycle().unwrap().removed, 1);
    let left = client
        .list_object_versions()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!((left.versions().len(), left.delete_markers().len()), (1, 0));
}

#[tokio::test]
async fn last_modified_follows_the_stores_clock() {
    let (store, client) = fresh(PLAIN);
    let hand = Hand::on(&store);
    put(&client, "a", "1").await;
    let head = client
        .head_object()
        .bucket("files")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.last_modified(), Some(&hand.in_days(0)));
    let read = client
        .get_object()
        .bucket("files")
        .key("a")
        .if_modified_since(hand.in_days(0))
        .send()
        .await;
    assert_eq!(code(read), "304");
}
