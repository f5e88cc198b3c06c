use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mail_parser::{MessageParser, MimeHeaders as _, PartType};

use super::*;

fn clock() -> Clock {
    Arc::new(|| "2026-11-22T10:00:00Z".parse().unwrap())
}

fn simple() -> Value {
    json!({
        "FromEmailAddress": "Trackwell <no-reply@trackwell.example>",
        "Destination": { "ToAddresses": ["ann@customer.example"] },
        "Content": { "Simple": {
            "Subject": { "Data": "Confirm your address", "Charset": "UTF-8" },
            "Body": { "Text": { "Data": "Open https://app.example/v?t=1", "Charset": "UTF-8" } },
        }},
    })
}

async fn post(ses: &Ses, body: &Value) -> (StatusCode, Option<String>, Value) {
    let request = Request::post(SEND_EMAIL_PATH)
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let response = ses.call(request).await;
    let kind = response
        .headers()
        .get("x-amzn-errortype")
        .map(|kind| kind.to_str().unwrap().to_owned());
    (
        response.status(),
        kind,
        serde_json::from_slice(response.body()).unwrap(),
    )
}

async fn sent(ses: &Ses, body: &Value) -> Arc<Message> {
    let (status, kind, answer) = post(ses, body).await;
    assert_eq!((status, kind), (StatusCode::OK, None), "{answer}");
    ses.message(answer["MessageId"].as_str().unwrap()).unwrap()
}

async fn refused(change: impl FnOnce(&mut Value)) -> String {
    let ses = Ses::in_memory(clock());
    let mut body = simple();
    change(&mut body);
    let (status, kind, answer) = post(&ses, &body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(kind.as_deref(), Some("BadRequestException"));
    assert_eq!(ses.messages(), []);
    answer["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_text_mail_is_kept_and_rendered_with_its_headers() {
    let ses = Ses::in_memory(clock());
    let message = sent(&ses, &simple()).await;
    assert_eq!(message.from, "Trackwell <no-reply@trackwell.example>");
    assert_eq!(message.to, ["ann@customer.example"]);
    assert_eq!(message.subject, "Confirm your address");
    assert_eq!(message.text.as_deref(), Some("Open https://app.example/v?t=1"));
    assert_eq!(message.html, None);
    assert_eq!(message.received_at.to_string(), "2026-11-22T10:00:00Z");
    let parsed = MessageParser::default().parse(message.mime.as_bytes()).unwrap();
    assert_eq!(parsed.subject(), Some("Confirm your address"));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Trackwell"));
    assert_eq!(
        parsed.to().unwrap().first().unwrap().address(),
        Some("ann@customer.example")
    );
    assert_eq!(
        parsed.date().unwrap().to_timestamp(),
        message.received_at.as_second()
    );
    assert_eq!(
        parsed.message_id(),
        Some(format!("{}@email.amazonses.com", message.id).as_str())
    );
    assert_eq!(
        parsed.body_text(0).as_deref().map(str::trim_end),
        message.text.as_deref()
    );
    assert!(message.mime.contains("MIME-Version: 1.0\r\n"), "{}", message.mime);
}

#[tokio::test]
async fn text_and_html_in_any_language_survive_as_an_ascii_multipart_alternative() {
    let ses = Ses::in_memory(clock());
    let mut body = simple();
    let subject = "Löschung bestätigt – данные удалены 🗑";
    let text = "Grüße,\n\n.eine Zeile mit Punkt\nFrom hier\n".to_owned() + &"ä".repeat(2000);
    body["FromEmailAddress"] = "=?UTF-8?B?VHJhY2t3w6RsbA==?= <no-reply@trackwell.example>".into();
    body["Content"]["Simple"]["Subject"]["Data"] = subject.into();
    body["Content"]["Simple"]["Body"]["Text"]["Data"] = text.clone().into();
    body["Content"]["Simple"]["Body"]["Html"] = json!({ "Data": "<p>Grüße = €</p>", "Charset": "utf-8" });
    body["Content"]["Simple"]["Headers"] =
        json!([{ "Name": "List-Unsubscribe", "Value": "<https://a.example/u>" }]);
    let message = sent(&ses, &body).await;
    assert!(message.mime.is_ascii());
    assert!(message.mime.lines().all(|line| line.len() <= 998));
    assert_eq!(message.from, "Trackwäll <no-reply@trackwell.example>");
    let parsed = MessageParser::default().parse(message.mime.as_bytes()).unwrap();
    assert_eq!(parsed.subject(), Some(subject));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Trackwäll"));
    assert_eq!(
        parsed.root_part().content_type().unwrap().subtype(),
        Some("alternative")
    );
    assert_eq!(
        parsed.header_raw("List-Unsubscribe").map(str::trim),
        Some("<https://a.example/u>")
    );
    let kinds: Vec<_> = parsed
        .parts
        .iter()
        .map(|part| (part.is_text_html(), part.is_text()))
        .collect();
    assert_eq!(kinds, [(false, false), (false, true), (true, true)]);
    let PartType::Text(found) = &parsed.parts[1].body else {
        panic!("{:?}", parsed.parts[1])
    };
    assert_eq!(found.replace("\r\n", "\n").trim_end(), text);
    assert_eq!(
        parsed.body_html(0).as_deref().map(str::trim_end),
        Some("<p>Grüße = €</p>")
    );
}

#[tokio::test]
async fn blind_copies_reach_their_reader_and_are_not_in_the_mail() {
    let ses = Ses::in_memory(clock());
    let mut body = simple();
    body["Destination"]["CcAddresses"] = json!(["bob@customer.example"]);
    body["Destination"]["BccAddresses"] = json!(["Cyd <cyd@customer.example>"]);
    body["ReplyToAddresses"] = json!(["help@trackwell.example"]);
    let message = sent(&ses, &body).await;
    assert!(message.is_for("CYD@customer.example") && message.is_for("bob@customer.example"));
    assert!(!message.is_for("help@trackwell.example"));
    assert!(!message.mime.contains("cyd@"), "{}", message.mime);
    assert!(
        message.mime.contains("Reply-To: <help@trackwell.example>"),
        "{}",
        message.mime
    );
}

#[tokio::test]
async fn a_raw_mail_is_kept_byte_for_byte_and_read_for_display() {
    let ses = Ses::in_memory(clock());
    let raw = "From: Trackwell <no-reply@trackwell.example>\r\nTo: ann@customer.example\r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n1 =E2=82=AC\r\n";
    let body = json!({ "Content": { "Raw": { "Data": BASE64.encode(raw) } } });
    let message = sent(&ses, &body).await;
    assert_eq!(message.mime, raw);
    assert_eq!(
        (message.subject.as_str(), message.html.as_deref()),
        ("Grüße", None)
    );
    assert_eq!(message.text.as_deref().map(str::trim_end), Some("1 €"));
    assert_eq!(message.to, ["ann@customer.example"]);

    let mut other = body.clone();
    other["Destination"] = json!({ "ToAddresses": ["bob@customer.example"] });
    assert_eq!(sent(&ses, &other).await.to, ["bob@customer.example"]);

    let mut forged = body;
    forged["FromEmailAddress"] = "ceo@trackwell.example".into();
    let (status, _, answer) = post(&ses, &forged).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["message"].as_str().unwrap().contains("From header"),
        "{answer}"
    );
    let doubled = format!("From: ceo@trackwell.example\r\n{raw}");
    let (status, _, _) = post(
        &ses,
        &json!({ "Content": { "Raw": { "Data": BASE64.encode(doubled) } } }),
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_mail_without_a_sender_a_recipient_or_a_body_is_refused() {
    let missing =
        |name: &'static str| move |body: &mut Value| drop(body.as_object_mut().unwrap().remove(name));
    assert!(
        refused(missing("FromEmailAddress"))
            .await
            .contains("FromEmailAddress")
    );
    assert!(refused(missing("Destination")).await.contains("recipient"));
    assert!(refused(missing("Content")).await.contains("Content"));
    assert!(
        refused(|body| body["Content"]["Simple"]["Body"] = json!({}))
            .await
            .contains("Body")
    );
    assert!(
        refused(|body| body["Content"]["Raw"] = json!({ "Data": "" }))
            .await
            .contains("exactly one")
    );
}

#[tokio::test]
async fn fifty_recipients_are_taken_and_fifty_one_are_refused() {
    let crowd = |count: usize| {
        (0..count)
            .map(|n| format!("p{n}@customer.example"))
            .collect::<Vec<_>>()
    };
    let ses = Ses::in_memory(clock());
    let mut body = simple();
    body["Destination"] = json!({ "ToAddresses": crowd(30), "BccAddresses": crowd(20) });
    assert_eq!(sent(&ses, &body).await.to.len(), 30);
    let answer = refused(|body| {
        body["Destination"] = json!({ "ToAddresses": crowd(30), "CcAddresses": crowd(21) });
    });
    assert!(answer.await.contains("exceeds 50"));
}

#[tokio::test]
async fn a_line_break_never_becomes_a_header() {
    for text in ["a\r\nBcc: eve@evil.example", "a\nX: y", "a\rb", "a\0b"] {
        refused(|body| body["Content"]["Simple"]["Subject"]["Data"] = text.into()).await;
        refused(|body| body["FromEmailAddress"] = format!("{text} <a@b.example>").into()).await;
        refused(|body| body["Destination"]["ToAddresses"][0] = format!("{text} <a@b.example>").into()).await;
        refused(|body| body["ReplyToAddresses"] = json!([format!("{text} <a@b.example>")])).await;
        let header = |name: &str, value: &str| json!([{ "Name": name, "Value": value }]);
        refused(|body| body["Content"]["Simple"]["Headers"] = header("X-Note", text)).await;
        refused(|body| body["Content"]["Simple"]["Headers"] = header(text, "x")).await;
    }
    let encoded = format!(
        "=?utf-8?B?{}?= <a@b.example>",
        BASE64.encode("a\r\nBcc: eve@evil.example")
    );
    refused(|body| body["FromEmailAddress"] = encoded.into()).await;
    refused(|body| body["Content"]["Simple"]["Headers"] = json!([{ "Name": "bCC", "Value": "a@b.example" }]))
        .await;
}

#[tokio::test]
async fn what_is_not_one_address_is_refused() {
    let wrong = [
        "",
        "ann",
        "ann@",
        "@customer.example",
        "ann@customer",
        "a@b.example, c@d.example",
        "a@b@c.example",
        "a b@c.example",
        "Ann <a@b.example> <c@d.example>",
        "Group: a@b.example;",
        "Jürgen <j@b.example>",
        "a@bücher.example",
        "a@b..example",
    ];
    for text in wrong {
        let answer = refused(|body| body["Destination"]["ToAddresses"][0] = text.into()).await;
        assert!(answer.contains(&format!("{text:?}")), "{answer}");
    }
}

#[tokio::test]
async fn what_the_stand_in_does_not_act_on_is_refused() {
    assert!(
        refused(|body| body["ListManagementOptions"] = json!({}))
            .await
            .contains("ListManagementOptions")
    );
    assert!(
        refused(|body| body["Content"] = json!({ "Template": {} }))
            .await
            .contains("Template")
    );
    assert!(
        refused(|body| body["Content"]["Simple"]["Attachments"] = json!([]))
            .await
            .contains("Attachments")
    );
    let latin = refused(|body| body["Content"]["Simple"]["Subject"]["Charset"] = "ISO-8859-1".into());
    assert!(latin.await.contains("charset"));
    let bare = refused(|body| body["Content"]["Simple"]["Subject"] = json!({ "Data": "Grüße" }));
    assert!(bare.await.contains("Charset"));
    let ses = Ses::in_memory(clock());
    let request = Request::get(SEND_EMAIL_PATH).body(Bytes::new()).unwrap();
    assert_eq!(ses.call(request).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn throttled_sends_fail_and_keep_nothing_and_the_next_one_passes() {
    let ses = Ses::in_memory(clock());
    ses.throttle(2);
    for _ in 0..2 {
        let (status, kind, _) = post(&ses, &simple()).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(kind.as_deref(), Some("TooManyRequestsException"));
    }
    assert_eq!(ses.messages(), []);
    sent(&ses, &simple()).await;
    assert_eq!(ses.messages().len(), 1);
}

#[tokio::test]
async fn mails_survive_a_restart_in_order_and_half_a_file_does_not_stop_it() {
    let dir = tempfile::tempdir().unwrap();
    let ses = Ses::open(dir.path(), clock()).unwrap();
    let first = sent(&ses, &simple()).await;
    let second = sent(&ses, &simple()).await;
    assert_ne!(first.id, second.id);
    drop(ses);
    std::fs::write(dir.path().join("mailbox/000000000003.new"), "{").unwrap();
    let again = Ses::open(dir.path(), clock()).unwrap();
    assert_eq!(again.messages(), [first.clone(), second]);
    assert_eq!(again.message(&first.id), Some(first));
    assert_eq!(again.message("unheard-of"), None);
    assert_eq!(sent(&again, &simple()).await.sequence, 3);
    std::fs::write(dir.path().join("mailbox/000000000001.json"), "{").unwrap();
    let error = Ses::open(dir.path(), clock()).err().unwrap();
    assert!(error.to_string().contains("000000000001.json"), "{error}");
}

#[tokio::test]
async fn mail_from_a_domain_that_is_not_verified_is_rejected() {
    let ses = Ses::in_memory(clock()).verified("trackwell.example");
    let mut body = simple();
    for from in ["No-Reply@Trackwell.Example", "ann@mail.trackwell.example"] {
        body["FromEmailAddress"] = from.into();
        sent(&ses, &body).await;
    }
    for from in [
        "no-reply@other.example",
        "ann@nottrackwell.example",
        "ann@trackwell.example.other",
    ] {
        body["FromEmailAddress"] = from.into();
        let (status, kind, answer) = post(&ses, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert_eq!(kind.as_deref(), Some("MessageRejected"), "{from}");
    }
    assert_eq!(ses.messages().len(), 2);
}
