//! API Gateway events (payload version 2.0) as the gateway makes them, and whether an answer has the form it wants.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use local::gateway::matched;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::{Result, clock};

/// The event of a request with a body of text.
pub(crate) fn of(request: &Request<Bytes>) -> Result<Value> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let query = request.uri().query().unwrap_or_default();
    let matched = matched(method, path);
    let route_key = format!("{} {}", matched.route.method, matched.route.path);
    let mut headers = Map::new();
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(|error| format!("{name}: {error}"))?;
        headers.insert(name.to_string(), value.into());
    }
    let host = request
        .uri()
        .authority()
        .map_or("localhost", http::uri::Authority::as_str);
    headers.insert("host".to_owned(), host.into());
    let mut event = json!({
        "version": "2.0", "routeKey": route_key, "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "bench", "domainName": host, "domainPrefix": "bench",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench",
            },
            "requestId": "bench", "routeKey": route_key, "stage": "$default",
            "time": clock::now().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": clock::now().as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    // What there is nothing of is left out, as the gateway does.
    if !query.is_empty() {
        let parameters = form_urlencoded::parse(query.as_bytes());
        event["queryStringParameters"] = parameters
            .map(|(name, value)| (name.into_owned(), Value::from(value)))
            .collect();
    }
    if !matched.parameters.is_empty() {
        event["pathParameters"] = matched
            .parameters
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect();
    }
    if !request.body().is_empty() {
        let body = std::str::from_utf8(request.body()).map_err(|error| error.to_string())?;
        event["body"] = body.into();
    }
    Ok(event)
}

/// The status of an answer that has the gateway's form, if it is the expected one.
pub(crate) fn check(answer: &Value, expected: u16) -> Result<String> {
    let malformed = |what: &str| Err(format!("{what} is not as API Gateway wants it: {answer}"));
    let Some(status) = answer["statusCode"].as_u64() else {
        return malformed("statusCode");
    };
    let Some(headers) = answer["headers"]
        .as_object()
        .filter(|headers| headers.values().all(Value::is_string))
    else {
        return malformed("headers");
    };
    if !answer["isBase64Encoded"].is_boolean() {
        return malformed("isBase64Encoded");
    }
    let body = match &answer["body"] {
        Value::Null => "",
        Value::String(body) => body.as_str(),
        _ => return malformed("body"),
    };
    if status != u64::from(expected) {
        return Err(format!("{expected} was expected, and {status} came: {body}"));
    }
    let kind = headers
        .get(CONTENT_TYPE.as_str())
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_what_it_says = match kind.split(';').next().unwrap_or_default() {
        "" => body.is_empty(),
        "text/plain" | "text/csv" => !body.is_empty(),
        "text/html" => body.starts_with("<!doctype html>"),
        _ => kind.contains("json") && serde_json::from_str::<Value>(body).is_ok(),
    };
    if !is_what_it_says {
        return Err(format!("the body of type {kind:?} is not what it says: {body:?}"));
    }
    Ok(status.to_string())
}
