//! Where a browser goes after signing in.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest path, in bytes.
const MAX_LENGTH: usize = 512;

/// A path on our own origin, with its query. Whatever else is asked for becomes the default page: an error would not
/// help whoever followed a bad link, and a redirect to it would help whoever made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads what a link asks for.
    pub fn parse(asked: Option<&str>) -> Self {
        asked
            .filter(|path| is_ours(path))
            .map_or_else(Self::default, |path| Self(path.to_owned()))
    }

    /// The path and query, beginning with one slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ReturnTo {
    /// The page that people see first.
    fn default() -> Self {
        Self("/".to_owned())
    }
}

// A path of our pages can name what somebody looks at.
impl fmt::Debug for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/…")
    }
}

/// Whether every reader of the text takes it for a path on the origin it is found at.
fn is_ours(path: &str) -> bool {
    const ORIGIN: &str = "https://origin.invalid";
    let lower = path.to_ascii_lowercase();
    let plain = path.len() <= MAX_LENGTH
        && path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#')
        // Somewhere on the way a proxy or a page may decode the path once more.
        && !["//", "/%2f", "%2f%2f", "%2f/", "%5c", "%09", "%0a", "%0d", "%00", "%25"]
            .iter()
            .any(|trick| lower.contains(trick));
    plain
        && Url::parse(ORIGIN)
            .and_then(|origin| origin.join(path))
            .is_ok_and(|url| url.as_str().strip_prefix(ORIGIN) == Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f_25_paths_of_ours_are_kept() {
        for path in ["/", "/records", "/records/a?b=c&d=%20e", "/@ada", "/a%2fb"] {
            assert_eq!(ReturnTo::parse(Some(path)).as_str(), path);
        }
    }

    #[test]
    fn f_25_whatever_else_is_asked_for_becomes_the_default_page() {
        let long = format!("/{}", "a".repeat(600));
        for path in [
            "",
            "https://evil.example",
            "HTTPS://EVIL.example",
            "hTtPs://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https://origin.invalid@evil.example",
            "https://origin.invalid/records",
            "javascript:alert(1)",
            "data:text/html,x",
            "%2f%2fevil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/%5Cevil.example",
            "/%09/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/%252fevil.example",
            "/records#fragment",
            "/records//evil.example",
            "/a/../..//evil.example",
            "/a/../b",
            "/.",
            " /records",
            "/re cords",
            "/récords",
            "/。evil",
            "evil.example",
            "xn--pple-43d.example",
            long.as_str(),
        ] {
            assert_eq!(ReturnTo::parse(Some(path)).as_str(), "/", "{path:?}");
        }
        assert_eq!(ReturnTo::parse(None).as_str(), "/");
    }
}
