use axum::body::Body;
use bytes::Bytes;
use tower::ServiceExt as _;

use super::*;
use crate::ses::SEND_EMAIL_PATH;

async fn send(ses: &Ses, to: &str, subject: &str, text: &str, html: Option<&str>) -> String {
    let mut body = json!({
        "FromEmailAddress": "no-reply@trackwell.example",
        "Destination": { "ToAddresses": [to] },
        "Content": { "Simple": {
            "Subject": { "Data": subject, "Charset": "UTF-8" },
            "Body": { "Text": { "Data": text, "Charset": "UTF-8" } },
        }},
    });
    if let Some(html) = html {
        body["Content"]["Simple"]["Body"]["Html"] = json!({ "Data": html, "Charset": "UTF-8" });
    }
    let request = http::Request::post(SEND_EMAIL_PATH)
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let answer: Value = serde_json::from_slice(ses.call(request).await.body()).unwrap();
    answer["MessageId"].as_str().unwrap().to_owned()
}

fn mailbox() -> Ses {
    Ses::in_memory(Arc::new(|| "2026-11-22T10:00:00Z".parse().unwrap()))
}

async fn fetch(ses: &Ses, path: &str, host: Option<&str>) -> (StatusCode, http::HeaderMap, String) {
    let mut request = http::Request::get(path);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let response = router(ses.clone())
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (
        parts.status,
        parts.headers,
        String::from_utf8(bytes.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn the_page_lists_mails_newest_first_and_each_opens() {
    let ses = mailbox();
    send(&ses, "ann@a.example", "First subject", "one", None).await;
    let id = send(
        &ses,
        "bob@b.example",
        "Second subject",
        "Open https://app.example/v?t=1&u=2.",
        None,
    )
    .await;
    let (status, headers, page) = fetch(&ses, "/_mailbox", Some("localhost:4000")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(page.find("Second subject").unwrap() < page.find("First subject").unwrap());
    assert!(page.contains(&format!("href=\"/_mailbox/mail/{id}\"")), "{page}");
    assert!(
        page.contains("To bob@b.example · <time datetime=\"2026-11-22T10:00:00Z\">2026"),
        "{page}"
    );
    let (status, _, page) = fetch(&ses, &format!("/_mailbox/mail/{id}"), None).await;
    assert_eq!(status, StatusCode::OK);
    let link = "<a href=\"https://app.example/v?t=1&amp;u=2\" rel=\"noopener noreferrer\">\
                https://app.example/v?t=1&amp;u=2</a>.";
    assert!(page.contains(link), "{page}");
}

#[tokio::test]
async fn markup_in_a_mail_is_shown_and_never_rendered() {
    let ses = mailbox();
    let evil = "<script>alert(1)</script> https://x.example/\"onclick='alert(1)' javascript:alert(1)";
    let id = send(
        &ses,
        "ann@a.example",
        "<img src=x>",
        evil,
        Some("<b onload=evil()>hi</b>"),
    )
    .await;
    for path in ["/_mailbox".to_owned(), format!("/_mailbox/mail/{id}")] {
        let (_, _, page) = fetch(&ses, &path, None).await;
        for forbidden in ["<script", "<img", "<b ", "href=\"javascript", "onclick='"] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        assert!(page.contains("&lt;img src=x&gt;"), "{page}");
    }
    let (_, _, page) = fetch(&ses, &format!("/_mailbox/mail/{id}"), None).await;
    assert!(page.contains("href=\"https://x.example/\""), "{page}");
    assert!(page.contains("&lt;b onload=evil()&gt;hi"), "{page}");
}

#[tokio::test]
async fn every_answer_forbids_scripts_framing_and_outside_resources() {
    let ses = mailbox();
    for path in [
        "/_mailbox",
        "/_mailbox/messages",
        "/_mailbox/mail/none",
        "/_mailbox?nonsense=1",
    ] {
        let (_, headers, page) = fetch(&ses, path, None).await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store");
        assert!(
            !page.contains("src=") && !page.contains(" style=") && !page.contains("url("),
            "{page}"
        );
    }
}

#[tokio::test]
async fn the_style_on_the_page_is_the_one_the_policy_names() {
    let (_, headers, page) = fetch(&mailbox(), "/_mailbox", None).await;
    let style = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let hash = BASE64.encode(digest(&SHA256, style.as_bytes()));
    assert!(
        headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains(&hash)
    );
}

#[tokio::test]
async fn a_foreign_host_name_sees_nothing() {
    let ses = mailbox();
    send(&ses, "ann@a.example", "Secret", "token", None).await;
    for host in [
        "evil.example",
        "evil.example:4000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
    ] {
        let (status, _, body) = fetch(&ses, "/_mailbox/messages", Some(host)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{host}");
        assert!(!body.contains("Secret"));
    }
    for host in [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1:4000",
        "[::1]:4000",
        "[::1]",
    ] {
        assert_eq!(
            fetch(&ses, "/_mailbox/messages", Some(host)).await.0,
            StatusCode::OK,
            "{host}"
        );
    }
}

#[tokio::test]
async fn programs_read_mails_as_json_and_may_ask_for_one_recipient() {
    let ses = mailbox();
    let first = send(&ses, "ann+x@a.example", "First", "one", None).await;
    let second = send(&ses, "bob@b.example", "Second", "two", Some("<p>two</p>")).await;
    let ids = |body: &str| {
        let value: Value = serde_json::from_str(body).unwrap();
        let ids = value["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mail| mail["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let (_, headers, all) = fetch(&ses, "/_mailbox/messages", None).await;
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(ids(&all), [second.clone(), first.clone()]);
    for query in [
        "to=ann%2Bx%40a.example",
        "to=ann+x@a.example",
        "to=ANN%2bx@A.example",
    ] {
        let (_, _, some) = fetch(&ses, &format!("/_mailbox/messages?{query}"), None).await;
        assert_eq!(ids(&some).join(" "), first, "{query}");
    }
    let (_, _, none) = fetch(&ses, "/_mailbox/messages?to=nobody@a.example", None).await;
    assert!(ids(&none).is_empty());
    let (status, _, one) = fetch(&ses, &format!("/_mailbox/messages/{second}"), None).await;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&one["text"], &one["html"], &one["to"]),
        (&json!("two"), &json!("<p>two</p>"), &json!(["bob@b.example"]))
    );
    assert!(one["mime"].as_str().unwrap().contains("multipart/alternative"));
}

#[tokio::test]
async fn what_is_not_there_or_not_understood_is_said_so() {
    let ses = mailbox();
    let (status, headers, body) = fetch(&ses, "/_mailbox/messages/none", None).await;
    assert_eq!(
        (status, headers["content-type"].as_bytes()),
        (StatusCode::NOT_FOUND, &b"application/problem+json"[..])
    );
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["status"], 404);
    assert_eq!(
        fetch(&ses, "/_mailbox/mail/none", None).await.0,
        StatusCode::NOT_FOUND
    );
    for query in ["from=a@b.example", "to=%ff"] {
        assert_eq!(
            fetch(&ses, &format!("/_mailbox/messages?{query}"), None).await.0,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            fetch(&ses, &format!("/_mailbox?{query}"), None).await.0,
            StatusCode::BAD_REQUEST
        );
    }
}
