//! Serves an S3 store on 127.0.0.1: `serve PORT [DIRECTORY]`, in memory without a directory.
//!
//! The access key is `test` and its secret key `testtest`. For trying the server with other S3 clients.

use std::error::Error;
use std::path::Path;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local_s3::{Service, Store};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: serve PORT [DIRECTORY]")?.parse()?;
    let store = match arguments.next() {
        Some(directory) => Store::open(Path::new(&directory))?,
        None => Store::in_memory()?,
    };
    let service = Service::new(store, |access_key| {
        (access_key == "test").then(|| "testtest".to_owned())
    });
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request: http::Request<Incoming>| {
                let service = service.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let response = service.call(http::Request::from_parts(parts, body)).await;
                    Ok::<_, hyper::Error>(response.map(Full::new))
                }
            });
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
}
