//! Why a store could not be opened or used.

use std::{fmt, io};

use s3s::{S3Error, S3ErrorCode};

/// A failure of the store itself, not of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the directory open.
    InUse,
    /// The name breaks the naming rules of buckets.
    InvalidBucketName(String),
    /// A file could not be read or written.
    Io(io::Error),
    /// The metadata database failed.
    Database(rusqlite::Error),
    /// A stored record cannot be understood.
    Damaged(serde_json::Error),
    /// The lifecycle rules could not be carried out.
    Lifecycle(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("another process has this object store open"),
            Self::InvalidBucketName(name) => write!(f, "{name:?} is not a valid bucket name"),
            Self::Io(error) => write!(f, "object store: {error}"),
            Self::Database(error) => write!(f, "object store metadata: {error}"),
            Self::Damaged(error) => write!(f, "object store record: {error}"),
            Self::Lifecycle(error) => write!(f, "lifecycle rules: {error}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InUse | Self::InvalidBucketName(_) => None,
            Self::Io(error) => Some(error),
            Self::Database(error) => Some(error),
            Self::Damaged(error) => Some(error),
            Self::Lifecycle(error) => Some(error.as_ref()),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error)
    }
}

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        S3Error::with_source(S3ErrorCode::InternalError, Box::new(error))
    }
}
