//! Pure decisions about attachments.

/// The largest file, in bytes.
pub const MAX_SIZE: u64 = 25 * 1024 * 1024;

/// The most attachments of one record.
pub const MAX_PER_RECORD: usize = 20;

/// The media types that may be attached, each with the extensions that a name of that type may end in.
const TYPES: &[(&str, &[&str])] = &[
    ("application/pdf", &["pdf"]),
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("text/plain", &["txt", "log", "md"]),
    ("text/csv", &["csv"]),
    ("application/json", &["json"]),
    ("application/zip", &["zip"]),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &["docx"],
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &["xlsx"],
    ),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
];

/// Checks that a media type may be attached and that the name's extension is one of its own (J-09).
///
/// # Errors
/// Says what is allowed.
pub fn check_type(content_type: &str, name: &str) -> Result<(), String> {
    let Some((_, extensions)) = TYPES.iter().find(|(known, _)| *known == content_type) else {
        let known: Vec<_> = TYPES.iter().map(|(known, _)| *known).collect();
        return Err(format!("It must be one of {}", known.join(", ")));
    };
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_lowercase())
        .unwrap_or_default();
    if extensions.contains(&extension.as_str()) {
        Ok(())
    } else {
        Err(format!(
            "A name of a {content_type} must end in .{}",
            extensions.join(" or .")
        ))
    }
}

/// Whether the first bytes of a file can be those of its media type.
pub fn looks_like(content_type: &str, start: &[u8]) -> bool {
    match content_type {
        "application/pdf" => start.starts_with(b"%PDF-"),
        "image/png" => start.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => start.starts_with(b"\xff\xd8\xff"),
        "image/gif" => start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a"),
        "image/webp" => start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP"),
        "text/plain" | "text/csv" | "application/json" => is_text(start),
        // The office formats are zip archives.
        _ => start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06"),
    }
}

/// Text: no control bytes but white space, and not the beginning of something that a browser or a shell would run.
fn is_text(start: &[u8]) -> bool {
    let runs = [b"MZ".as_slice(), b"\x7fELF", b"#!"];
    let lower = start.to_ascii_lowercase();
    let trimmed = lower.trim_ascii_start();
    let is_markup = [b"<!doctype".as_slice(), b"<html", b"<script", b"<svg", b"<?xml"];
    start
        .iter()
        .all(|&byte| byte >= 0x20 && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
        && !runs.iter().any(|magic| start.starts_with(magic))
        && !is_markup.iter().any(|tag| trimmed.starts_with(tag))
}

/// A file's name as it is kept: the last part of a path, without what a file system or a header could trip over, at
/// most 150 characters (J-06).
///
/// # Errors
/// When nothing is left of it.
pub fn clean_name(name: &str) -> Result<String, String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last
        .chars()
        .filter(|character| !character.is_control() && !"\"<>:|?*".contains(*character))
        .filter(|character| !matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}'))
        .collect();
    let cleaned = cleaned.trim_matches([' ', '.']);
    let (stem, extension) = cleaned.rsplit_once('.').unwrap_or((cleaned, ""));
    let reserved = [
        "con", "prn", "aux", "nul", "com1", "com2", "com3", "lpt1", "lpt2", "lpt3",
    ];
    if stem.is_empty() || reserved.contains(&stem.to_lowercase().as_str()) {
        return Err("It must be a file name such as invoice.pdf".to_owned());
    }
    let stem: String = stem.chars().take(140).collect();
    Ok(if extension.is_empty() {
        stem
    } else {
        format!("{stem}.{}", extension.chars().take(9).collect::<String>())
    })
}

/// The `Content-Disposition` of a download (RFC 6266): saved, never shown, under a name that cannot leave its quotes.
pub fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || ".-_ ".contains(character) {
                character
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// A link to a file in the customer's own storage (TDO-2): https, a host name, no credentials.
///
/// # Errors
/// Says what a link looks like.
pub fn check_link(text: &str) -> Result<String, String> {
    let wrong = "It must be an https address such as https://files.example.com/contract.pdf".to_owned();
    let url = url::Url::parse(text).map_err(|_| wrong.clone())?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    match url.domain() {
        Some(_) if plain && text.len() <= 2_000 => Ok(url.to_string()),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_paths_and_tricks() {
        for (name, kept) in [
            ("../../etc/passwd.txt", "passwd.txt"),
            ("..\\x.pdf", "x.pdf"),
            ("C:\\dir\\x.pdf", "x.pdf"),
            ("a\u{202E}gpj.exe", "agpj.exe"),
            ("a\0b\r\n.pdf", "ab.pdf"),
            ("x.pdf...", "x.pdf"),
            ("Räksmörgås.pdf", "Räksmörgås.pdf"),
        ] {
            assert_eq!(clean_name(name).as_deref(), Ok(kept), "{name:?}");
        }
        for name in ["", "..", "con.txt", "/", "\u{0}"] {
            assert!(clean_name(name).is_err(), "{name:?}");
        }
        assert!(clean_name(&"x".repeat(300)).unwrap().len() <= 150);
    }

    #[test]
    fn a_disposition_header_has_no_way_out_of_its_quotes() {
        let header = disposition("a\"b\r\nSet-Cookie:ü.pdf");
        assert_eq!(
            header,
            "attachment; filename=\"a_b__Set-Cookie__.pdf\"; filename*=UTF-8''a%22b%0D%0ASet-Cookie%3A%C3%BC.pdf"
        );
    }

    #[test]
    fn type_name_and_content_must_agree() {
        assert!(check_type("application/pdf", "x.PDF").is_ok());
        assert!(check_type("application/pdf", "x.exe").is_err());
        assert!(check_type("text/html", "x.html").is_err());
        assert!(looks_like("application/pdf", b"%PDF-1.7"));
        assert!(!looks_like("application/pdf", b"PK\x03\x04"));
        assert!(!looks_like("text/plain", b"MZ\x90"));
        assert!(!looks_like("text/plain", b" <!DOCTYPE html>"));
        assert!(looks_like("text/plain", "grüße\n".as_bytes()));
    }

    #[test]
    fn links_are_https_to_a_host_name() {
        assert!(check_link("https://files.example.com/a b.pdf").is_ok());
        for link in [
            "http://example.com/x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://user@example.com/",
            "https://127.0.0.1/x",
            "https://[::1]/",
            "",
            "https://",
        ] {
            assert!(check_link(link).is_err(), "{link}");
        }
    }
}
