//! An embedded, versioned S3 server for one machine.
//!
//! A [`Store`] holds buckets and objects, in memory or in a directory that survives a sudden death of the process.
//! A [`Service`] speaks the S3 REST API over a store: it takes a whole HTTP request and returns a whole HTTP
//! response, so the same service answers an SDK in the same process and a listener on a socket.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_s3::StoreError> {
//! use local_s3::{BucketOptions, Service, Store};
//!
//! let store = Store::in_memory()?;
//! store.create_bucket("files", BucketOptions { versioned: true, object_lock: false })?;
//! let service = Service::new(store, |access_key| (access_key == "local").then(|| "secret".to_owned()));
//! let response = service.call(http::Request::new(bytes::Bytes::new())).await;
//! assert_eq!(response.status(), 403);
//! # Ok(())
//! # }
//! ```
//!
//! Keys and bucket names never become file names. Objects written with a customer's key (SSE-C) are encrypted with
//! it and the key is not kept; everything else is stored as it came, whatever `x-amz-server-side-encryption` says.

mod checksum;
mod clock;
mod cors;
mod form;
mod ops;
mod record;
mod service;
mod signing;
mod sse;
mod store;
mod xml;

pub use clock::Clock;
pub use ops::lifecycle::LifecycleReport;
pub use service::Service;
pub use store::{BucketOptions, Store, StoreError};
