//! Names: addresses for [`Egress`](super::Egress), and the TXT records that show whose a domain is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

use super::Failure;

/// The longest time for one look-up with all its attempts.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(2_500);

/// The longest wait for one name server's answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_000);

/// The label under which a domain's owner publishes a challenge.
const CHALLENGE_LABEL: &str = "_trackwell-challenge";

/// The most TXT records that are looked at: whoever publishes a challenge publishes it under a name of its own.
const MAX_RECORDS: usize = 20;

/// A domain that an organisation can own: in ASCII (IDNA 2008) and lower case, at least two labels, not an address.
///
/// That it is not a public suffix such as `co.uk` is not checked: to verify one takes a TXT record in it, which only
/// its registry can publish.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// Reads a domain.
    ///
    /// # Errors
    /// Says what a domain looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        const WRONG: &str = "It must be a domain such as example.com";
        let ascii = idna::domain_to_ascii_strict(text.trim()).map_err(|_| WRONG)?;
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let labels: Vec<_> = ascii.split('.').collect();
        let top_is_a_name = labels
            .last()
            .is_some_and(|top| !top.bytes().all(|byte| byte.is_ascii_digit()));
        // The challenge's label stands in front and the whole must still be a name of at most 253 characters.
        let fits = CHALLENGE_LABEL.len() + 1 + ascii.len() <= 253;
        if labels.len() < 2 || !labels.iter().copied().all(label) || !top_is_a_name || !fits {
            return Err(WRONG.to_owned());
        }
        Ok(Self(ascii))
    }

    /// The domain in ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name whose TXT record must hold the challenge.
    pub fn challenge_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.0)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Domain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Domain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Domain {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Domain".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 3, "maxLength": 253 })
    }
}

/// Asks name servers. Nothing is cached: an address is checked and used at once, and who has just published a
/// challenge wants it to be seen.
pub(super) struct Dns(Option<TokioResolver>);

impl Dns {
    /// Asks `server`, or those of `/etc/resolv.conf`.
    pub(super) fn new(server: Option<SocketAddr>) -> Self {
        let (config, mut options) = match server {
            Some(server) => (only(server), ResolverOpts::default()),
            None => hickory_resolver::system_conf::read_system_conf().unwrap_or_default(),
        };
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = ATTEMPT_TIMEOUT;
        options.attempts = 2;
        let resolver =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
        Self(resolver.build().ok())
    }

    /// Every address of a name, those of IPv4 first.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let resolver = self.0.as_ref().ok_or(Failure::Unresolved)?;
        let lookup = tokio::time::timeout(LOOKUP_TIMEOUT, resolver.lookup_ip(absolute(name)));
        let found = lookup
            .await
            .map_err(|_| Failure::Slow)?
            .map_err(|_| Failure::Unresolved)?;
        let mut addresses: Vec<_> = found.iter().collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        Ok(addresses)
    }

    /// The texts of a name's TXT records; none when there is no such name.
    pub(super) async fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let resolver = self.0.as_ref().ok_or(Failure::Unresolved)?;
        let lookup = tokio::time::timeout(LOOKUP_TIMEOUT, resolver.txt_lookup(absolute(name)));
        let found = match lookup.await.map_err(|_| Failure::Slow)? {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(_) => return Err(Failure::Unresolved),
        };
        let text = |data: &RData| match data {
            // A text of more than 255 bytes comes in pieces (RFC 7208 §3.3 reads them the same way).
            RData::TXT(text) => String::from_utf8(text.txt_data.concat()).ok(),
            _ => None,
        };
        let records = found.answers().iter().take(MAX_RECORDS);
        Ok(records.filter_map(|record| text(&record.data)).collect())
    }
}

/// Whether the name server says that there is nothing, rather than nothing at all.
fn is_absent(error: &NetError) -> bool {
    error.is_nx_domain() || error.is_no_records_found()
}

/// The name as seen from the root, so that no search domain is tried.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn only(server: SocketAddr) -> ResolverConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    config.connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    ResolverConfig::from_parts(None, Vec::new(), vec![config])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_have_one_spelling() {
        for (text, kept) in [
            ("example.com", "example.com"),
            (" Example.COM ", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("a.b.co.uk", "a.b.co.uk"),
        ] {
            assert_eq!(Domain::parse(text).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_nobody_can_own_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "a.".repeat(120));
        for text in [
            "",
            "com",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "example.com.",
            ".example.com",
            "a..b",
            "-a.example",
            "a_b.example",
            "*.example.com",
            "example.com/x",
            "exa mple.com",
            "https://example.com",
            "ada@example.com",
            long.as_str(),
            longer.as_str(),
        ] {
            assert!(Domain::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_challenge_stands_under_a_label_of_its_own() {
        assert_eq!(
            Domain::parse("example.com").unwrap().challenge_name(),
            "_trackwell-challenge.example.com"
        );
    }
}
