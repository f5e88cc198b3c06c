//! Collecting a request's body.

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::{HeaderMap, StatusCode};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};

/// A whole request body and the headers that came after it.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Body {
    /// Reads a body to its end, which also checks its signatures and its declared SHA-256.
    pub(crate) async fn read(
        stream: Option<StreamingBlob>,
        trailers: Option<&TrailingHeaders>,
    ) -> S3Result<Self> {
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        if let Some(mut stream) = stream {
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|error| broken(error.as_ref()))?;
                if first.is_empty() && joined.is_empty() {
                    // Most bodies arrive in one piece, which then needs no copy.
                    first = piece;
                } else {
                    joined.extend_from_slice(&std::mem::take(&mut first));
                    joined.extend_from_slice(&piece);
                }
            }
        }
        let bytes = if joined.is_empty() { first } else { joined.freeze() };
        Ok(Self {
            bytes,
            trailers: trailers.and_then(TrailingHeaders::take).unwrap_or_default(),
        })
    }
}

fn broken(error: &(dyn std::error::Error + 'static)) -> S3Error {
    // The protocol layer does not export its error types, so their names are all there is to go by.
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let mut error = S3Error::with_message(code, message);
        error.set_status_code(StatusCode::BAD_REQUEST);
        error
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The signature of a chunk of the body does not match."
        )
    } else if text.contains("Incomplete") || text.contains("LengthMismatch") {
        s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by Content-Length."
        )
    } else {
        s3_error!(InvalidRequest, "The body could not be read: {text}")
    }
}
