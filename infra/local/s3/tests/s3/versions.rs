use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration};

use crate::client::{PLAIN, VERSIONED, at_rest, code, fresh, get, put};

#[tokio::test]
async fn every_write_is_a_version_of_its_own() {
    let (_, client) = fresh(VERSIONED);
    let first = put(&client, "k", "1").await.unwrap();
    let second = put(&client, "k", "2").await.unwrap();
    assert_ne!(first, second);
    let old = client
        .get_object()
        .bucket("files")
        .key("k")
        .version_id(&first)
        .send()
        .await
        .unwrap();
    assert_eq!(old.version_id(), Some(first.as_str()));
    assert_eq!(old.body.collect().await.unwrap().to_vec(), b"1");
    assert_eq!(get(&client, "k").await.unwrap(), "2");
}

#[tokio::test]
async fn a_delete_marker_hides_a_key_until_the_marker_is_deleted() {
    let (_, client) = fresh(VERSIONED);
    put(&client, "k", "1").await;
    let deleted = client
        .delete_object()
        .bucket("files")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    let marker = deleted.version_id().unwrap();
    let hidden = client.get_object().bucket("files").key("k").send().await;
    let headers = hidden
        .as_ref()
        .unwrap_err()
        .raw_response()
        .unwrap()
        .headers()
        .clone();
    assert_eq!(headers.get("x-amz-delete-marker"), Some("true"));
    assert_eq!(headers.get("x-amz-version-id"), Some(marker));
    assert_eq!(code(hidden), "NoSuchKey");
    let direct = client
        .get_object()
        .bucket("files")
        .key("k")
        .version_id(marker)
        .send()
        .await;
    assert_eq!(code(direct), "MethodNotAllowed");
    let removed = client
        .delete_object()
        .bucket("files")
        .key("k")
        .version_id(marker)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (removed.delete_marker(), removed.version_id()),
        (Some(true), Some(marker))
    );
    assert_eq!(get(&client, "k").await.unwrap(), "1");
}

#[tokio::test]
async fn deleting_the_newest_version_brings_the_one_before_it_back() {
    let (_, client) = fresh(VERSIONED);
    put(&client, "k", "1").await;
    let newest = put(&client, "k", "2").await.unwrap();
    client
        .delete_object()
        .bucket("files")
        .key("k")
        .version_id(newest)
        .send()
        .await
        .unwrap();
    assert_eq!(get(&client, "k").await.unwrap(), "1");
}

#[tokio::test]
async fn a_version_that_was_deleted_leaves_nothing_behind() {
    let (store, client) = fresh(VERSIONED);
    let sent = client
        .put_object()
        .bucket("files")
        .key("k")
        .body(b"canary-body".to_vec().into());
    let version = sent
        .metadata("m", "canary-meta")
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    assert!(at_rest(&store, "canary-body") && at_rest(&store, "canary-meta"));
    client
        .delete_object()
        .bucket("files")
        .key("k")
        .version_id(version)
        .send()
        .await
        .unwrap();
    assert!(!at_rest(&store, "canary-body") && !at_rest(&store, "canary-meta"));
}

#[tokio::test]
async fn unknown_and_malformed_version_ids_are_told_apart() {
    let (_, client) = fresh(VERSIONED);
    let version = put(&client, "k", "1").await.unwrap();
    let read = |id: &str| client.get_object().bucket("files").key("k").version_id(id).send();
    client
        .delete_object()
        .bucket("files")
        .key("k")
        .version_id(&version)
        .send()
        .await
        .unwrap();
    assert_eq!(code(read(&version).await), "NoSuchVersion");
    assert_eq!(code(read("not-an-id").await), "InvalidArgument");
    client
        .delete_object()
        .bucket("files")
        .key("k")
        .version_id(&version)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_bucket_without_versions_keeps_only_the_last_write() {
    let (store, client) = fresh(PLAIN);
    put(&client, "k", "canary-one").await;
    put(&client, "k", "canary-two").await;
    assert!(!at_rest(&store, "canary-one"));
    let deleted = client
        .delete_object()
        .bucket("files")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!((deleted.delete_marker(), deleted.version_id()), (None, None));
    assert!(!at_rest(&store, "canary-two"));
    client
        .delete_object()
        .bucket("files")
        .key("never")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn suspended_versioning_replaces_only_the_null_version() {
    let (_, client) = fresh(PLAIN);
    put(&client, "k", "before").await;
    let set = |status| {
        let wanted = VersioningConfiguration::builder().status(status).build();
        client
            .put_bucket_versioning()
            .bucket("files")
            .versioning_configuration(wanted)
            .send()
    };
    set(BucketVersioningStatus::Enabled).await.unwrap();
    let kept = put(&client, "k", "kept").await.unwrap();
    set(BucketVersioningStatus::Suspended).await.unwrap();
    assert_eq!(put(&client, "k", "after").await.as_deref(), Some("null"));
    let status = client
        .get_bucket_versioning()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!(status.status(), Some(&BucketVersioningStatus::Suspended));
    let listed = client
        .list_object_versions()
        .bucket("files")
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = listed
        .versions()
        .iter()
        .filter_map(|version| version.version_id())
        .collect();
    assert_eq!(ids, ["null", kept.as_str()]);
    assert_eq!(get(&client, "k").await.unwrap(), "after");
}

#[tokio::test]
async fn a_batch_deletes_versions_and_keys_alike() {
    let (_, client) = fresh(VERSIONED);
    let version = put(&client, "a", "1").await.unwrap();
    put(&client, "a", "2").await;
    put(&client, "b", "3").await;
    let object = |key: &str, id: Option<&str>| {
        ObjectIdentifier::builder()
            .key(key)
            .set_version_id(id.map(str::to_owned))
            .build()
            .unwrap()
    };
    let wanted = [
        object("a", Some(&version)),
        object("b", None),
        object("c", None),
        object("a", Some("bad")),
    ];
    let batch = Delete::builder()
        .set_objects(Some(wanted.to_vec()))
        .build()
        .unwrap();
    let done = client
        .delete_objects()
        .bucket("files")
        .delete(batch)
        .send()
        .await
        .unwrap();
    assert_eq!(done.deleted().len(), 3);
    assert_eq!(done.deleted()[1].delete_marker(), Some(true));
    assert_eq!(done.errors()[0].code(), Some("InvalidArgument"));
    assert_eq!(get(&client, "a").await.unwrap(), "2");
    assert_eq!(get(&client, "b").await, Err("NoSuchKey".to_owned()));
}

#[tokio::test]
async fn a_copy_can_start_from_an_old_version() {
    let (_, client) = fresh(VERSIONED);
    let old = put(&client, "k", "old").await.unwrap();
    put(&client, "k", "new").await;
    let source = format!("files/k?versionId={old}");
    let copied = client
        .copy_object()
        .bucket("files")
        .key("restored")
        .copy_source(source)
        .send()
        .await
        .unwrap();
    assert_eq!(copied.copy_source_version_id(), Some(old.as_str()));
    assert_eq!(get(&client, "restored").await.unwrap(), "old");
}
