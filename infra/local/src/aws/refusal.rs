//! Refusals in the form of each service, so that the SDK takes them for what they are.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;

use crate::mailbox::escape;

/// The answer to a request that says nothing about who it is from.
pub(super) fn missing_identity(request: &Request<Bytes>) -> Response<Bytes> {
    if request.headers().contains_key("x-amz-target") {
        json_error(
            "com.amazon.coral.service#MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        )
    } else {
        xml_error("AccessDenied", "Access Denied")
    }
}

/// The answer to an access key that nobody has.
pub(super) fn unknown_identity(service: &str) -> Response<Bytes> {
    match service {
        "s3" => xml_error(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "ses" => rest_error("UnrecognizedClientException", INVALID_TOKEN),
        _ => json_error(
            "com.amazon.coral.service#UnrecognizedClientException",
            INVALID_TOKEN,
        ),
    }
}

const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// The answer to a call that the function's policy does not allow.
pub(super) fn not_authorized(service: &str, denied: &str) -> Response<Bytes> {
    match service {
        "s3" => xml_error("AccessDenied", denied),
        "ses" => rest_error("AccessDeniedException", denied),
        "kms" => json_error("AccessDeniedException", denied),
        _ => json_error("com.amazon.coral.service#AccessDeniedException", denied),
    }
}

fn json_error(kind: &str, message: &str) -> Response<Bytes> {
    let body = json!({ "__type": kind, "message": message }).to_string();
    respond(StatusCode::BAD_REQUEST, "application/x-amz-json-1.0", body)
}

fn rest_error(kind: &'static str, message: &str) -> Response<Bytes> {
    let body = json!({ "message": message }).to_string();
    let mut response = respond(StatusCode::FORBIDDEN, "application/json", body);
    response
        .headers_mut()
        .insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}

fn xml_error(code: &str, message: &str) -> Response<Bytes> {
    let message = escape(message);
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    respond(StatusCode::FORBIDDEN, "application/xml", body)
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
