//! Rules about signatures that come on top of verifying them.

use http::request::Parts;
use s3s::{S3Result, s3_error};

/// Seconds a presigned URL may be valid: seven days.
const LONGEST_PRESIGNED: u64 = 604_800;

/// Refuses requests whose signature S3 would not even look at: old schemes, presigned URLs that live too long, and
/// `x-amz-` headers that the signature does not cover.
pub(crate) fn check(parts: &Parts) -> S3Result<()> {
    let query = parts.uri.query().unwrap_or_default();
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let parameter = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let authorization = parts
        .headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if authorization.starts_with("AWS ") || parameter("AWSAccessKeyId").is_some() {
        let message =
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
        return Err(s3_error!(InvalidRequest, "{message}"));
    }
    if let Some(expires) = parameter("X-Amz-Expires")
        && expires
            .parse::<u64>()
            .is_ok_and(|seconds| seconds > LONGEST_PRESIGNED)
    {
        let message = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must \
                       be less than 604800 seconds";
        return Err(s3_error!(AuthorizationQueryParametersError, "{message}"));
    }
    let listed = authorization
        .split("SignedHeaders=")
        .nth(1)
        .and_then(|rest| rest.split([',', ' ']).next());
    let Some(signed) = parameter("X-Amz-SignedHeaders").or(listed) else {
        return Ok(());
    };
    let signed: Vec<&str> = signed.split(';').collect();
    let covered = |name: &str| signed.iter().any(|signed| signed.eq_ignore_ascii_case(name));
    let unsigned = parts.headers.keys().map(http::HeaderName::as_str).find(|name| {
        // The hash of the body may be sent along with a presigned URL; it is verified against the body itself.
        name.starts_with("x-amz-") && *name != "x-amz-content-sha256" && !covered(name)
    });
    if !covered("host") || unsigned.is_some() {
        return Err(s3_error!(
            AccessDenied,
            "There were headers present in the request which were not signed"
        ));
    }
    Ok(())
}
