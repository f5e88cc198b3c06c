//! A URL that may be asked, as far as that can be seen without resolving its name.

use std::fmt;

use url::{Host, Position, Url};

/// The longest URL that is read, in bytes.
const MAX_LENGTH: usize = 2_048;

/// Names that lead to the machine or its network, whatever a name server says.
const LOCAL_NAMES: [&str; 8] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "home",
    "lan",
    "corp",
    "arpa",
];

/// A URL that may be asked: `https`, a name of at least two labels, port 443, nobody's credentials, no fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Destination(Url);

impl Destination {
    /// Reads a URL. With `loopback`, the machine itself may be named, too, without TLS and with any port.
    ///
    /// The URL must be spelled as the parser spells it: text that two parsers could read differently (another case, a
    /// backslash, line feeds, numbers that stand for addresses) is refused instead of repaired.
    ///
    /// # Errors
    /// Says what such a URL looks like.
    pub fn parse(text: &str, loopback: bool) -> Result<Self, String> {
        const WRONG: &str = "It must be a URL such as https://id.example.com/path, with a public name, and without a \
                             port, credentials or a fragment";
        if text.len() > MAX_LENGTH {
            return Err(format!("A URL has at most {MAX_LENGTH} characters"));
        }
        let url = Url::parse(text).map_err(|_| WRONG)?;
        let as_spelled =
            url.as_str() == text || (url.path() == "/" && url.as_str().strip_suffix('/') == Some(text));
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !as_spelled || !plain {
            return Err(WRONG.to_owned());
        }
        let destination = Self(url);
        let allowed = match destination.0.scheme() {
            "https" | "http" if loopback && destination.is_loopback() => true,
            "https" => destination.0.port().is_none() && destination.is_public_name(),
            _ => false,
        };
        if allowed {
            Ok(destination)
        } else {
            Err(WRONG.to_owned())
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The parsed URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host as it is named in the URL, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Host and, where it is not the scheme's own, port.
    pub(super) fn authority(&self) -> &str {
        &self.0[Position::BeforeHost..Position::AfterPort]
    }

    /// Path and query.
    pub(super) fn path_and_query(&self) -> &str {
        &self.0[Position::BeforePath..Position::AfterQuery]
    }

    /// The port that is connected to.
    pub(super) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// Whether TLS is spoken.
    pub(super) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the URL names the machine itself.
    pub(super) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    fn is_public_name(&self) -> bool {
        let Some(Host::Domain(name)) = self.0.host() else {
            return false;
        };
        let mut labels = name.rsplit('.');
        let top = labels.next().unwrap_or_default();
        !top.is_empty() && labels.next().is_some_and(|label| !label.is_empty()) && !LOCAL_NAMES.contains(&top)
    }
}

// Paths and queries of endpoints can hold secrets: only the host may reach a log.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_urls_are_taken_as_they_are_spelled() {
        for url in [
            "https://id.example.com",
            "https://id.example.com/",
            "https://id.example.com/a/b?c=d",
            "https://xn--bcher-kva.example/realms/x",
        ] {
            assert!(Destination::parse(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn l_01_l_02_l_03_the_machine_its_network_and_metadata_are_refused() {
        for url in [
            "https://127.0.0.1/",
            "https://localhost/",
            "https://app.localhost/",
            "https://[::1]/",
            "https://0.0.0.0/",
            "https://127.1/",
            "https://2130706433/",
            "https://017700000001/",
            "https://0x7f000001/",
            "https://169.254.169.254/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:169.254.169.254]/",
            "https://100.100.100.200/",
            "https://metadata.google.internal/",
            "https://metadata/",
            "https://printer.local/",
            "https://10.0.0.1/",
            "https://192.168.1.1/",
            "https://8.8.8.8/",
            "https://1.0.0.127.in-addr.arpa/",
        ] {
            assert!(Destination::parse(url, false).is_err(), "{url}");
        }
    }

    #[test]
    fn l_08_l_09_other_schemes_and_ports_are_refused() {
        for url in [
            "http://id.example.com/",
            "file:///etc/passwd",
            "gopher://id.example.com/",
            "ftp://id.example.com/",
            "dict://id.example.com/",
            "data:text/plain,x",
            "javascript:alert(1)",
            "unix:///var/run/docker.sock",
            "https://id.example.com:80/",
            "https://id.example.com:8443/",
            "https://id.example.com:22/",
        ] {
            assert!(Destination::parse(url, false).is_err(), "{url}");
        }
    }

    #[test]
    fn l_10_urls_that_two_parsers_could_read_differently_are_refused() {
        for url in [
            "https://good.example@evil.example/",
            "https://good.example:x@evil.example/",
            "https://@evil.example/",
            "https://evil.example#good.example",
            "https://evil.example/#good.example",
            "https://good.example\\@evil.example/",
            "https:\\\\good.example/",
            "https:good.example/",
            "https:/good.example/",
            "https:///good.example/",
            "https://good.ex\tample/",
            "https://good.ex\nample/",
            " https://good.example/",
            "https://good.example /",
            "https://GOOD.example/",
            "HTTPS://good.example/",
            "https://good。example/",
            "https://127。0。0。1/",
            "https://gооd.example/",
            "https://good.example./",
            "https://good.example/a/../b",
            "https://good%2eexample/",
            "https://good.example:443/",
            "//good.example/",
            "good.example",
            "",
        ] {
            assert!(Destination::parse(url, false).is_err(), "{url:?}");
        }
        let long = format!("https://good.example/{}", "a".repeat(3_000));
        assert!(Destination::parse(&long, false).is_err());
    }

    #[test]
    fn the_machine_itself_can_be_allowed_and_nothing_else_with_it() {
        for url in [
            "http://127.0.0.1:9000/a",
            "http://localhost:9000",
            "https://localhost:9000",
            "http://[::1]:80/",
        ] {
            // Port 80 is the scheme's own, so the parser leaves it out.
            let url = url.replace(":80/", "/");
            assert!(Destination::parse(&url, true).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://id.example.com/", "http://0.0.0.0/"] {
            assert!(Destination::parse(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn debug_output_shows_neither_path_nor_query() {
        let destination = Destination::parse("https://id.example.com/secret?code=secret", false).unwrap();
        assert!(!format!("{destination:?}").contains("secret"));
    }
}
