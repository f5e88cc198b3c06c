//! Who a request says it is from: the access key id and the scope of its signature (AWS Signature Version 4).

use bytes::Bytes;
use http::{Request, header};

/// The parts of a credential that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) access_key: String,
    pub(super) service: String,
}

impl Credential {
    /// The credential of a signed request or a presigned URL. With more than one, or none, nobody is identified.
    pub(super) fn of(request: &Request<Bytes>) -> Option<Self> {
        let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
        let in_header = headers.next().map(|value| value.to_str().unwrap_or_default());
        let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let mut in_query = query.filter(|(name, _)| name == "X-Amz-Credential");
        match (in_header, headers.next(), in_query.next(), in_query.next()) {
            (Some(header), None, None, None) => {
                let parameters = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
                let credential = parameters
                    .split(',')
                    .find_map(|parameter| parameter.trim().strip_prefix("Credential="))?;
                Self::parse(credential)
            }
            (None, None, Some((_, credential)), None) => Self::parse(&credential),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let access_key = parts.next()?.to_owned();
        let (_date, _region, service) = (parts.next()?, parts.next()?, parts.next()?.to_owned());
        (parts.next() == Some("aws4_request") && parts.next().is_none())
            .then_some(Self { access_key, service })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Option<(String, String)> {
        let request = build(Request::builder()).body(Bytes::new()).unwrap();
        Credential::of(&request).map(|credential| (credential.access_key, credential.service))
    }

    const HEADER: &str = "AWS4-HMAC-SHA256 Credential=AKID/20261101/eu-west-2/dynamodb/aws4_request, \
                          SignedHeaders=host, Signature=00";
    const URL: &str = "/files/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261101%2Feu-west-2%2Fs3%2F\
                       aws4_request";

    #[test]
    fn signed_requests_and_presigned_urls_say_who_they_are_from() {
        let known = |service: &str| Some(("AKID".to_owned(), service.to_owned()));
        assert_eq!(
            of(|request| request.header("authorization", HEADER)),
            known("dynamodb")
        );
        assert_eq!(of(|request| request.uri(URL)), known("s3"));
    }

    #[test]
    fn nobody_is_identified_by_nothing_or_by_two_credentials() {
        assert_eq!(of(|request| request), None);
        assert_eq!(of(|request| request.header("authorization", "Bearer x")), None);
        assert_eq!(
            of(|request| request.uri(URL).header("authorization", HEADER)),
            None
        );
        let twice = |request: http::request::Builder| {
            request
                .header("authorization", HEADER)
                .header("authorization", HEADER)
        };
        assert_eq!(of(twice), None);
        let short = "AWS4-HMAC-SHA256 Credential=AKID/20261101/eu-west-2/dynamodb";
        assert_eq!(of(|request| request.header("authorization", short)), None);
    }
}
