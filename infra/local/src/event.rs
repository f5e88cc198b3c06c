//! API Gateway events (payload version 2.0): made from an HTTP request, and turned back into an HTTP response.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gateway::Matched;
use crate::kms::ACCOUNT;

/// What is particular to one invocation.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// Names the request.
    pub(crate) request_id: String,
    /// When it came.
    pub(crate) now: Timestamp,
    /// How long the function may run.
    pub(crate) timeout: Duration,
}

/// A request that no event can be made of: a header is not text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit;

/// The event of a request.
pub(crate) fn of_request(
    matched: &Matched,
    invocation: &Invocation,
    request: &Request<Bytes>,
) -> Result<Value, Unfit> {
    let (headers, cookies) = headers(request.headers())?;
    let (method, path) = (request.method().as_str(), request.uri().path());
    let query = request.uri().query().unwrap_or_default();
    let route = matched.route;
    let route_key = format!("{} {}", route.method, route.path);
    let host = headers
        .get(HOST.as_str())
        .and_then(Value::as_str)
        .unwrap_or("localhost")
        .to_owned();
    let user_agent = headers.get(USER_AGENT.as_str()).cloned().unwrap_or_default();
    let text = as_text(request.headers(), request.body());
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": user_agent,
            },
            "requestId": invocation.request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": invocation.now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": invocation.now.as_millisecond(),
        },
        "isBase64Encoded": text.is_none() && !request.body().is_empty(),
    });
    // What there is nothing of is left out, as the gateway does.
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    if !query.is_empty() {
        event["queryStringParameters"] = query_parameters(query);
    }
    if !matched.parameters.is_empty() {
        let parameters = matched
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()));
        event["pathParameters"] = Value::Object(parameters.collect());
    }
    if !request.body().is_empty() {
        event["body"] = text
            .map_or_else(|| BASE64.encode(request.body()), str::to_owned)
            .into();
    }
    Ok(event)
}

/// Headers by their names in lower case, several values of one joined by commas; cookies apart.
fn headers(given: &HeaderMap) -> Result<(Map<String, Value>, Vec<String>), Unfit> {
    let mut joined: BTreeMap<&str, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in given {
        let value = value.to_str().map_err(|_| Unfit)?;
        if name == COOKIE {
            cookies.extend(value.split(';').map(|cookie| cookie.trim().to_owned()));
            continue;
        }
        let all = joined.entry(name.as_str()).or_default();
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(value);
    }
    let headers = joined
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()));
    Ok((headers.collect(), cookies))
}

/// The parameters of a query by name, several values of one joined by commas.
fn query_parameters(query: &str) -> Value {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let all = joined.entry(name.into_owned()).or_default();
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(&value);
    }
    json!(joined)
}

/// The body as text, if its type is one of text and it is.
fn as_text<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a str> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let textual = essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || matches!(
            essence.as_str(),
            "application/json" | "application/xml" | "application/javascript"
        );
    if textual {
        std::str::from_utf8(body).ok()
    } else {
        None
    }
}

/// A function's answer in the gateway's form. What else `lambda_http` writes into it the gateway ignores, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response that a function's answer stands for.
pub(crate) fn into_response(answer: Value) -> Result<Response<Bytes>, String> {
    let answer: Answer = serde_json::from_value(answer).map_err(|error| error.to_string())?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        BASE64.decode(body).map_err(|error| error.to_string())?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).map_err(|error| error.to_string())?;
    let cookies = answer
        .cookies
        .into_iter()
        .map(|cookie| (SET_COOKIE.as_str().to_owned(), cookie));
    for (name, value) in answer.headers.into_iter().chain(cookies) {
        let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
        let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::matched;

    fn event(request: http::request::Builder, body: &'static [u8]) -> Result<Value, Unfit> {
        let request = request.body(Bytes::from_static(body)).unwrap();
        let matched = matched(request.method().as_str(), request.uri().path());
        let invocation = Invocation {
            request_id: "id".to_owned(),
            now: "2026-11-05T09:08:07.5Z".parse().unwrap(),
            timeout: Duration::from_secs(1),
        };
        of_request(&matched, &invocation, &request)
    }

    #[test]
    fn a_request_becomes_the_event_that_api_gateway_sends() {
        let request = Request::patch("/v1/records/rec_1?a=1&b=x%20y&a=2")
            .header("Host", "localhost:8787")
            .header("X-Twice", "1")
            .header("x-twice", "2")
            .header("cookie", "a=b; c=d")
            .header("content-type", "application/merge-patch+json")
            .header("user-agent", "curl");
        let expected = json!({
            "version": "2.0",
            "routeKey": "PATCH /v1/records/{record_id}",
            "rawPath": "/v1/records/rec_1",
            "rawQueryString": "a=1&b=x%20y&a=2",
            "cookies": ["a=b", "c=d"],
            "headers": {
                "content-type": "application/merge-patch+json",
                "host": "localhost:8787",
                "user-agent": "curl",
                "x-twice": "1,2",
            },
            "queryStringParameters": { "a": "1,2", "b": "x y" },
            "pathParameters": { "record_id": "rec_1" },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "localhost:8787",
                "domainPrefix": "local",
                "http": {
                    "method": "PATCH",
                    "path": "/v1/records/rec_1",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "curl",
                },
                "requestId": "id",
                "routeKey": "PATCH /v1/records/{record_id}",
                "stage": "$default",
                "time": "05/Nov/2026:09:08:07 +0000",
                "timeEpoch": 1_793_869_687_500_i64,
            },
            "body": "{}",
            "isBase64Encoded": false,
        });
        assert_eq!(event(request, b"{}").unwrap(), expected);
    }

    #[test]
    fn bodies_that_are_not_text_travel_in_base64_and_absent_ones_not_at_all() {
        let binary = event(
            Request::post("/v1/records").header("content-type", "image/png"),
            b"\x89PNG",
        )
        .unwrap();
        assert_eq!(
            (&binary["body"], &binary["isBase64Encoded"]),
            (&json!("iVBORw=="), &json!(true))
        );
        let broken = event(
            Request::post("/v1/records").header("content-type", "text/csv"),
            b"\xff",
        )
        .unwrap();
        assert_eq!(
            (&broken["body"], &broken["isBase64Encoded"]),
            (&json!("/w=="), &json!(true))
        );
        let none = event(Request::get("/v1/records"), b"").unwrap();
        assert!(
            none.get("body").is_none() && none.get("cookies").is_none() && none["isBase64Encoded"] == false
        );
    }

    #[test]
    fn a_header_that_is_not_text_makes_no_event() {
        let request = Request::get("/").header("x-name", HeaderValue::from_bytes(b"\xfc").unwrap());
        assert_eq!(event(request, b""), Err(Unfit));
    }

    #[test]
    fn an_answer_becomes_a_response_with_its_cookies() {
        let answer = json!({
            "statusCode": 201, "headers": { "etag": "\"1\"" }, "multiValueHeaders": {}, "cookies": ["a=b", "c=d"],
            "body": "aGk=", "isBase64Encoded": true,
        });
        let response = into_response(answer).unwrap();
        assert_eq!(
            (response.status().as_u16(), response.body().as_ref()),
            (201, b"hi".as_ref())
        );
        assert_eq!(response.headers()["etag"], "\"1\"");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        let empty = into_response(json!({ "statusCode": 204, "headers": {}, "body": null })).unwrap();
        assert!(empty.body().is_empty());
        assert!(into_response(json!({ "body": "" })).is_err());
    }
}
