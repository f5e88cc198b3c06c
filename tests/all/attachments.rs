//! Files and links: what may be attached, what arrives, what comes back, what is left.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Customer, Reply, World, announcement};
use crate::records::setting;
use crate::support::assert_unchanged;

pub async fn with_record() -> (World, Customer, String) {
    let (world, customer) = setting().await;
    let record = customer.asset(json!({ "asset_tag": "LT-1" })).await;
    (world, customer, format!("/v1/records/{record}/attachments"))
}

/// The announcement of a file of any type.
pub fn announced(name: &str, content_type: &str, content: &[u8]) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    json!({ "name": name, "content_type": content_type, "size": content.len(), "sha256": hex::encode(digest) })
}

pub async fn announce(customer: &Customer, path: &str, body: &Value) -> Value {
    let reply = customer.post(path, body).await;
    assert_eq!(
        (reply.status, &reply.json()["state"]),
        (201, &json!("pending")),
        "{reply:?}"
    );
    reply.json()
}

pub async fn complete(customer: &Customer, path: &str, attachment: &Value) -> Reply {
    customer
        .post(
            &format!("{path}/{}/complete", attachment["id"].as_str().unwrap()),
            &Value::Null,
        )
        .await
}

pub async fn listed(customer: &Customer, path: &str) -> Vec<Value> {
    let reply = customer.get(path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].as_array().unwrap().clone()
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
    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
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
        403,
        "j-20: the link leads nowhere; S3 does not tell who may not list"
    );
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
    assert_eq!(listed(&customer, &path).await, std::slice::from_ref(&body));
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

#[tokio::test]
async fn nothing_can_be_attached_to_a_record_whose_deletion_has_begun() {
    for body in [
        announcement("note.txt", "a note\n"),
        json!({ "name": "x", "url": "https://files.example/x" }),
    ] {
        let (world, customer, path) = with_record().await;
        let record = path.strip_suffix("/attachments").unwrap().to_owned();
        let (client, to) = (customer.client.clone(), path.clone());
        let (reached, go_on) = world.pause_after("attachments-create", "TransactWriteItems", 0);
        let late = tokio::spawn(async move { client.post(&to, &body).await });
        reached.notified().await;
        // The deletion is cut off when its decision stands and the rest is still to do.
        let cut = customer.delete(&record, &[("if-match", "*")]);
        world.killed_at("records-delete", "Query", 0, cut).await;
        go_on.notify_one();
        let late = late.await.unwrap();
        assert_eq!(late.problem(), (404, "not-found".into(), vec![]), "{late:?}");
        assert_eq!(world.of_type("core", "attachment").await.len(), 0);
        assert_eq!(customer.delete(&record, &[("if-match", "*")]).await.status, 204);
        let events = world.of_type("core", "event").await;
        assert_eq!((events.len(), &events[0]["action"]), (1, &json!("deleted")));
    }
}
