use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, Tag, Tagging};
use local_s3::Store;

use crate::client::{PLAIN, client, code, fresh, get, put};

#[tokio::test]
async fn a_bucket_is_created_found_listed_and_removed_when_empty() {
    let client = client(&Store::in_memory().unwrap());
    client.create_bucket().bucket("files").send().await.unwrap();
    client.head_bucket().bucket("files").send().await.unwrap();
    assert_eq!(
        client.list_buckets().send().await.unwrap().buckets()[0].name(),
        Some("files")
    );
    assert_eq!(
        code(client.create_bucket().bucket("files").send().await),
        "BucketAlreadyOwnedByYou"
    );
    put(&client, "a", "1").await;
    assert_eq!(
        code(client.delete_bucket().bucket("files").send().await),
        "BucketNotEmpty"
    );
    client
        .delete_object()
        .bucket("files")
        .key("a")
        .send()
        .await
        .unwrap();
    client.delete_bucket().bucket("files").send().await.unwrap();
    assert_eq!(
        code(client.head_bucket().bucket("files").send().await),
        "NotFound"
    );
}

#[tokio::test]
async fn an_object_comes_back_with_its_headers_and_metadata() {
    let (_, client) = fresh(PLAIN);
    let sent = client
        .put_object()
        .bucket("files")
        .key("a/b c+é.txt")
        .body(ByteStream::from_static(b"hello"));
    let sent = sent
        .content_type("text/plain; charset=utf-8")
        .metadata("k", "v")
        .cache_control("max-age=1");
    let sent = sent.content_disposition("inline").send().await.unwrap();
    assert_eq!(sent.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(sent.version_id(), None);
    let got = client
        .get_object()
        .bucket("files")
        .key("a/b c+é.txt")
        .send()
        .await
        .unwrap();
    assert_eq!(got.metadata().unwrap()["k"], "v");
    assert_eq!(got.content_type(), Some("text/plain; charset=utf-8"));
    assert_eq!(
        (got.cache_control(), got.content_disposition()),
        (Some("max-age=1"), Some("inline"))
    );
    assert_eq!(got.content_encoding(), None);
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");
    let head = client
        .head_object()
        .bucket("files")
        .key("a/b c+é.txt")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(5));
}

#[tokio::test]
async fn missing_things_have_their_own_errors() {
    let (_, client) = fresh(PLAIN);
    assert_eq!(get(&client, "nope").await, Err("NoSuchKey".to_owned()));
    assert_eq!(
        code(client.head_object().bucket("files").key("nope").send().await),
        "NotFound"
    );
    assert_eq!(
        code(client.get_object().bucket("nowhere").key("x").send().await),
        "NoSuchBucket"
    );
}

async fn range(client: &Client, range: &str) -> Result<(String, Option<String>), String> {
    match client
        .get_object()
        .bucket("files")
        .key("digits")
        .range(range)
        .send()
        .await
    {
        Ok(got) => {
            let content_range = got.content_range().map(str::to_owned);
            Ok((
                String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap(),
                content_range,
            ))
        }
        error => Err(code(error)),
    }
}

#[tokio::test]
async fn a_range_returns_just_the_bytes_asked_for() {
    let (_, client) = fresh(PLAIN);
    put(&client, "digits", "0123456789").await;
    assert_eq!(
        range(&client, "bytes=2-4").await,
        Ok(("234".to_owned(), Some("bytes 2-4/10".to_owned())))
    );
    assert_eq!(
        range(&client, "bytes=-3").await,
        Ok(("789".to_owned(), Some("bytes 7-9/10".to_owned())))
    );
    assert_eq!(
        range(&client, "bytes=8-").await,
        Ok(("89".to_owned(), Some("bytes 8-9/10".to_owned())))
    );
    assert_eq!(
        range(&client, "bytes=50-60").await,
        Err("InvalidRange".to_owned())
    );
}

#[tokio::test]
async fn a_write_can_depend_on_what_is_there() {
    let (_, client) = fresh(PLAIN);
    let write = || {
        client
            .put_object()
            .bucket("files")
            .key("once")
            .body(ByteStream::from_static(b"1"))
    };
    assert_eq!(code(write().if_match("\"00\"").send().await), "NoSuchKey");
    let etag = write().if_none_match("*").send().await.unwrap().e_tag.unwrap();
    assert_eq!(
        code(write().if_none_match("*").send().await),
        "PreconditionFailed"
    );
    assert_eq!(
        code(write().if_match("\"00\"").send().await),
        "PreconditionFailed"
    );
    write().if_match(etag).send().await.unwrap();
}

#[tokio::test]
async fn a_read_can_depend_on_the_entity_tag() {
    let (_, client) = fresh(PLAIN);
    put(&client, "a", "1").await;
    let read = || client.get_object().bucket("files").key("a");
    let etag = client
        .head_object()
        .bucket("files")
        .key("a")
        .send()
        .await
        .unwrap()
        .e_tag
        .unwrap();
    assert_eq!(code(read().if_none_match(&etag).send().await), "304");
    assert_eq!(code(read().if_match("\"xx\"").send().await), "PreconditionFailed");
    read().if_match(&etag).send().await.unwrap();
    read().if_none_match("\"xx\"").send().await.unwrap();
}

#[tokio::test]
async fn a_copy_keeps_metadata_and_tags_unless_told_to_replace_them() {
    let (_, client) = fresh(PLAIN);
    let sent = client
        .put_object()
        .bucket("files")
        .key("é x")
        .body(ByteStream::from_static(b"1"));
    sent.content_type("text/plain")
        .metadata("k", "v")
        .tagging("t=1")
        .send()
        .await
        .unwrap();
    let copy = || {
        client
            .copy_object()
            .bucket("files")
            .copy_source("files/%C3%A9%20x")
    };
    copy().key("same").send().await.unwrap();
    let same = client
        .head_object()
        .bucket("files")
        .key("same")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (same.content_type(), same.metadata().unwrap()["k"].as_str()),
        (Some("text/plain"), "v")
    );
    let tags = client
        .get_object_tagging()
        .bucket("files")
        .key("same")
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tag_set()[0].key(), "t");
    let replaced = copy().key("other").metadata_directive(MetadataDirective::Replace);
    replaced
        .content_type("text/x")
        .metadata("n", "1")
        .send()
        .await
        .unwrap();
    let other = client
        .head_object()
        .bucket("files")
        .key("other")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (other.content_type(), other.metadata().unwrap().len()),
        (Some("text/x"), 1)
    );
    assert_eq!(get(&client, "other").await.unwrap(), "1");
    assert_eq!(code(copy().key("é x").send().await), "InvalidRequest");
    let missing = client
        .copy_object()
        .bucket("files")
        .key("x")
        .copy_source("files/none")
        .send()
        .await;
    assert_eq!(code(missing), "NoSuchKey");
}

#[tokio::test]
async fn tags_are_kept_replaced_and_removed() {
    let (_, client) = fresh(PLAIN);
    let sent = client
        .put_object()
        .bucket("files")
        .key("a")
        .body(ByteStream::from_static(b""));
    sent.tagging("tenant=t1&k=a%20b").send().await.unwrap();
    let tags = || client.get_object_tagging().bucket("files").key("a").send();
    let found = tags().await.unwrap();
    assert_eq!(
        found.tag_set().iter().map(Tag::value).collect::<Vec<_>>(),
        ["a b", "t1"]
    );
    let tag = Tag::builder().key("x").value("y").build().unwrap();
    let set = Tagging::builder().tag_set(tag.clone()).build().unwrap();
    client
        .put_object_tagging()
        .bucket("files")
        .key("a")
        .tagging(set)
        .send()
        .await
        .unwrap();
    assert_eq!(tags().await.unwrap().tag_set(), [tag]);
    client
        .delete_object_tagging()
        .bucket("files")
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(tags().await.unwrap().tag_set().is_empty());
}

#[tokio::test]
async fn keys_are_text_and_never_become_paths() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    store.create_bucket("files", PLAIN).unwrap();
    let client = client(&store);
    let keys = ["x/../../evil", "a", "a/b", "a//b", "a/", "日本 ?#%2F&+"];
    for key in keys {
        put(&client, key, key).await;
    }
    for key in keys {
        assert_eq!(get(&client, key).await.as_deref(), Ok(key));
    }
    let outside: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(outside.len(), 1);
}

#[tokio::test]
async fn a_large_object_survives_the_round_trip() {
    let (_, client) = fresh(PLAIN);
    let body: Vec<u8> = (0..8_000_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    client
        .put_object()
        .bucket("files")
        .key("big")
        .body(body.clone().into())
        .send()
        .await
        .unwrap();
    let got = client
        .get_object()
        .bucket("files")
        .key("big")
        .send()
        .await
        .unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == body);
}
