//! The two listeners, on 127.0.0.1 only: the API with the pages beside it, and AWS for presigned URLs and for
//! functions in processes of their own.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::aws::{Aws, Dropped};
use crate::machine::Machine;
use crate::{control, gateway, mailbox};

/// API Gateway takes no larger body than this, whatever the function behind it takes.
const MAX_API_BODY: usize = 10 * 1024 * 1024;

/// The largest object that is uploaded in one piece here; attachments are far smaller.
const MAX_AWS_BODY: usize = 256 * 1024 * 1024;

/// Serves the API until it is told to stop; what was begun is finished.
pub(crate) async fn serve_api(
    listener: TcpListener,
    machine: Arc<Machine>,
    mut stopped: watch::Receiver<bool>,
) {
    let router = Router::new()
        .fallback(api)
        .with_state(Arc::clone(&machine))
        .merge(control::router(Arc::clone(&machine)))
        .merge(mailbox::router(machine.ses.clone()));
    let until = async move {
        // An error means that the stack itself is gone, which is a reason to stop, too.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
        tracing::error!(%error, "the API ended");
    }
}

async fn api(State(machine): State<Arc<Machine>>, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_API_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return gateway::too_large().map(Body::from),
        Err(_) => return gateway::refuse(http::StatusCode::BAD_REQUEST, "Bad Request").map(Body::from),
    };
    let request = http::Request::from_parts(parts, body);
    // A client that goes away does not stop a function that was invoked.
    let answer = tokio::spawn(async move { machine.request(request).await }).await;
    let failed = |_| gateway::refuse(http::StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    answer.unwrap_or_else(failed).map(Body::from)
}

/// Serves AWS until it is aborted.
pub(crate) async fn serve_aws(listener: TcpListener, aws: Aws) {
    // Connections end with the listener.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, aws.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "a connection to AWS could not be accepted");
                    // Out of file descriptors, most likely: others have to close theirs first.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, aws: Aws) {
    let answer = service_fn(move |request: http::Request<Incoming>| {
        let aws = aws.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, MAX_AWS_BODY)
                .collect()
                .await
                .map_err(|_| Dropped)?
                .to_bytes();
            let response: http::Response<Bytes> =
                aws.exchange(http::Request::from_parts(parts, body)).await?;
            Ok::<_, Dropped>(response.map(Full::new))
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to AWS broke");
    }
}
