//! Files and links: what may be attached, what arrives, what comes back, what is left.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::harness::{Customer, Reply, World, announcement};
use crate::records::setting;
use crate::support::{assert_unchanged, together};

async fn with_record() -> (World, Customer, String) {
    let (world, customer) = setting().await;
    let record = customer.asset(json!({ "asset_tag": "LT-1" })).await;
    (world, customer, format!("/v1/records/{record}/attachments"))
}

/// The announcement of a file of any type.
fn announced(name: &str, content_type: &str, content: &[u8]) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    json!({ "name": name, "content_type": content_type, "size": content.len(), "sha256": hex::encode(digest) })
}

async fn announce(customer: &Customer, path: &str, body: &Value) -> Value {
    let reply = customer.post(path, body).await;
    assert_eq!(
        (reply.status, &reply.json()["state"]),
        (201, &json!("pending")),
        "{reply:?}"
    );
    reply.json()
}

async fn complete(customer: &Customer, path: &str, attachment: &Value) -> Reply {
    customer
        .post(
            &format!("{path}/{}/complete", attachment["id"].as_str().unwrap()),
            &Value::Null,
        )
        .await
}

async fn listed(customer: &Customer, path: &str) -> Vec<Value> {
    let reply = customer.get(path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].as_array().unwrap().clone()
}

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
async fn a_file_is_announced_uploaded_completed_listed_downloaded_and_deleted() {
    let (world, customer, path) = with_record().await;
    let content = "Kanarienvogel, a note\n";
    let pending = announce(&customer, &path, &announcement("note.txt", content)).await;
    assert_eq!(
        listed(&customer, &path).await,
        Vec::<Value>::new(),
        "pending is not listed"
    );
    let one = format!("{path}/{}", pending["id"].as_str().unwrap());
    let read = customer.get(&one).await.json();
    assert_eq!(
        (&read["state"], read.get("download"), read.get("upload")),
        (&json!("pending"), None, None)
    );
    assert_eq!(
        customer
            .send_signed(&pending["upload"], content.as_bytes())
            .await
            .status,
        200
    );
    assert_eq!(
        listed(&customer, &path).await,
        Vec::<Value>::new(),
        "uploaded is not completed"
    );
    let done = complete(&customer, &path, &pending).await;
    let mut expected = pending.clone();
    expected["state"] = json!("complete");
    expected.as_object_mut().unwrap().remove("upload");
    assert_eq!((done.status, done.json()), (200, expected.clone()), "{done:?}");
    assert_eq!(
        complete(&customer, &path, &pending).await.json(),
        expected,
        "twice is once"
    );
    assert_eq!(listed(&customer, &path).await, [expected.clone()]);
    let events = customer.get(&path.replace("attachments", "events")).await.json()["data"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(events, 2, "created and attached");

    let mut read = customer.get(&one).await.json();
    let download = read["download"].take();
    read.as_object_mut().unwrap().remove("download");
    assert_eq!(read, expected);
    let file = customer.send_signed(&download, b"").await;
    assert_eq!((file.status, file.body.as_ref()), (200, content.as_bytes()));
    let disposition = file.header("content-disposition").unwrap();
    assert_eq!(
        disposition,
        "attachment; filename=\"note.txt\"; filename*=UTF-8''note.txt"
    );
    assert_eq!(file.header("content-type"), Some("application/octet-stream"));
    for (place, bytes) in world.stack.raw_bytes().unwrap() {
        assert!(
            !bytes.windows(13).any(|window| window == b"Kanarienvogel"),
            "sealed before stored: {place}"
        );
        assert!(
            !bytes.windows(8).any(|window| window == b"note.txt"),
            "the name, too: {place}"
        );
    }

    let reply = customer.delete(&one, &[]).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{reply:?}");
    assert_eq!(world.object_versions().await, 0);
    for gone in [
        customer.get(&one).await,
        customer.delete(&one, &[]).await,
        complete(&customer, &path, &pending).await,
    ] {
        assert_eq!(gone.problem(), (404, "not-found".into(), vec![]));
    }
    assert_eq!(
        customer.send_signed(&download, b"").await.status,
        404,
        "j-20: the link leads nowhere"
    );
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

#[tokio::test]
async fn what_cannot_be_a_file_or_a_link_is_named_and_nothing_is_stored() {
    let (world, customer, path) = with_record().await;
    let before = world.everything().await;
    let file = announcement("note.txt", "a note\n");
    for (name, value, pointer) in [
        ("size", json!(25 * 1024 * 1024 + 1), "/size"),
        ("size", json!(0), "/size"),
        ("size", json!(u64::MAX), "/size"),
        ("sha256", json!("x".repeat(64)), "/sha256"),
        ("sha256", json!("ab"), "/sha256"),
        ("content_type", json!("text/html"), "/content_type"),
        ("content_type", json!("image/svg+xml"), "/content_type"),
        ("content_type", json!("application/pdf"), "/content_type"),
        ("content_type", json!("text/plain\r\nx: y"), "/content_type"),
        ("name", json!("note.exe"), "/content_type"),
        ("name", json!("note"), "/content_type"),
        ("name", json!(""), "/name"),
        ("name", json!(".."), "/name"),
        ("name", json!("con.txt"), "/name"),
        ("name", json!("dir/"), "/name"),
        ("name", json!("\u{0}\u{202e}"), "/name"),
        ("url", json!("https://files.example/x"), "/url"),
    ] {
        let mut body = file.clone();
        body[name] = value.clone();
        let reply = customer.post(&path, &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{name} {value}: {reply:?}"
        );
    }
    for url in [
        "http://files.example/x",
        "ftp://files.example/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//files.example/x",
        "/x",
        "",
        "x",
        "https://",
        "https://user:pw@files.example/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://2130706433/",
        &format!("https://files.example/{}", "x".repeat(2_000)),
    ] {
        let reply = customer
            .post(&path, &json!({ "name": "contract", "url": url }))
            .await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["/url".into()]),
            "{url}: {reply:?}"
        );
    }
    let reply = customer.post(&path, &json!({ "name": "note.txt" })).await;
    let found: BTreeSet<_> = reply.problem().2.into_iter().collect();
    assert_eq!(
        found,
        ["/content_type", "/sha256", "/size"].map(str::to_owned).into()
    );
    assert_unchanged(&before, &world.everything().await, "what is no attachment");
}

#[tokio::test]
async fn tdo_2_a_link_to_a_file_in_the_customers_own_storage_is_kept_as_it_is() {
    let (world, customer, path) = with_record().await;
    let link = json!({ "name": "contract", "url": "https://files.customer.example/a%20b.pdf?x=1" });
    let reply = customer.post(&path, &link).await;
    let body = reply.json();
    assert_eq!(
        (reply.status, &body["state"], &body["type"]),
        (201, &json!("complete"), &json!("link")),
        "{reply:?}"
    );
    assert_eq!(
        (&body["url"], body.get("upload"), body.get("size")),
        (&link["url"], None, None)
    );
    assert_eq!(listed(&customer, &path).await, [body.clone()]);
    let one = reply.header("location").unwrap().to_owned();
    assert_eq!(
        (customer.get(&one).await.json(), world.object_versions().await),
        (body.clone(), 0)
    );
    assert_eq!(
        complete(&customer, &path, &body).await.problem().0,
        409,
        "there is nothing to complete"
    );
    assert_eq!(customer.delete(&one, &[]).await.status, 204);
    assert_eq!(listed(&customer, &path).await, Vec::<Value>::new());
}

#[tokio::test]
async fn j_06_j_07_a_name_is_cleaned_and_cannot_leave_its_place_in_a_header() {
    let (_, customer, path) = with_record().await;
    for (name, kept, header) in [
        (
            "../../etc/passwd.txt",
            "passwd.txt",
            "filename=\"passwd.txt\"; filename*=UTF-8''passwd.txt",
        ),
        (
            "C:\\dir\\x.txt",
            "x.txt",
            "filename=\"x.txt\"; filename*=UTF-8''x.txt",
        ),
        (
            "a\u{202e}b\0c.txt",
            "abc.txt",
            "filename=\"abc.txt\"; filename*=UTF-8''abc.txt",
        ),
        (
            "a\"b\r\nSet-Cookie:x.txt",
            "abSet-Cookiex.txt",
            "filename=\"abSet-Cookiex.txt\"; filename*=UTF-8''abSet-Cookiex.txt",
        ),
        (
            "Räksmörgås; x.txt",
            "Räksmörgås; x.txt",
            "filename=\"R_ksm_rg_s_ x.txt\"; filename*=UTF-8''R%C3%A4ksm%C3%B6rg%C3%A5s%3B%20x.txt",
        ),
        ("x.txt. . ", "x.txt", "filename=\"x.txt\"; filename*=UTF-8''x.txt"),
        (
            &format!("{}.txt", "n".repeat(300)),
            &format!("{}.txt", "n".repeat(140)),
            "",
        ),
    ] {
        let pending = announce(&customer, &path, &announcement(name, "a note\n")).await;
        assert_eq!(pending["name"], kept, "{name:?}");
        let url = pending["upload"]["url"].as_str().unwrap();
        assert!(
            !url.contains("passwd") && !url.contains("txt"),
            "the stored key is generated: {url}"
        );
        assert_eq!(
            customer.send_signed(&pending["upload"], b"a note\n").await.status,
            200
        );
        assert_eq!(complete(&customer, &path, &pending).await.status, 200);
        let one = customer
            .get(&format!("{path}/{}", pending["id"].as_str().unwrap()))
            .await
            .json();
        let file = customer.send_signed(&one["download"], b"").await;
        let disposition = file.header("content-disposition").unwrap();
        assert!(
            file.status == 200 && disposition.starts_with("attachment; ") && disposition.ends_with(header),
            "{disposition}"
        );
        assert_eq!(file.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn the_21st_attachment_is_refused_and_pending_ones_count() {
    let (world, customer, path) = with_record().await;
    for n in 0..20 {
        let body = if n % 2 == 0 {
            announcement(&format!("{n}.txt"), "x")
        } else {
            json!({ "name": n.to_string(), "url": "https://files.example/x" })
        };
        assert_eq!(customer.post(&path, &body).await.status, 201);
    }
    let before = world.everything().await;
    for body in [
        announcement("x.txt", "x"),
        json!({ "name": "x", "url": "https://files.example/x" }),
    ] {
        let reply = customer.post(&path, &body).await;
        assert_eq!(
            reply.problem(),
            (409, "conflict".into(), vec![String::new()]),
            "{reply:?}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "one too many");
    let first = listed(&customer, &path).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(customer.delete(&format!("{path}/{first}"), &[]).await.status, 204);
    assert_eq!(
        customer.post(&path, &announcement("x.txt", "x")).await.status,
        201
    );
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

#[tokio::test]
async fn deleting_takes_every_version_of_the_bytes() {
    let (world, customer, path) = with_record().await;
    let pending = announce(&customer, &path, &announcement("note.txt", "a note\n")).await;
    for _ in 0..3 {
        assert_eq!(
            customer.send_signed(&pending["upload"], b"a note\n").await.status,
            200
        );
    }
    assert_eq!(world.object_versions().await, 3);
    assert_eq!(complete(&customer, &path, &pending).await.status, 200);
    let one = format!("{path}/{}", pending["id"].as_str().unwrap());
    let cut = customer.send(Method::DELETE, &one, &[], Bytes::new());
    world
        .killed_at("attachments-delete", "TransactWriteItems", 0, cut)
        .await;
    assert_eq!(world.object_versions().await, 0, "bytes first");
    assert_eq!(
        customer.delete(&one, &[]).await.status,
        204,
        "cut off and repeated"
    );
    assert_eq!(world.of_type("core", "attachment").await.len(), 0);
    assert_eq!(listed(&customer, &path).await, Vec::<Value>::new());
}
