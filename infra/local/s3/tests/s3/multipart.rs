use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};

use crate::client::{PLAIN, VERSIONED, at_rest, code, fresh, get, put};

const MIB: usize = 1024 * 1024;

async fn begin(client: &Client, key: &str) -> String {
    client
        .create_multipart_upload()
        .bucket("files")
        .key(key)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap()
}

async fn part(client: &Client, key: &str, upload: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let sent = client
        .upload_part()
        .bucket("files")
        .key(key)
        .upload_id(upload)
        .part_number(number);
    let sent = sent.body(body.into()).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .e_tag(sent.e_tag().unwrap())
        .build()
}

fn list(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts.to_vec()))
        .build()
}

#[tokio::test]
async fn parts_become_one_object_with_the_headers_of_its_beginning() {
    let (_, client) = fresh(VERSIONED);
    let begun = client
        .create_multipart_upload()
        .bucket("files")
        .key("m")
        .content_type("video/mp4");
    let upload = begun.metadata("x", "y").send().await.unwrap().upload_id.unwrap();
    let parts = [
        part(&client, "m", &upload, 1, vec![1; 5 * MIB]).await,
        part(&client, "m", &upload, 2, vec![2; 100]).await,
    ];
    let listed = client
        .list_parts()
        .bucket("files")
        .key("m")
        .upload_id(&upload)
        .max_parts(1)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (listed.parts().len(), listed.next_part_number_marker()),
        (1, Some("1"))
    );
    let done = client
        .complete_multipart_upload()
        .bucket("files")
        .key("m")
        .upload_id(&upload);
    let done = done.multipart_upload(list(&parts)).send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\"") && done.version_id().is_some());
    let head = client
        .head_object()
        .bucket("files")
        .key("m")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(5 * MIB as i64 + 100));
    assert_eq!(
        (head.content_type(), head.metadata().unwrap()["x"].as_str()),
        (Some("video/mp4"), "y")
    );
    let across = client
        .get_object()
        .bucket("files")
        .key("m")
        .range("bytes=5242879-5242881")
        .send()
        .await
        .unwrap();
    assert_eq!(across.body.collect().await.unwrap().to_vec(), [1, 2, 2]);
    let second = client
        .get_object()
        .bucket("files")
        .key("m")
        .part_number(2)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (second.parts_count(), second.content_length()),
        (Some(2), Some(100))
    );
    let gone = client
        .list_parts()
        .bucket("files")
        .key("m")
        .upload_id(&upload)
        .send()
        .await;
    assert_eq!(code(gone), "NoSuchUpload");
}

#[tokio::test]
async fn part_checksums_are_combined_and_verified() {
    let (_, client) = fresh(PLAIN);
    for kind in [ChecksumType::Composite, ChecksumType::FullObject] {
        let begun = client.create_multipart_upload().bucket("files").key("m");
        let begun = begun
            .checksum_algorithm(ChecksumAlgorithm::Crc32C)
            .checksum_type(kind.clone());
        let upload = begun.send().await.unwrap().upload_id.unwrap();
        let sent = client
            .upload_part()
            .bucket("files")
            .key("m")
            .upload_id(&upload)
            .part_number(1);
        let sent = sent
            .checksum_algorithm(ChecksumAlgorithm::Crc32C)
            .body(b"123456789".to_vec().into());
        let sent = sent.send().await.unwrap();
        assert_eq!(sent.checksum_crc32_c(), Some("4waSgw=="));
        let done = || {
            client
                .complete_multipart_upload()
                .bucket("files")
                .key("m")
                .upload_id(&upload)
        };
        let one = CompletedPart::builder()
            .part_number(1)
            .e_tag(sent.e_tag().unwrap());
        let wrong = list(&[one.clone().checksum_crc32_c("AAAAAA==").build()]);
        assert_eq!(code(done().multipart_upload(wrong).send().await), "InvalidPart");
        let right = list(&[one.checksum_crc32_c("4waSgw==").build()]);
        done().multipart_upload(right).send().await.unwrap();
        let head = client
            .head_object()
            .bucket("files")
            .key("m")
            .checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        assert_eq!(head.checksum_type(), Some(&kind));
        let value = head.checksum_crc32_c().unwrap();
        if kind == ChecksumType::FullObject {
            assert_eq!(value, "4waSgw==");
        } else {
            assert!(value.ends_with("-1"));
        }
    }
}

#[tokio::test]
async fn uploads_that_break_the_rules_are_refused_and_can_still_be_aborted() {
    let (store, client) = fresh(PLAIN);
    let upload = begin(&client, "m").await;
    let parts = [
        part(&client, "m", &upload, 1, b"canary".to_vec()).await,
        part(&client, "m", &upload, 2, b"small".to_vec()).await,
    ];
    let complete = |parts: &[CompletedPart]| {
        let done = client
            .complete_multipart_upload()
            .bucket("files")
            .key("m")
            .upload_id(&upload);
        done.multipart_upload(list(parts)).send()
    };
    assert_eq!(code(complete(&parts).await), "EntityTooSmall");
    let reversed = [parts[1].clone(), parts[0].clone()];
    assert_eq!(code(complete(&reversed).await), "InvalidPartOrder");
    let unknown = CompletedPart::builder().part_number(3).e_tag("\"00\"").build();
    assert_eq!(code(complete(&[unknown]).await), "InvalidPart");
    let listed = client
        .list_multipart_uploads()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.uploads()[0].upload_id(), Some(upload.as_str()));
    assert!(at_rest(&store, "canary"));
    client
        .abort_multipart_upload()
        .bucket("files")
        .key("m")
        .upload_id(&upload)
        .send()
        .await
        .unwrap();
    assert!(!at_rest(&store, "canary"));
    let gone = client
        .list_parts()
        .bucket("files")
        .key("m")
        .upload_id(&upload)
        .send()
        .await;
    assert_eq!(code(gone), "NoSuchUpload");
    assert_eq!(get(&client, "m").await, Err("NoSuchKey".to_owned()));
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first_and_unused_parts_are_dropped() {
    let (store, client) = fresh(PLAIN);
    let upload = begin(&client, "m").await;
    part(&client, "m", &upload, 1, b"canary-first".to_vec()).await;
    let kept = part(&client, "m", &upload, 1, b"kept".to_vec()).await;
    assert!(!at_rest(&store, "canary-first"));
    part(&client, "m", &upload, 2, b"canary-unused".to_vec()).await;
    let done = client
        .complete_multipart_upload()
        .bucket("files")
        .key("m")
        .upload_id(&upload);
    done.multipart_upload(list(&[kept])).send().await.unwrap();
    assert!(!at_rest(&store, "canary-unused"));
    assert_eq!(get(&client, "m").await.unwrap(), "kept");
}

#[tokio::test]
async fn a_part_can_be_copied_from_a_range_of_another_object() {
    let (_, client) = fresh(PLAIN);
    put(&client, "source", "0123456789").await;
    let upload = begin(&client, "m").await;
    let copied = client
        .upload_part_copy()
        .bucket("files")
        .key("m")
        .upload_id(&upload)
        .part_number(1);
    let copied = copied
        .copy_source("files/source")
        .copy_source_range("bytes=3-5")
        .send()
        .await
        .unwrap();
    let etag = copied.copy_part_result().unwrap().e_tag().unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let done = client
        .complete_multipart_upload()
        .bucket("files")
        .key("m")
        .upload_id(&upload);
    done.multipart_upload(list(&[part])).send().await.unwrap();
    assert_eq!(get(&client, "m").await.unwrap(), "345");
}
