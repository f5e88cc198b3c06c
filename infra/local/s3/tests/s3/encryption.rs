use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::types::{
    ChecksumMode, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use local_s3::Store;
use s3s::crypto::{Checksum as _, Md5};

use crate::client::{PLAIN, VERSIONED, at_rest, client, code, fresh, get, put};

/// A customer's key: the key itself and its MD5, both in base64.
fn key(byte: u8) -> (String, String) {
    (
        BASE64.encode([byte; 32]),
        BASE64.encode(Md5::checksum(&[byte; 32])),
    )
}

fn seal(client: &Client, name: &str, byte: u8, body: &[u8]) -> PutObjectFluentBuilder {
    let (key, md5) = key(byte);
    let sent = client
        .put_object()
        .bucket("files")
        .key(name)
        .body(body.to_vec().into());
    sent.sse_customer_algorithm("AES256")
        .sse_customer_key(key)
        .sse_customer_key_md5(md5)
}

fn open(client: &Client, name: &str, byte: u8) -> GetObjectFluentBuilder {
    let (key, md5) = key(byte);
    let read = client.get_object().bucket("files").key(name);
    read.sse_customer_algorithm("AES256")
        .sse_customer_key(key)
        .sse_customer_key_md5(md5)
}

async fn text(read: GetObjectFluentBuilder) -> String {
    String::from_utf8(read.send().await.unwrap().body.collect().await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn an_object_under_a_customers_key_opens_only_with_that_key() {
    let (_, client) = fresh(PLAIN);
    let sent = seal(&client, "a", 1, b"canary-plaintext").send().await.unwrap();
    assert_eq!(sent.sse_customer_algorithm(), Some("AES256"));
    assert_eq!(sent.sse_customer_key_md5(), Some(key(1).1.as_str()));
    assert_eq!(text(open(&client, "a", 1)).await, "canary-plaintext");
    assert_eq!(text(open(&client, "a", 1).range("bytes=7-11")).await, "plain");
    assert_eq!(code(open(&client, "a", 2).send().await), "AccessDenied");
    assert_eq!(get(&client, "a").await, Err("InvalidRequest".to_owned()));
    let head = || {
        client
            .head_object()
            .bucket("files")
            .key("a")
            .sse_customer_algorithm("AES256")
    };
    let right = head()
        .sse_customer_key(key(1).0)
        .sse_customer_key_md5(key(1).1)
        .send()
        .await
        .unwrap();
    assert_eq!(right.content_length(), Some(16));
    let wrong = head()
        .sse_customer_key(key(2).0)
        .sse_customer_key_md5(key(2).1)
        .send()
        .await;
    assert_eq!(wrong.unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    let none = client.head_object().bucket("files").key("a").send().await;
    assert_eq!(none.unwrap_err().raw_response().unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn neither_content_nor_key_nor_checksum_of_a_sealed_object_is_at_rest() {
    let dir = tempfile::tempdir().unwrap();
    for store in [Store::in_memory().unwrap(), Store::open(dir.path()).unwrap()] {
        store.create_bucket("files", VERSIONED).unwrap();
        let client = client(&store);
        let mut body = b"canary-plaintext".to_vec();
        body.resize(300_000, b'x');
        let sent = seal(&client, "a", 1, &body).send().await.unwrap();
        let read = open(&client, "a", 1)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .unwrap();
        let checksum = read.checksum_crc32().unwrap().to_owned();
        assert_eq!(sent.checksum_crc32(), Some(checksum.as_str()));
        assert!(read.body.collect().await.unwrap().to_vec() == body);
        put(&client, "plain", "canary-in-the-clear").await;
        assert!(at_rest(&store, "canary-in-the-clear"));
        let md5 = hex::encode(Md5::checksum(&body));
        let key_hex = hex::encode([1; 32]);
        let key_bytes = String::from_utf8(vec![1; 32]).unwrap();
        let traces = [
            "canary-plaintext",
            "xxxxxxxx",
            &checksum,
            &md5,
            &key(1).0,
            &key(1).1,
            &key_hex,
            &key_bytes,
        ];
        for trace in traces {
            assert!(!at_rest(&store, trace), "{trace:?} is at rest");
        }
    }
}

#[tokio::test]
async fn incomplete_or_wrong_key_headers_are_refused() {
    let (_, client) = fresh(PLAIN);
    let write = || {
        client
            .put_object()
            .bucket("files")
            .key("a")
            .body(b"x".to_vec().into())
    };
    let (good, md5) = key(1);
    let cases = [
        write()
            .sse_customer_algorithm("AES256")
            .sse_customer_key(&good)
            .sse_customer_key_md5(key(2).1),
        write()
            .sse_customer_algorithm("AES256")
            .sse_customer_key("c2hvcnQ=")
            .sse_customer_key_md5(&md5),
        write().sse_customer_key(&good).sse_customer_key_md5(&md5),
        seal(&client, "a", 1, b"x").server_side_encryption(ServerSideEncryption::Aes256),
    ];
    for case in cases {
        assert_eq!(code(case.send().await), "InvalidArgument");
    }
    let algorithm = write()
        .sse_customer_algorithm("AES512")
        .sse_customer_key(&good)
        .sse_customer_key_md5(&md5);
    assert_eq!(code(algorithm.send().await), "InvalidEncryptionAlgorithmError");
    put(&client, "a", "x").await;
    assert_eq!(code(open(&client, "a", 1).send().await), "InvalidRequest");
}

#[tokio::test]
async fn a_copy_can_change_the_key_and_take_it_off() {
    let (store, client) = fresh(PLAIN);
    seal(&client, "a", 1, b"canary-plaintext").send().await.unwrap();
    let copy = |name: &str| {
        let copy = client
            .copy_object()
            .bucket("files")
            .key(name)
            .copy_source("files/a");
        copy.copy_source_sse_customer_algorithm("AES256")
            .copy_source_sse_customer_key(key(1).0)
    };
    let with_key = copy("b")
        .copy_source_sse_customer_key_md5(key(1).1)
        .sse_customer_algorithm("AES256");
    with_key
        .sse_customer_key(key(2).0)
        .sse_customer_key_md5(key(2).1)
        .send()
        .await
        .unwrap();
    assert_eq!(text(open(&client, "b", 2)).await, "canary-plaintext");
    assert!(!at_rest(&store, "canary-plaintext"));
    copy("c")
        .copy_source_sse_customer_key_md5(key(1).1)
        .send()
        .await
        .unwrap();
    assert_eq!(get(&client, "c").await.unwrap(), "canary-plaintext");
    let without = client
        .copy_object()
        .bucket("files")
        .key("d")
        .copy_source("files/a")
        .send()
        .await;
    assert_eq!(code(without), "InvalidRequest");
}

#[tokio::test]
async fn a_multipart_upload_is_sealed_part_by_part() {
    let (store, client) = fresh(PLAIN);
    let (k, md5) = key(1);
    let begun = client
        .create_multipart_upload()
        .bucket("files")
        .key("m")
        .sse_customer_algorithm("AES256");
    let begun = begun
        .sse_customer_key(&k)
        .sse_customer_key_md5(&md5)
        .send()
        .await
        .unwrap();
    let upload = begun.upload_id().unwrap();
    let send = |number: i32, body: Vec<u8>| {
        client
            .upload_part()
            .bucket("files")
            .key("m")
            .upload_id(upload)
            .part_number(number)
            .body(body.into())
    };
    assert_eq!(code(send(1, b"x".to_vec()).send().await), "InvalidRequest");
    let mut parts = Vec::new();
    for (number, body) in [(1, vec![b'y'; 5 * 1024 * 1024]), (2, b"canary-tail".to_vec())] {
        let sent = send(number, body).sse_customer_algorithm("AES256");
        let sent = sent
            .sse_customer_key(&k)
            .sse_customer_key_md5(&md5)
            .send()
            .await
            .unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(sent.e_tag().unwrap())
                .build(),
        );
    }
    let done = client
        .complete_multipart_upload()
        .bucket("files")
        .key("m")
        .upload_id(upload);
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    done.multipart_upload(parts).send().await.unwrap();
    assert!(!at_rest(&store, "canary-tail") && !at_rest(&store, "yyyyyyyy"));
    assert_eq!(
        text(open(&client, "m", 1).range("bytes=5242879-")).await,
        "ycanary-tail"
    );
    assert_eq!(get(&client, "m").await, Err("InvalidRequest".to_owned()));
}

#[tokio::test]
async fn encryption_by_the_server_is_echoed_and_follows_the_bucket() {
    let (_, client) = fresh(PLAIN);
    let arn = "arn:aws:kms:us-east-1:000000000000:key/1";
    let sent = client
        .put_object()
        .bucket("files")
        .key("k")
        .body(b"x".to_vec().into());
    let sent = sent
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id(arn)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    let head = client
        .head_object()
        .bucket("files")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(head.ssekms_key_id(), Some(arn));
    put(&client, "a", "x").await;
    let head = client
        .head_object()
        .bucket("files")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
    let default = default.kms_master_key_id("k1").build().unwrap();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .build();
    let wanted = ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .unwrap();
    let set = client.put_bucket_encryption().bucket("files");
    set.server_side_encryption_configuration(wanted.clone())
        .send()
        .await
        .unwrap();
    let kept = client
        .get_bucket_encryption()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.server_side_encryption_configuration(), Some(&wanted));
    put(&client, "b", "x").await;
    let head = client
        .head_object()
        .bucket("files")
        .key("b")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.ssekms_key_id(), head.server_side_encryption()),
        (Some("k1"), Some(&ServerSideEncryption::AwsKms))
    );
}
