//! The HTTP side: one whole request in, one whole response out.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpResponse, S3Result, s3_error};

use crate::clock::random;
use crate::cors::Question;
use crate::ops::{Backend, blocking};
use crate::store::Store;
use crate::{form, signing};

/// The S3 REST API over a [`Store`], with path-style addresses (`/bucket/key`).
///
/// Every request must be signed with AWS Signature Version 4, in a header, as a presigned URL or as a POST policy;
/// anything else is answered with 403. Cloning gives another handle to the same service.
#[derive(Clone)]
pub struct Service {
    s3: S3Service,
    store: Store,
}

struct Keyring<F>(F);

#[async_trait::async_trait]
impl<F: Fn(&str) -> Option<String> + Send + Sync + 'static> S3Auth for Keyring<F> {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        (self.0)(access_key)
            .map(SecretKey::from)
            .ok_or_else(|| s3_error!(InvalidAccessKeyId, "{message}"))
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Serves a store. `credentials` returns the secret key that belongs to an access key, or `None` for access keys
    /// it does not know; whoever knows a secret key may do everything.
    pub fn new(store: Store, credentials: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let mut builder = S3ServiceBuilder::new(Backend { store: store.clone() });
        builder.set_auth(Keyring(credentials));
        Self {
            s3: builder.build(),
            store,
        }
    }

    /// Answers one request. Must run on a Tokio runtime. The `Host` header that was signed has to be there, or else
    /// the same host in the request's URI. The answer to HEAD has no body but the `Content-Length` of the object.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = request.into_parts();
        let head = parts.method == Method::HEAD;
        let question = Question::of(&parts);
        let answered = if parts.method == Method::OPTIONS {
            self.preflight(question).await
        } else {
            match prepare(&mut parts, body) {
                Ok(body) => self.dispatch(parts, body, question).await,
                Err(error) => Err(error),
            }
        };
        let response = match answered {
            Ok(response) => response,
            Err(error) => error.to_http_response().unwrap_or_else(|_| failure()),
        };
        let (mut parts, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                tracing::error!(%error, "a response body could not be read");
                return plain(StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
        if let Ok(id) = HeaderValue::try_from(hex::encode_upper(random::<8>())) {
            parts
                .headers
                .insert(HeaderName::from_static("x-amz-request-id"), id);
        }
        let bodiless = head || parts.status == StatusCode::NOT_MODIFIED;
        Response::from_parts(parts, if bodiless { Bytes::new() } else { body })
    }

    async fn preflight(&self, question: Option<Question>) -> S3Result<HttpResponse> {
        let Some(question) = question else {
            return Err(s3_error!(
                InvalidRequest,
                "Insufficient information. Origin request header needed."
            ));
        };
        let store = self.store.clone();
        let headers = blocking(move || question.preflight(&store)).await?;
        let mut response = HttpResponse::new(s3s::Body::empty());
        *response.headers_mut() = headers;
        Ok(response)
    }

    async fn dispatch(
        &self,
        parts: Parts,
        body: Bytes,
        question: Option<Question>,
    ) -> S3Result<HttpResponse> {
        let request = Request::from_parts(parts, s3s::Body::from(body));
        let mut response = match self.s3.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "a request could not be answered");
                return Err(s3_error!(
                    InternalError,
                    "We encountered an internal error. Please try again."
                ));
            }
        };
        if let Some(question) = question {
            let store = self.store.clone();
            let headers: Option<HeaderMap> = blocking(move || question.answer(&store)).await?;
            response.headers_mut().extend(headers.unwrap_or_default());
        }
        Ok(response)
    }
}

/// Checks and completes a request before it is parsed.
fn prepare(parts: &mut Parts, mut body: Bytes) -> S3Result<Bytes> {
    signing::check(parts)?;
    if !parts.headers.contains_key(HOST)
        && let Some(host) = parts
            .uri
            .authority()
            .and_then(|authority| HeaderValue::try_from(authority.as_str()).ok())
    {
        parts.headers.insert(HOST, host);
    }
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if parts.method == Method::POST && content_type.starts_with("multipart/form-data") {
        body = form::expand_filename(content_type, body);
        parts.headers.remove(CONTENT_LENGTH);
    }
    if !parts.headers.contains_key(CONTENT_LENGTH) {
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    Ok(body)
}

fn failure() -> HttpResponse {
    let mut response = HttpResponse::new(s3s::Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn plain(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
