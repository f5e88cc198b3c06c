use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use local_s3::Store;

use crate::client::{ACCESS_KEY, PLAIN, SECRET, client_with, code, fresh, get, put, raw};

#[expect(
    clippy::disallowed_methods,
    reason = "signatures expire in real time, whatever the store's clock says"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

fn request(signed: &PresignedRequest, uri: &str, body: &'static str) -> Request<Bytes> {
    let mut request = Request::builder().method(signed.method()).uri(uri);
    for (name, value) in signed.headers() {
        request = request.header(name, value);
    }
    request.body(Bytes::from_static(body.as_bytes())).unwrap()
}

async fn follow(store: &Store, signed: &PresignedRequest, body: &'static str) -> Response<Bytes> {
    raw(store, request(signed, signed.uri(), body)).await
}

#[tokio::test]
async fn requests_without_a_valid_signature_are_forbidden() {
    let (store, client) = fresh(PLAIN);
    put(&client, "a", "1").await;
    for uri in [
        "http://s3.local.test/",
        "http://s3.local.test/files",
        "http://s3.local.test/files/a",
    ] {
        let anonymous = raw(&store, Request::builder().uri(uri).body(Bytes::new()).unwrap()).await;
        assert_eq!(anonymous.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(
        get(&client_with(&store, ACCESS_KEY, "wrong"), "a").await,
        Err("SignatureDoesNotMatch".to_owned())
    );
    assert_eq!(
        get(&client_with(&store, "NOBODY", SECRET), "a").await,
        Err("InvalidAccessKeyId".to_owned())
    );
}

#[tokio::test]
async fn a_presigned_read_can_set_the_headers_of_the_answer() {
    let (store, client) = fresh(PLAIN);
    put(&client, "a", "data").await;
    let disposition = "attachment; filename=\"inv 1.pdf\"";
    let read = client
        .get_object()
        .bucket("files")
        .key("a")
        .response_content_disposition(disposition);
    let signed = read
        .response_content_type("application/x-test")
        .presigned(minute())
        .await
        .unwrap();
    let got = follow(&store, &signed, "").await;
    assert_eq!(
        (got.status(), got.body().as_ref()),
        (StatusCode::OK, b"data".as_slice())
    );
    assert_eq!(got.headers()["content-disposition"], disposition);
    assert_eq!(got.headers()["content-type"], "application/x-test");
}

#[tokio::test]
async fn a_presigned_read_that_was_changed_or_is_too_old_is_forbidden() {
    let (store, client) = fresh(PLAIN);
    put(&client, "a", "data").await;
    put(&client, "b", "other").await;
    let signed = client
        .get_object()
        .bucket("files")
        .key("a")
        .presigned(minute())
        .await
        .unwrap();
    let moved = signed.uri().replace("/files/a?", "/files/b?");
    assert_eq!(
        raw(&store, request(&signed, &moved, "")).await.status(),
        StatusCode::FORBIDDEN
    );
    let longer = signed.uri().replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    assert_eq!(
        raw(&store, request(&signed, &longer, "")).await.status(),
        StatusCode::FORBIDDEN
    );
    let mut extra = request(&signed, signed.uri(), "");
    extra.headers_mut().insert(
        "x-amz-server-side-encryption-customer-algorithm",
        "AES256".parse().unwrap(),
    );
    assert_eq!(raw(&store, extra).await.status(), StatusCode::FORBIDDEN);
    let old = PresigningConfig::builder().start_time(now() - Duration::from_secs(61));
    let old = old.expires_in(Duration::from_secs(60)).build().unwrap();
    let signed = client
        .get_object()
        .bucket("files")
        .key("a")
        .presigned(old)
        .await
        .unwrap();
    assert_eq!(follow(&store, &signed, "").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_presigned_write_fixes_the_content_type() {
    let (store, client) = fresh(PLAIN);
    let write = client
        .put_object()
        .bucket("files")
        .key("a")
        .content_type("image/png");
    let signed = write.presigned(minute()).await.unwrap();
    let mut wrong = request(&signed, signed.uri(), "PNG");
    wrong
        .headers_mut()
        .insert("content-type", "text/html".parse().unwrap());
    assert_eq!(raw(&store, wrong).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(get(&client, "a").await, Err("NoSuchKey".to_owned()));
    assert_eq!(follow(&store, &signed, "PNG").await.status(), StatusCode::OK);
    let head = client
        .head_object()
        .bucket("files")
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type(), Some("image/png"));
}

#[tokio::test]
async fn a_part_can_be_uploaded_through_a_presigned_url() {
    let (store, client) = fresh(PLAIN);
    let begun = client
        .create_multipart_upload()
        .bucket("files")
        .key("m")
        .send()
        .await
        .unwrap();
    let part = client.upload_part().bucket("files").key("m").part_number(1);
    let part = part
        .upload_id(begun.upload_id().unwrap())
        .presigned(minute())
        .await
        .unwrap();
    let sent = follow(&store, &part, "one").await;
    assert_eq!(
        (sent.status(), sent.headers().contains_key("etag")),
        (StatusCode::OK, true)
    );
}

#[tokio::test]
async fn the_signature_scheme_of_old_is_refused() {
    let (store, _) = fresh(PLAIN);
    let old = Request::builder()
        .uri("http://s3.local.test/files")
        .header("authorization", "AWS AKIDLOCAL:c2ln");
    let refused = raw(&store, old.body(Bytes::new()).unwrap()).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(refused.body()).contains("AWS4-HMAC-SHA256"));
}

/// A POST form with a signed policy that allows keys under `up/`, text files and up to ten bytes.
fn form(fields: &[(&str, &str)], secret: &str, content: &str) -> Request<Bytes> {
    let time = jiff::Timestamp::try_from(now()).unwrap();
    let date = time.strftime("%Y%m%d").to_string();
    let amz_date = time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let scope = format!("{date}/us-east-1/s3/aws4_request");
    let credential = format!("{ACCESS_KEY}/{scope}");
    let policy = format!(
        r#"{{"expiration":"{}","conditions":[{{"bucket":"files"}},["starts-with","$key","up/"],
        {{"Content-Type":"text/plain"}},["content-length-range",1,10],{{"x-amz-date":"{amz_date}"}},
        {{"x-amz-credential":"{credential}"}},{{"x-amz-algorithm":"AWS4-HMAC-SHA256"}}]}}"#,
        (time + Duration::from_secs(60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    let policy = BASE64.encode(policy);
    let sign = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
            .as_ref()
            .to_vec()
    };
    let mut key = format!("AWS4{secret}").into_bytes();
    for step in [date.as_str(), "us-east-1", "s3", "aws4_request", policy.as_str()] {
        key = sign(&key, step);
    }
    let signature = hex::encode(key);
    let signed = [
        ("x-amz-date", amz_date.as_str()),
        ("x-amz-credential", &credential),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("policy", &policy),
        ("x-amz-signature", &signature),
    ];
    let mut body = String::new();
    for (name, value) in fields.iter().chain(&signed) {
        body.push_str(&format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n");
    body.push_str(&format!("Content-Type: text/plain\r\n\r\n{content}\r\n--B--\r\n"));
    let request = Request::builder()
        .method("POST")
        .uri("http://s3.local.test/files");
    request
        .header("content-type", "multipart/form-data; boundary=B")
        .body(Bytes::from(body))
        .unwrap()
}

#[tokio::test]
async fn a_browser_form_uploads_what_its_policy_allows_and_nothing_else() {
    let (store, client) = fresh(PLAIN);
    let good = [("key", "up/${filename}"), ("Content-Type", "text/plain")];
    let sent = raw(&store, form(&good, SECRET, "hi")).await;
    assert_eq!(sent.status(), StatusCode::NO_CONTENT, "{:?}", sent.body());
    assert_eq!(get(&client, "up/f.txt").await.unwrap(), "hi");
    let elsewhere = [("key", "other"), ("Content-Type", "text/plain")];
    let retyped = [("key", "up/a"), ("Content-Type", "text/html")];
    let extra = [
        ("key", "up/a"),
        ("Content-Type", "text/plain"),
        ("x-amz-meta-a", "b"),
    ];
    for (fields, secret, content) in [
        (good.as_slice(), SECRET, "longer than ten bytes"),
        (good.as_slice(), "wrong", "hi"),
        (elsewhere.as_slice(), SECRET, "hi"),
        (retyped.as_slice(), SECRET, "hi"),
        (extra.as_slice(), SECRET, "hi"),
    ] {
        let refused = raw(&store, form(fields, secret, content)).await;
        assert!(refused.status().is_client_error(), "{fields:?}");
    }
    assert_eq!(
        code(client.head_object().bucket("files").key("up/a").send().await),
        "NotFound"
    );
}
