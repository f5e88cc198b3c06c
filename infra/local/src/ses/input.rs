//! `SendEmail` as it comes over the wire, and the checks that SES makes before it takes a mail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mail_parser::MessageParser;
use serde::Deserialize;
use serde_json::Value;

/// The most recipients of one mail: `To`, `Cc` and `Bcc` together.
const MAX_RECIPIENTS: usize = 50;

/// Headers that SES sets itself; a caller who sets one again makes a mail with two.
const RESERVED_HEADERS: [&str; 14] = [
    "bcc",
    "cc",
    "content-disposition",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "subject",
    "to",
];

/// An address with its display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, decoded.
    pub name: Option<String>,
    /// The bare address.
    pub address: String,
}

/// A `SendEmail` request that SES would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The sender.
    pub from: Mailbox,
    /// The identity to send with, when the caller names one.
    pub identity_arn: Option<String>,
    /// The configuration set to send with, when the caller names one.
    pub configuration_set: Option<String>,
    /// The visible recipients.
    pub to: Vec<Mailbox>,
    /// Those who get a copy.
    pub cc: Vec<Mailbox>,
    /// Those who get a copy that the mail does not show.
    pub bcc: Vec<Mailbox>,
    /// Where answers go.
    pub reply_to: Vec<Mailbox>,
    /// What is sent.
    pub content: Content,
}

/// The content of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Parts that SES renders.
    Simple(Simple),
    /// A mail that the caller rendered.
    Raw(Vec<u8>),
}

/// A mail in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// Further headers, by name and value.
    pub headers: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Wire {
    from_email_address: Option<String>,
    from_email_address_identity_arn: Option<String>,
    #[serde(default)]
    destination: WireDestination,
    #[serde(default)]
    reply_to_addresses: Vec<String>,
    content: WireContent,
    configuration_set_name: Option<String>,
    // Tags only label SES's own metrics and events, neither of which the stand-in has.
    #[serde(default, rename = "EmailTags")]
    _email_tags: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct WireDestination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireContent {
    simple: Option<WireSimple>,
    raw: Option<WireRaw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireSimple {
    subject: WireText,
    body: WireBody,
    #[serde(default)]
    headers: Vec<WireHeader>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireBody {
    text: Option<WireText>,
    html: Option<WireText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireText {
    data: String,
    charset: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireHeader {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireRaw {
    data: String,
}

impl Outbound {
    /// Reads a request body as SES does.
    ///
    /// # Errors
    /// What SES would answer `BadRequestException` for, or what this stand-in does not act on.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let wire: Wire = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let named = wire.from_email_address.as_deref().map(mailbox).transpose()?;
        let mut outbound = match (wire.content.simple, wire.content.raw) {
            (Some(simple), None) => Self::of(named, Content::Simple(parts(simple)?))?,
            (None, Some(raw)) => from_raw(named, &raw.data)?,
            _ => return Err("Content must have exactly one of Simple and Raw.".to_owned()),
        };
        outbound.identity_arn = wire.from_email_address_identity_arn;
        outbound.configuration_set = wire.configuration_set_name;
        outbound.reply_to = mailboxes(&wire.reply_to_addresses)?;
        let destination = wire.destination;
        let addressed = [
            &destination.to_addresses,
            &destination.cc_addresses,
            &destination.bcc_addresses,
        ];
        // A destination in the request decides who gets a raw mail, whatever its headers say.
        if addressed.iter().any(|list| !list.is_empty()) {
            outbound.to = mailboxes(&destination.to_addresses)?;
            outbound.cc = mailboxes(&destination.cc_addresses)?;
            outbound.bcc = mailboxes(&destination.bcc_addresses)?;
        }
        match outbound.recipients().count() {
            0 => Err("A mail needs at least one recipient.".to_owned()),
            1..=MAX_RECIPIENTS => Ok(outbound),
            count => Err(format!("Recipient count exceeds {MAX_RECIPIENTS}: {count}.")),
        }
    }

    fn of(from: Option<Mailbox>, content: Content) -> Result<Self, String> {
        Ok(Self {
            from: from.ok_or("FromEmailAddress is missing.")?,
            identity_arn: None,
            configuration_set: None,
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            content,
        })
    }

    /// Everyone who gets the mail.
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }
}

fn parts(wire: WireSimple) -> Result<Simple, String> {
    let subject = text(wire.subject)?;
    if subject.contains(is_forbidden) {
        return Err("Subject contains a line break or another control character.".to_owned());
    }
    let body_text = wire.body.text.map(text).transpose()?;
    let html = wire.body.html.map(text).transpose()?;
    if body_text.is_none() && html.is_none() {
        return Err("Body must have Text or Html.".to_owned());
    }
    let mut headers = Vec::new();
    for WireHeader { name, value } in wire.headers {
        let is_token =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if !is_token(&name) || !value.is_ascii() || value.contains(is_forbidden) {
            return Err(format!(
                "Header {name:?} has an illegal character in its name or value."
            ));
        }
        if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!("Header {name} is set by SES."));
        }
        headers.push((name, value));
    }
    Ok(Simple {
        subject,
        text: body_text,
        html,
        headers,
    })
}

fn text(wire: WireText) -> Result<String, String> {
    match wire.charset.as_deref() {
        None => {}
        Some(charset) if charset.eq_ignore_ascii_case("utf-8") => return Ok(wire.data),
        Some(charset) if charset.eq_ignore_ascii_case("us-ascii") => {}
        Some(other) => return Err(format!("The local SES has no charset {other}; use UTF-8.")),
    }
    // SES takes 7-bit ASCII unless told otherwise, and turns the rest into question marks.
    if wire.data.is_ascii() {
        Ok(wire.data)
    } else {
        Err("Data is not ASCII and no Charset is given.".to_owned())
    }
}

fn from_raw(named: Option<Mailbox>, data: &str) -> Result<Outbound, String> {
    let bytes = BASE64
        .decode(data)
        .map_err(|error| format!("Raw.Data: {error}"))?;
    let parsed = MessageParser::default()
        .parse(&bytes)
        .ok_or("Raw.Data is not a mail.")?;
    let written: Vec<_> = parsed.from().map(listed).transpose()?.unwrap_or_default();
    let from = match (named, written.as_slice()) {
        // Two senders that differ would let a caller pass a check on the one and send as the other.
        (Some(named), [only]) if named.address != only.address => {
            return Err(format!(
                "FromEmailAddress {} is not the mail's From header.",
                named.address
            ));
        }
        (_, [only]) => only.clone(),
        (_, []) => return Err("Raw.Data has no From header.".to_owned()),
        _ => return Err("Raw.Data has more than one sender.".to_owned()),
    };
    let to = parsed.to().map(listed).transpose()?.unwrap_or_default();
    let cc = parsed.cc().map(listed).transpose()?.unwrap_or_default();
    let bcc = parsed.bcc().map(listed).transpose()?.unwrap_or_default();
    if parsed
        .headers()
        .iter()
        .filter(|header| header.name.as_str().eq_ignore_ascii_case("from"))
        .count()
        != 1
    {
        return Err("Raw.Data has more than one From header.".to_owned());
    }
    drop(parsed);
    let outbound = Outbound::of(Some(from), Content::Raw(bytes))?;
    Ok(Outbound {
        to,
        cc,
        bcc,
        ..outbound
    })
}

fn mailboxes(texts: &[String]) -> Result<Vec<Mailbox>, String> {
    texts.iter().map(|text| mailbox(text)).collect()
}

/// Reads one address as SES does: ASCII, a display name with other letters as an encoded word.
fn mailbox(text: &str) -> Result<Mailbox, String> {
    if text.contains(is_forbidden) {
        return Err(format!(
            "Address {text:?} contains a line break or another control character."
        ));
    }
    if !text.is_ascii() {
        return Err(format!(
            "Address {text:?} is not ASCII; write the display name as an encoded word."
        ));
    }
    let header = format!("From: {text}\r\n\r\n");
    let parsed = MessageParser::default().parse_headers(header.as_bytes());
    let list = parsed.as_ref().and_then(|mail| mail.from()).map(listed);
    match list.transpose() {
        Ok(Some(list)) if list.len() == 1 => Ok(list[0].clone()),
        _ => Err(format!("{text:?} is not one address.")),
    }
}

fn listed(addresses: &mail_parser::Address<'_>) -> Result<Vec<Mailbox>, String> {
    let list = addresses
        .as_list()
        .ok_or("Groups of addresses are not allowed.")?;
    list.iter()
        .map(|entry| {
            let address = entry.address().unwrap_or_default();
            let name = entry.name().filter(|name| !name.is_empty()).map(str::to_owned);
            // An encoded word may decode to what must not stand in a header in the clear.
            if is_address(address) && !name.as_deref().is_some_and(|name| name.contains(is_forbidden)) {
                Ok(Mailbox {
                    name,
                    address: address.to_owned(),
                })
            } else {
                Err(format!("{address:?} is not an address."))
            }
        })
        .collect()
}

fn is_address(address: &str) -> bool {
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
    };
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        let labels_fit = domain
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63);
        !local.is_empty()
            && local.len() <= 64
            && plain(local)
            && domain.contains('.')
            && labels_fit
            && domain
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    })
}

fn is_forbidden(character: char) -> bool {
    character.is_control()
}
