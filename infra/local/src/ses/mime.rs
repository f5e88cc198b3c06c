//! From a request to the mail that would go out.

use std::io;

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_parser::{MessageParser, PartType};

use super::Message;
use super::input::{Content, Mailbox, Outbound, Simple};

/// The domain of the `Message-ID` that SES puts into a mail.
const MESSAGE_ID_DOMAIN: &str = "email.amazonses.com";

/// Renders a request and keeps beside it what a reader wants to see.
pub(super) fn message(
    outbound: &Outbound,
    id: String,
    sequence: u64,
    received_at: Timestamp,
) -> io::Result<Message> {
    let (subject, text, html, mime) = match &outbound.content {
        Content::Simple(simple) => {
            let mime = render(outbound, simple, &id, received_at)?;
            (
                simple.subject.clone(),
                simple.text.clone(),
                simple.html.clone(),
                mime,
            )
        }
        Content::Raw(bytes) => {
            let (subject, text, html) = read(bytes);
            (subject, text, html, String::from_utf8_lossy(bytes).into_owned())
        }
    };
    let from = match &outbound.from {
        Mailbox {
            name: Some(name),
            address,
        } => format!("{name} <{address}>"),
        Mailbox { name: None, address } => address.clone(),
    };
    let bare = |list: &[Mailbox]| list.iter().map(|mailbox| mailbox.address.clone()).collect();
    Ok(Message {
        id,
        sequence,
        received_at,
        from,
        to: bare(&outbound.to),
        cc: bare(&outbound.cc),
        bcc: bare(&outbound.bcc),
        subject,
        text,
        html,
        mime,
    })
}

fn render(outbound: &Outbound, simple: &Simple, id: &str, received_at: Timestamp) -> io::Result<String> {
    // Blind copies go into the envelope, which this stand-in does not have, and never into the headers.
    let mut builder = MessageBuilder::new()
        .from(address(&outbound.from))
        .subject(simple.subject.as_str())
        .date(Date::new(received_at.as_second()))
        .message_id(format!("{id}@{MESSAGE_ID_DOMAIN}"));
    if !outbound.to.is_empty() {
        builder = builder.to(addresses(&outbound.to));
    }
    if !outbound.cc.is_empty() {
        builder = builder.cc(addresses(&outbound.cc));
    }
    if !outbound.reply_to.is_empty() {
        builder = builder.reply_to(addresses(&outbound.reply_to));
    }
    for (name, value) in &simple.headers {
        builder = builder.header(name.as_str(), Raw::new(value.as_str()));
    }
    if let Some(text) = &simple.text {
        builder = builder.text_body(text.as_str());
    }
    if let Some(html) = &simple.html {
        builder = builder.html_body(html.as_str());
    }
    builder.write_to_string()
}

fn addresses(list: &[Mailbox]) -> Address<'_> {
    Address::new_list(list.iter().map(address).collect())
}

fn address(mailbox: &Mailbox) -> Address<'_> {
    Address::new_address(mailbox.name.as_deref(), mailbox.address.as_str())
}

/// The subject, the plain text and the HTML of a raw mail. A part that the mail does not have is not made up.
fn read(bytes: &[u8]) -> (String, Option<String>, Option<String>) {
    let Some(parsed) = MessageParser::default().parse(bytes) else {
        return (String::new(), None, None);
    };
    let text = parsed.text_bodies().find_map(|part| match &part.body {
        PartType::Text(text) => Some(text.clone().into_owned()),
        _ => None,
    });
    let html = parsed.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.clone().into_owned()),
        _ => None,
    });
    (parsed.subject().unwrap_or_default().to_owned(), text, html)
}
