//! What S3 and the completion let through: length, type, checksum, key, content, time.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::attachments::{announce, announced, complete, listed, with_record};
use crate::harness::{World, announcement};
use crate::support::{assert_unchanged, together};

/// Sends a signed request with some of its headers changed; `None` leaves one out.
async fn send_changed(
    world: &World,
    signed: &Value,
    changes: &[(&str, Option<&str>)],
    body: &[u8],
) -> http::Response<Bytes> {
    let mut request = Request::builder()
        .method(signed["method"].as_str().unwrap())
        .uri(signed["url"].as_str().unwrap());
    for (name, value) in signed["headers"].as_object().unwrap() {
        match changes.iter().find(|(changed, _)| changed == name) {
            None => request = request.header(name, value.as_str().unwrap()),
            Some((_, Some(value))) => request = request.header(name, *value),
            Some((_, None)) => {}
        }
    }
    world
        .stack
        .aws()
        .call(request.body(Bytes::copy_from_slice(body)).unwrap())
        .await
}

#[tokio::test]
async fn j_01_an_upload_of_another_length_type_checksum_or_key_is_refused_by_s3() {
    let (world, customer, path) = with_record().await;
    let pending = announce(&customer, &path, &announcement("note.txt", "a note\n")).await;
    let upload = &pending["upload"];
    let names: BTreeSet<_> = upload["headers"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for name in [
        "content-length",
        "content-type",
        "x-amz-server-side-encryption-customer-key",
    ] {
        assert!(names.contains(name), "{name} is bound: {names:?}");
    }
    let other_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (what, changes, body) in [
        ("longer", &[("content-length", Some("8"))][..], "a note!\n"),
        ("shorter", &[("content-length", Some("6"))], "a note"),
        ("another type", &[("content-type", Some("text/html"))], "a note\n"),
        ("without type", &[("content-type", None)], "a note\n"),
        ("other bytes", &[], "b note\n"),
        (
            "another encryption key",
            &[("x-amz-server-side-encryption-customer-key", Some(other_key))],
            "a note\n",
        ),
        (
            "without encryption",
            &[
                ("x-amz-server-side-encryption-customer-key", None),
                ("x-amz-server-side-encryption-customer-key-md5", None),
                ("x-amz-server-side-encryption-customer-algorithm", None),
            ],
            "a note\n",
        ),
    ] {
        let reply = send_changed(&world, upload, changes, body.as_bytes()).await;
        assert!(matches!(reply.status().as_u16(), 400 | 403), "{what}: {reply:?}");
        assert_eq!(world.object_versions().await, 0, "{what}");
    }
    for (from, to) in [("PutObject", "GetObject"), ("note", "note")] {
        let mut elsewhere = upload.clone();
        elsewhere["url"] = json!(
            upload["url"]
                .as_str()
                .unwrap()
                .replace(from, to)
                .replace("attachment_", "attachment_0")
        );
        assert_eq!(
            send_changed(&world, &elsewhere, &[], b"a note\n").await.status(),
            403,
            "another object"
        );
    }
    let conflict = complete(&customer, &path, &pending).await;
    assert_eq!(
        conflict.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "j-05: nothing arrived: {conflict:?}"
    );
    assert_eq!(
        customer.send_signed(upload, b"a note\n").await.status,
        200,
        "it still works as it was handed out"
    );
    assert_eq!(complete(&customer, &path, &pending).await.status, 200);
}

#[tokio::test]
async fn j_09_content_that_does_not_match_its_type_is_refused_and_deleted() {
    let (world, customer, path) = with_record().await;
    let before = world.everything().await;
    for (name, content_type, content) in [
        ("x.pdf", "application/pdf", b"PK\x03\x04 a zip".as_slice()),
        ("x.pdf", "application/pdf", b"MZ\x90\0 a program"),
        ("x.pdf", "application/pdf", b"<html><script>alert(1)</script>"),
        ("x.png", "image/png", b"GIF89a/*<script>*/"),
        ("x.jpg", "image/jpeg", b"%PDF-1.7"),
        ("x.txt", "text/plain", b"  <!DOCTYPE html><p>"),
        ("x.txt", "text/plain", b"#!/bin/sh\nrm -rf /\n"),
        ("x.csv", "text/csv", b"\x7fELF"),
        ("x.json", "application/json", b"\0\x01\x02"),
        (
            "x.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            b"%PDF-1.7",
        ),
    ] {
        let pending = announce(&customer, &path, &announced(name, content_type, content)).await;
        assert_eq!(
            customer.send_signed(&pending["upload"], content).await.status,
            200,
            "{name}"
        );
        let reply = complete(&customer, &path, &pending).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![String::new()]),
            "{content:?}: {reply:?}"
        );
        assert_unchanged(&before, &world.everything().await, "content of another type");
        assert_eq!(complete(&customer, &path, &pending).await.problem().0, 404);
    }
    for (name, content_type, content) in [
        ("x.PDF", "application/pdf", b"%PDF-1.7 ...".as_slice()),
        ("x.png", "image/png", b"\x89PNG\r\n\x1a\n..."),
        (
            "x.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            b"PK\x03\x04...",
        ),
        ("x.md", "text/plain", "Grüße\n".as_bytes()),
    ] {
        let pending = announce(&customer, &path, &announced(name, content_type, content)).await;
        assert_eq!(
            customer.send_signed(&pending["upload"], content).await.status,
            200
        );
        assert_eq!(complete(&customer, &path, &pending).await.status, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completing_16_times_at_one_moment_is_completing_once() {
    let (world, customer, path) = with_record().await;
    let pending = announce(&customer, &path, &announcement("note.txt", "a note\n")).await;
    assert_eq!(
        customer.send_signed(&pending["upload"], b"a note\n").await.status,
        200
    );
    let one = format!("{path}/{}/complete", pending["id"].as_str().unwrap());
    world.meet("attachments-complete", "TransactWriteItems", 16);
    let replies = together(16, |_| {
        let (client, one) = (customer.client.clone(), one.clone());
        async move { client.post(&one, &Value::Null).await }
    })
    .await;
    world.stack.clear_fault();
    assert!(replies.iter().any(|reply| reply.status == 200), "{replies:?}");
    assert!(
        replies.iter().all(|reply| matches!(reply.status, 200 | 409)),
        "{replies:?}"
    );
    let added = world
        .of_type("core", "event")
        .await
        .iter()
        .filter(|event| event["action"] == "attachment_added")
        .count();
    assert_eq!((added, listed(&customer, &path).await.len()), (1, 1));
}

#[tokio::test]
async fn j_18_a_download_works_only_with_its_headers_and_for_five_minutes() {
    let (world, customer, path) = with_record().await;
    let record = path.split('/').nth(3).unwrap().to_owned();
    let attachment = customer.attach(&record, "note.txt", "a note\n").await;
    let one = customer.get(&format!("{path}/{attachment}")).await.json();
    let (download, key) = (&one["download"], "x-amz-server-side-encryption-customer-key");
    assert_eq!(download["expires_in"], 300);
    for changes in [
        &[(key, None)][..],
        &[(key, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))],
    ] {
        let reply = send_changed(&world, download, changes, b"").await;
        assert!(
            matches!(reply.status().as_u16(), 400 | 403),
            "a leaked address alone is worth nothing: {reply:?}"
        );
    }
    let mut renamed = download.clone();
    renamed["url"] = json!(
        download["url"]
            .as_str()
            .unwrap()
            .replace("attachment%3B", "inline%3B")
    );
    assert_eq!(
        send_changed(&world, &renamed, &[], b"").await.status(),
        403,
        "nor can it be shown instead of saved"
    );
    let put = Request::builder()
        .method("PUT")
        .uri(download["url"].as_str().unwrap())
        .body(Bytes::from("x"))
        .unwrap();
    assert_eq!(world.stack.aws().call(put).await.status(), 403);
    let bare = Request::builder().uri(download["url"].as_str().unwrap().split('?').next().unwrap());
    assert_eq!(
        world
            .stack
            .aws()
            .call(bare.body(Bytes::new()).unwrap())
            .await
            .status(),
        403
    );
    assert_eq!(customer.send_signed(download, b"").await.status, 200);
}
