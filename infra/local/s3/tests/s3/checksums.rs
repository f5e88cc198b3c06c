use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::client::{PLAIN, at_rest, code, fresh, get};

#[tokio::test]
async fn a_checksum_that_follows_the_body_is_verified_and_kept() {
    let (_, client) = fresh(PLAIN);
    let file = tempfile::NamedTempFile::new().unwrap();
    let body = vec![b'z'; 200_000];
    std::fs::write(file.path(), &body).unwrap();
    // The SDK sends a file as chunks with a trailer.
    let stream = ByteStream::from_path(file.path()).await.unwrap();
    let sent = client.put_object().bucket("files").key("a").body(stream);
    let sent = sent
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .send()
        .await
        .unwrap();
    assert!(sent.checksum_crc32().is_some());
    let got = client
        .get_object()
        .bucket("files")
        .key("a")
        .checksum_mode(ChecksumMode::Enabled);
    let got = got.send().await.unwrap();
    assert_eq!(got.checksum_crc32(), sent.checksum_crc32());
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
}

#[tokio::test]
async fn every_checksum_algorithm_is_kept_and_returned_on_request() {
    let (_, client) = fresh(PLAIN);
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] {
        let sent = client
            .put_object()
            .bucket("files")
            .key(algorithm)
            .body(ByteStream::from_static(b"abc"));
        sent.checksum_algorithm(ChecksumAlgorithm::from(algorithm))
            .send()
            .await
            .unwrap();
        let head = client.head_object().bucket("files").key(algorithm);
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let values = [
            head.checksum_crc32(),
            head.checksum_crc32_c(),
            head.checksum_crc64_nvme(),
            head.checksum_sha1(),
            head.checksum_sha256(),
        ];
        assert_eq!(values.into_iter().flatten().count(), 1, "{algorithm}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_match_its_digest_is_refused_and_not_stored() {
    let (store, client) = fresh(PLAIN);
    let write = || {
        client
            .put_object()
            .bucket("files")
            .key("bad")
            .body(ByteStream::from_static(b"abc-canary"))
    };
    assert_eq!(
        code(write().checksum_sha256(BASE64.encode([7; 32])).send().await),
        "BadDigest"
    );
    assert_eq!(
        code(write().checksum_crc32_c("AAAAAA==").send().await),
        "BadDigest"
    );
    assert_eq!(
        code(write().content_md5(BASE64.encode([7; 16])).send().await),
        "BadDigest"
    );
    assert_eq!(
        code(write().content_md5("no digest").send().await),
        "InvalidDigest"
    );
    assert_eq!(get(&client, "bad").await, Err("NoSuchKey".to_owned()));
    assert!(!at_rest(&store, "abc-canary"));
}
