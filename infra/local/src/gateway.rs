//! The HTTP API in front of the functions: finds the route, invokes its function with an API Gateway event, and turns
//! the function's answer into HTTP. What the real one refuses is refused here, in the same words.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use functions::registry::{FALLBACK_ANSWER, ROUTES, Route};
use futures::FutureExt as _;
use http::{Request, Response, StatusCode, header};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Service as _, service_fn};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use shared::ctx::Ctx;

use crate::event::{self, Invocation};

/// The longest that an HTTP API waits for a function.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Lambda takes no larger event than this: 6 MB, and a body that is not text grows by a third on its way into it.
const MAX_EVENT: usize = 6 * 1024 * 1024;

/// A route and what its path says.
#[derive(Clone)]
pub struct Matched {
    /// The route.
    pub route: &'static Route,
    /// The parameters of its path, decoded.
    pub parameters: Vec<(String, String)>,
}

/// The route that takes a request, or the one that takes what no other does.
pub fn matched(method: &str, path: &str) -> Matched {
    let all = ROUTES
        .iter()
        .copied()
        .filter(|route| route.name != FALLBACK_ANSWER.name && route.method == method);
    let mut found: Vec<Matched> = all
        .filter_map(|route| parameters(route.path, path).map(|parameters| Matched { route, parameters }))
        .collect();
    // A word in a path is nearer than a parameter in its place.
    found.sort_by_key(|matched| matched.parameters.len());
    found.into_iter().next().unwrap_or_else(|| {
        let rest = percent_decode_str(path.trim_start_matches('/'))
            .decode_utf8_lossy()
            .into_owned();
        Matched {
            route: &FALLBACK_ANSWER,
            parameters: vec![("proxy".to_owned(), rest)],
        }
    })
}

/// The parameters of a path, if it fits the template: each stands for one part that is not empty.
fn parameters(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut parts = path.split('/');
    for expected in template.split('/') {
        let part = parts.next()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if part.is_empty() => return None,
            Some(name) => {
                let value = percent_decode_str(part).decode_utf8().ok()?;
                parameters.push((name.to_owned(), value.into_owned()));
            }
            None if part == expected => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(parameters)
}

/// Invokes the function of a route with a request.
pub(crate) async fn invoke(
    matched: Matched,
    ctx: Arc<Ctx>,
    invocation: Invocation,
    request: Request<Bytes>,
) -> Response<Bytes> {
    let id = invocation.request_id.clone();
    let mut response = match event::of_request(&matched, &invocation, &request) {
        Err(event::Unfit) => refuse(StatusCode::BAD_REQUEST, "Bad Request"),
        Ok(event) => {
            let event = event.to_string();
            if event.len() > MAX_EVENT {
                too_large()
            } else {
                within(matched.route, invocation, run(matched.route, ctx, event)).await
            }
        }
    };
    if let Ok(id) = http::HeaderValue::from_str(&id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

/// Waits for a function as long as it may run, and answers for it when it does not.
async fn within(
    route: &Route,
    invocation: Invocation,
    work: impl Future<Output = Result<Value, String>>,
) -> Response<Bytes> {
    let limit = invocation.timeout.min(LONGEST_WAIT);
    let failed = |cause: &str| {
        tracing::error!(route = route.name, request_id = %invocation.request_id, cause, "a function failed");
    };
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Err(_) => {
            failed("it ran into its time limit");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Ok(Err(_)) => {
            failed("it panicked");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
        Ok(Ok(answer)) => answer.and_then(event::into_response).unwrap_or_else(|cause| {
            failed(&cause);
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }),
    }
}

/// The function, as `lambda_http` runs it around a handler.
async fn run(route: &'static Route, ctx: Arc<Ctx>, event: String) -> Result<Value, String> {
    let request: LambdaRequest = serde_json::from_str(&event).map_err(|error| error.to_string())?;
    let handler = service_fn(move |request: lambda_http::Request| {
        let ctx = Arc::clone(&ctx);
        async move { Ok::<_, Infallible>(functions::gateway::answer(route, ctx, request).await) }
    });
    let answer = Adapter::from(handler)
        .call(LambdaEvent::new(request, Context::default()))
        .await;
    let Ok(answer) = answer;
    serde_json::to_value(&answer).map_err(|error| error.to_string())
}

/// The gateway's answer to a body that is too large for it.
pub(crate) fn too_large() -> Response<Bytes> {
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
}

/// An answer of the gateway itself.
pub(crate) fn refuse(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> (&'static str, Vec<String>) {
        let Matched { route, parameters } = matched(method, path);
        (
            route.name,
            parameters
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        )
    }

    fn values(parameters: &[&str]) -> Vec<String> {
        parameters.iter().map(|&value| value.to_owned()).collect()
    }

    #[test]
    fn a_path_fits_its_template_part_by_part() {
        assert_eq!(found("GET", "/v1/records"), ("records-list", values(&[])));
        assert_eq!(
            found("GET", "/v1/records/rec_1"),
            ("records-get", values(&["record_id=rec_1"]))
        );
        let attachment = found("POST", "/v1/records/rec_1/attachments/att_2/complete");
        assert_eq!(
            attachment,
            (
                "attachments-complete",
                values(&["record_id=rec_1", "attachment_id=att_2"])
            )
        );
        assert_eq!(found("GET", "/.well-known/jwks.json"), ("jwks-get", values(&[])));
    }

    #[test]
    fn parameters_are_decoded_once_and_never_span_two_parts() {
        assert_eq!(
            found("GET", "/v1/records/a%2Fb%2520"),
            ("records-get", values(&["record_id=a/b%20"]))
        );
        assert_eq!(
            found("GET", "/v1/records/a/b"),
            ("fallback-answer", values(&["proxy=v1/records/a/b"]))
        );
    }

    #[test]
    fn what_no_route_takes_goes_to_the_fallback() {
        for (method, path) in [
            ("HEAD", "/v1/records"),
            ("OPTIONS", "/v1/records"),
            ("PUT", "/v1/records"),
            ("get", "/v1/records"),
            ("GET", "/v1/records/"),
            ("GET", "/V1/records"),
            ("GET", "//v1/records"),
            ("GET", "/v1/records/%ff"),
            ("GET", "/"),
            ("ANY", "/{proxy+}"),
        ] {
            assert_eq!(found(method, path).0, "fallback-answer", "{method} {path}");
        }
    }
}
