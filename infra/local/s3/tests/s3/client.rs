//! An SDK client whose requests go straight to a service in this process.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use local_s3::{BucketOptions, Service, Store};

pub(crate) const ACCESS_KEY: &str = "AKIDLOCAL";
pub(crate) const SECRET: &str = "a secret";

#[derive(Clone, Debug)]
struct InProcess(Service);

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.0.clone();
        HttpConnectorFuture::new(async move {
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
            let request = request.try_into_http1x().map_err(|error| failed(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(failed)?.to_bytes();
            let response = service.call(http::Request::from_parts(parts, body)).await;
            HttpResponse::try_from(response.map(SdkBody::from)).map_err(|error| failed(error.into()))
        })
    }
}

pub(crate) fn service(store: &Store) -> Service {
    Service::new(store.clone(), |access_key| {
        (access_key == ACCESS_KEY).then(|| SECRET.to_owned())
    })
}

pub(crate) fn client_with(store: &Store, access_key: &str, secret: &str) -> Client {
    let connector = InProcess(service(store));
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url("http://s3.local.test")
        .force_path_style(true)
        .credentials_provider(Credentials::new(access_key, secret, None, None, "test"))
        .http_client(http_client_fn(move |_, _| {
            SharedHttpConnector::new(connector.clone())
        }))
        .build();
    Client::from_conf(config)
}

pub(crate) fn client(store: &Store) -> Client {
    client_with(store, ACCESS_KEY, SECRET)
}

/// A store in memory with the bucket `files`, and a client for it.
pub(crate) fn fresh(options: BucketOptions) -> (Store, Client) {
    let store = Store::in_memory().unwrap();
    store.create_bucket("files", options).unwrap();
    let client = client(&store);
    (store, client)
}

pub(crate) const PLAIN: BucketOptions = BucketOptions {
    versioned: false,
    object_lock: false,
};
pub(crate) const VERSIONED: BucketOptions = BucketOptions {
    versioned: true,
    object_lock: false,
};
pub(crate) const LOCKED: BucketOptions = BucketOptions {
    versioned: true,
    object_lock: true,
};

/// The error code of a failed call, or the bare status when the answer had no body.
pub(crate) fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E, HttpResponse>>) -> String {
    match result {
        Ok(_) => "success".to_owned(),
        Err(error) => {
            let status = error.raw_response().map(|response| response.status().as_u16());
            let code = error
                .as_service_error()
                .and_then(|error| error.meta().code().map(str::to_owned));
            code.unwrap_or_else(|| format!("{}", status.unwrap_or(0)))
        }
    }
}

/// Writes an object and returns its version id.
pub(crate) async fn put(client: &Client, key: &str, body: &str) -> Option<String> {
    let sent = client
        .put_object()
        .bucket("files")
        .key(key)
        .body(body.as_bytes().to_vec().into());
    sent.send().await.unwrap().version_id
}

/// Reads an object's text, or the code of the error.
pub(crate) async fn get(client: &Client, key: &str) -> Result<String, String> {
    match client.get_object().bucket("files").key(key).send().await {
        Ok(found) => Ok(String::from_utf8(found.body.collect().await.unwrap().to_vec()).unwrap()),
        error => Err(code(error)),
    }
}

/// Sends a request that no SDK would make.
pub(crate) async fn raw(store: &Store, request: http::Request<Bytes>) -> http::Response<Bytes> {
    service(store).call(request).await
}

/// A clock that moves only when told to.
#[derive(Clone)]
pub(crate) struct Hand(Arc<Mutex<SystemTime>>);

impl Hand {
    /// Sets a store's clock to 2030-01-01T00:00:00Z.
    pub(crate) fn on(store: &Store) -> Self {
        let hand = Self(Arc::new(Mutex::new(
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000),
        )));
        let moved = hand.clone();
        store.set_clock(Arc::new(move || *moved.0.lock().unwrap()));
        hand
    }

    pub(crate) fn advance_days(&self, days: u32) {
        *self.0.lock().unwrap() += Duration::from_secs(86_400) * days;
    }

    pub(crate) fn in_days(&self, days: u32) -> aws_sdk_s3::primitives::DateTime {
        (*self.0.lock().unwrap() + Duration::from_secs(86_400) * days).into()
    }
}

/// Whether some text is anywhere at rest.
pub(crate) fn at_rest(store: &Store, text: &str) -> bool {
    store
        .raw_bytes()
        .iter()
        .any(|(_, bytes)| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}
