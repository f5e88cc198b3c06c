use aws_sdk_s3::Client;

use crate::client::{PLAIN, VERSIONED, code, fresh, put};

async fn keys(client: &Client, prefix: &str, delimiter: Option<&str>, page: i32) -> Vec<String> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let list = client
            .list_objects_v2()
            .bucket("files")
            .prefix(prefix)
            .max_keys(page);
        let list = list
            .set_delimiter(delimiter.map(str::to_owned))
            .set_continuation_token(token);
        let listed = list.send().await.unwrap();
        let mut here: Vec<String> = listed
            .contents()
            .iter()
            .filter_map(|o| o.key().map(str::to_owned))
            .collect();
        here.extend(
            listed
                .common_prefixes()
                .iter()
                .filter_map(|p| p.prefix().map(str::to_owned)),
        );
        assert!(here.len() <= page as usize);
        assert_eq!(listed.key_count(), Some(here.len() as i32));
        here.sort();
        found.extend(here);
        token = listed.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_list_is_sorted_whole_and_free_of_repeats_whatever_the_page_size() {
    let (_, client) = fresh(VERSIONED);
    for i in 0..15 {
        put(&client, &format!("l/{}/{i:02}", i % 3), "").await;
    }
    put(&client, "l/0/00", "again").await;
    put(&client, "m", "").await;
    client
        .delete_object()
        .bucket("files")
        .key("l/1/04")
        .send()
        .await
        .unwrap();
    let mut expected: Vec<String> = (0..15).map(|i| format!("l/{}/{i:02}", i % 3)).collect();
    expected.retain(|key| key != "l/1/04");
    expected.sort();
    for page in [1, 4, 1000] {
        assert_eq!(keys(&client, "l/", None, page).await, expected);
        assert_eq!(
            keys(&client, "l/", Some("/"), page).await,
            ["l/0/", "l/1/", "l/2/"]
        );
        assert_eq!(keys(&client, "", Some("/"), page).await, ["l/", "m"]);
    }
    let after = client
        .list_objects_v2()
        .bucket("files")
        .prefix("l/")
        .start_after("l/2/05")
        .send()
        .await
        .unwrap();
    let after: Vec<_> = after
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(after, ["l/2/08", "l/2/11", "l/2/14"]);
    let none = client
        .list_objects_v2()
        .bucket("files")
        .max_keys(0)
        .send()
        .await
        .unwrap();
    assert_eq!((none.key_count(), none.is_truncated()), (Some(0), Some(false)));
    let bad = client
        .list_objects_v2()
        .bucket("files")
        .continuation_token("?")
        .send()
        .await;
    assert_eq!(code(bad), "InvalidArgument");
}

#[tokio::test]
async fn keys_can_be_listed_in_url_encoding() {
    let (_, client) = fresh(PLAIN);
    put(&client, "a b+%é/\u{1}", "").await;
    let listed = client
        .list_objects_v2()
        .bucket("files")
        .encoding_type("url".into())
        .send()
        .await
        .unwrap();
    assert_eq!(listed.contents()[0].key(), Some("a%20b%2B%25%C3%A9/%01"));
}

#[tokio::test]
async fn the_first_kind_of_list_pages_by_marker() {
    let (_, client) = fresh(PLAIN);
    for key in ["a", "b", "c"] {
        put(&client, key, "").await;
    }
    let first = client
        .list_objects()
        .bucket("files")
        .max_keys(2)
        .send()
        .await
        .unwrap();
    assert_eq!((first.contents().len(), first.is_truncated()), (2, Some(true)));
    let marker = first.next_marker().unwrap();
    let second = client
        .list_objects()
        .bucket("files")
        .marker(marker)
        .send()
        .await
        .unwrap();
    assert_eq!(second.contents()[0].key(), Some("c"));
}

/// Every version and marker as `key/latest/marker`, read in pages; optionally deleting each page once it is read.
async fn versions(client: &Client, prefix: &str, page: i32, purge: bool) -> Vec<(String, bool, bool)> {
    let mut found = Vec::new();
    let (mut key, mut id) = (None, None);
    loop {
        let list = client
            .list_object_versions()
            .bucket("files")
            .prefix(prefix)
            .max_keys(page);
        let listed = list
            .set_key_marker(key)
            .set_version_id_marker(id)
            .send()
            .await
            .unwrap();
        let mut here = Vec::new();
        for v in listed.versions() {
            here.push((
                v.key().unwrap(),
                v.version_id().unwrap(),
                v.is_latest().unwrap(),
                false,
            ));
        }
        for m in listed.delete_markers() {
            here.push((
                m.key().unwrap(),
                m.version_id().unwrap(),
                m.is_latest().unwrap(),
                true,
            ));
        }
        assert!(here.len() <= page as usize);
        here.sort_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        for (key, id, latest, marker) in here {
            if purge {
                client
                    .delete_object()
                    .bucket("files")
                    .key(key)
                    .version_id(id)
                    .send()
                    .await
                    .unwrap();
            }
            found.push((key.to_owned(), latest, marker));
        }
        if listed.is_truncated() != Some(true) {
            return found;
        }
        key = listed.next_key_marker().map(str::to_owned);
        id = listed.next_version_id_marker().map(str::to_owned);
    }
}

#[tokio::test]
async fn a_list_of_versions_spans_pages_from_newest_to_oldest_within_a_key() {
    let (_, client) = fresh(VERSIONED);
    for key in ["a", "a", "a", "b", "c", "c"] {
        put(&client, key, "x").await;
    }
    client
        .delete_object()
        .bucket("files")
        .key("b")
        .send()
        .await
        .unwrap();
    let entry = |key: &str, latest, marker| (key.to_owned(), latest, marker);
    let expected = vec![
        entry("a", true, false),
        entry("a", false, false),
        entry("a", false, false),
        entry("b", true, true),
        entry("b", false, false),
        entry("c", true, false),
        entry("c", false, false),
    ];
    for page in [1, 2, 4, 1000] {
        assert_eq!(
            versions(&client, "", page, false).await,
            expected,
            "pages of {page}"
        );
    }
    assert_eq!(versions(&client, "c", 1, false).await.len(), 2);
    let lone = client
        .list_object_versions()
        .bucket("files")
        .version_id_marker("null")
        .send()
        .await;
    assert_eq!(code(lone), "InvalidArgument");
}

#[tokio::test]
async fn deleting_each_page_of_versions_before_reading_the_next_misses_none() {
    let (_, client) = fresh(VERSIONED);
    for i in 0..10 {
        put(&client, if i % 2 == 0 { "a" } else { "b" }, "x").await;
    }
    assert_eq!(versions(&client, "", 3, true).await.len(), 10);
    assert!(versions(&client, "", 1000, false).await.is_empty());
}

#[tokio::test]
async fn versions_are_grouped_by_delimiter_too() {
    let (_, client) = fresh(VERSIONED);
    for key in ["d/1", "d/1", "d/2", "e", "f/1"] {
        put(&client, key, "x").await;
    }
    let first = client
        .list_object_versions()
        .bucket("files")
        .delimiter("/")
        .max_keys(1)
        .send()
        .await
        .unwrap();
    assert_eq!(first.common_prefixes()[0].prefix(), Some("d/"));
    let rest = client.list_object_versions().bucket("files").delimiter("/");
    let rest = rest
        .key_marker(first.next_key_marker().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(rest.versions()[0].key(), Some("e"));
    assert_eq!(rest.common_prefixes()[0].prefix(), Some("f/"));
}
