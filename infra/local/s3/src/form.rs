//! The `${filename}` placeholder in the key of a POST form.

use bytes::Bytes;

const PLACEHOLDER: &str = "${filename}";

/// Replaces the placeholder in the form's `key` field by the name of the uploaded file. Bodies that are not such a
/// form come back unchanged; telling why they are wrong is left to whoever parses them.
pub(crate) fn expand_filename(content_type: &str, body: Bytes) -> Bytes {
    expanded(content_type, &body).map_or(body, Bytes::from)
}

fn expanded(content_type: &str, body: &[u8]) -> Option<Vec<u8>> {
    let boundary = content_type
        .split(';')
        .find_map(|part| part.trim().strip_prefix("boundary="))?
        .trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut key: Option<(usize, usize)> = None;
    let mut start = find(body, delimiter.as_bytes(), 0)? + delimiter.len();
    loop {
        let content = find(body, b"\r\n\r\n", start)? + 4;
        let headers = String::from_utf8_lossy(body.get(start..content)?).into_owned();
        let name = attribute(&headers, "name")?;
        if name.eq_ignore_ascii_case("file") {
            let (from, to) = key?;
            let value = std::str::from_utf8(body.get(from..to)?).ok()?;
            let path = attribute(&headers, "filename").unwrap_or_default();
            let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
            let value = value
                .contains(PLACEHOLDER)
                .then(|| value.replace(PLACEHOLDER, file))?;
            return Some([body.get(..from)?, value.as_bytes(), body.get(to..)?].concat());
        }
        let end = find(body, format!("\r\n{delimiter}").as_bytes(), content)?;
        if name.eq_ignore_ascii_case("key") {
            key = Some((content, end));
        }
        start = end + 2 + delimiter.len();
    }
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| at + from)
}

/// Reads `name="value"` from the headers of a part.
fn attribute<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    // The separator in front keeps `filename` from being taken for `name`.
    let rest = headers.split_once(&format!("; {name}=\""))?.1;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nup/${filename}\r\n\
        --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\dir\\f.txt\"\r\n\r\n${filename}\r\n--B--\r\n";

    #[test]
    fn the_key_takes_the_base_name_of_the_file_and_the_content_stays() {
        let out = expand_filename(
            "multipart/form-data; boundary=B",
            Bytes::from_static(FORM.as_bytes()),
        );
        let text = String::from_utf8(out.to_vec()).unwrap();
        assert!(text.contains("\r\n\r\nup/f.txt\r\n"));
        assert!(text.contains("\r\n\r\n${filename}\r\n"));
    }

    #[test]
    fn anything_else_comes_back_unchanged() {
        for body in ["", "--B", "no form", "--B\r\n\r\n"] {
            let body = Bytes::from_static(body.as_bytes());
            assert_eq!(
                expand_filename("multipart/form-data; boundary=B", body.clone()),
                body
            );
            assert_eq!(expand_filename("text/plain", body.clone()), body);
        }
    }
}
