//! Where a request comes from: what the gateway or our own edge saw, and never what the caller says.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use http::header::{AsHeaderName, USER_AGENT};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use shared::config::Config;
use shared::source::Source;

use super::dispatch::ORIGIN_SECRET;

/// The header in which the edge tells the viewer's address. It sets it on every request, whatever the viewer sent; see
/// `infra/edge.yaml`.
const VIEWER_ADDRESS: &str = "true-client-ip";

/// The subject of limits for callers whose address is unknown: they share one count.
const UNKNOWN: &str = "unknown";

/// Where `raw` comes from.
///
/// That is the address that API Gateway was called from. Behind the edge that is the edge, so the address that the edge
/// tells counts instead, if the request shows the edge's secret. Without an edge anybody can send that header, as anybody
/// can always send `X-Forwarded-For`: neither counts (A-31).
pub fn source(raw: &lambda_http::Request, config: &Config) -> Source {
    let headers = raw.headers();
    let behind_edge = !config.origin_secrets.is_empty() && config.admits(only(headers, ORIGIN_SECRET));
    let address = if behind_edge {
        only(headers, VIEWER_ADDRESS).and_then(address)
    } else {
        match raw.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.http.source_ip.as_deref().and_then(address)
            }
            _ => None,
        }
    };
    Source::new(address, only(headers, USER_AGENT))
}

/// What limits per source count: the address; of IPv6 the first 64 bits, because a customer's line has all that begin so.
pub fn limited(source: &Source) -> String {
    match source.address {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        None => UNKNOWN.to_owned(),
    }
}

/// An address in its one form: an IPv4 address within IPv6 is the IPv4 address.
fn address(text: &str) -> Option<IpAddr> {
    text.trim()
        .parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// The value of a header that stands once and is text.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

    use super::*;

    /// SHA-256 of `old`.
    const HASHES: &str = "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4";

    fn config(hashes: &str) -> Config {
        let variable = |name: &str| {
            let value = match name {
                "PROFILE" => "trackado",
                "TOKEN_PUBLIC_KEYS" => r#"{"keys":[]}"#,
                "ORIGIN_SECRET_HASHES" => hashes,
                "DNS_SERVER" => return None,
                _ => "x",
            };
            Some(value.to_owned())
        };
        Config::from(&variable).unwrap()
    }

    /// The subject of limits of a request that API Gateway got from `source_ip`.
    fn subject(hashes: &str, source_ip: &str, headers: &[(&str, &str)]) -> String {
        let mut request = http::Request::new(lambda_http::Body::Empty);
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(source_ip.to_owned());
        let request = request.with_request_context(RequestContext::ApiGatewayV2(context));
        limited(&source(&request, &config(hashes)))
    }

    #[test]
    fn a_31_no_header_of_the_caller_changes_where_a_request_comes_from() {
        for header in [
            "x-forwarded-for",
            "x-real-ip",
            "forwarded",
            "client-ip",
            "cloudfront-viewer-address",
            VIEWER_ADDRESS,
        ] {
            let headers = [(header, "192.0.2.9")];
            assert_eq!(subject("", "203.0.113.7", &headers), "203.0.113.7", "{header}");
        }
        let headers = [("x-origin-secret", "old"), (VIEWER_ADDRESS, "192.0.2.9")];
        assert_eq!(
            subject("", "203.0.113.7", &headers),
            "203.0.113.7",
            "there is no edge"
        );
    }

    #[test]
    fn behind_the_edge_it_is_the_edge_that_knows_the_address() {
        let told = |address| {
            [
                ("x-origin-secret", "old"),
                (VIEWER_ADDRESS, address),
                ("x-forwarded-for", "192.0.2.1"),
            ]
        };
        for (address, expected) in [
            ("192.0.2.9", "192.0.2.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("192.0.2.9, 192.0.2.10", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(
                subject(HASHES, "203.0.113.7", &told(address)),
                expected,
                "{address}"
            );
        }
        let twice = [
            ("x-origin-secret", "old"),
            (VIEWER_ADDRESS, "192.0.2.9"),
            (VIEWER_ADDRESS, "192.0.2.8"),
        ];
        assert_eq!(subject(HASHES, "203.0.113.7", &twice), UNKNOWN);
        let wrong = [("x-origin-secret", "other"), (VIEWER_ADDRESS, "192.0.2.9")];
        assert_eq!(
            subject(HASHES, "203.0.113.7", &wrong),
            "203.0.113.7",
            "not from the edge"
        );
    }
}
