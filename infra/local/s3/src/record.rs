//! What is remembered about one version of an object, apart from its key and its bytes.

use std::collections::BTreeMap;

use s3s::dto;
use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;
use crate::sse::KeyGuard;

/// Everything about one version that is neither its position nor its bytes. Stored as one JSON document.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The entity tag, without quotes.
    pub(crate) etag: String,
    /// The blobs holding the bytes, in order; several after a multipart upload.
    pub(crate) segments: Vec<Segment>,
    pub(crate) headers: Headers,
    /// User metadata, names without `x-amz-meta-`.
    pub(crate) user: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The checksum of the plaintext; absent under a customer's key, where it would tell about the content.
    pub(crate) checksum: Option<Checksum>,
    /// The same checksum, encrypted with the customer's key and written in hex.
    pub(crate) sealed_checksum: Option<String>,
    pub(crate) encryption: Encryption,
    pub(crate) lock: Lock,
    pub(crate) storage_class: Option<String>,
}

/// One stored blob and how many bytes of plaintext it holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) blob: String,
    pub(crate) size: u64,
}

/// The headers an object is served with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// `Expires`, in milliseconds since 1970.
    pub(crate) expires: Option<i64>,
    pub(crate) website_redirect: Option<String>,
}

/// How an object is encrypted, or says it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Encryption {
    /// `AES256`: echoed, the blob is stored as it came.
    #[default]
    Managed,
    /// `aws:kms` or `aws:kms:dsse`: echoed, the blob is stored as it came.
    Kms {
        algorithm: String,
        key_id: Option<String>,
        bucket_key: Option<bool>,
    },
    /// SSE-C: the blob is encrypted with a key that is not stored.
    Customer(KeyGuard),
}

/// Object Lock state of one version.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lock {
    /// `COMPLIANCE` or `GOVERNANCE`.
    pub(crate) mode: Option<String>,
    /// End of the retention, in milliseconds since 1970.
    pub(crate) until: Option<i64>,
    pub(crate) legal_hold: bool,
}

impl Headers {
    /// Drops the transfer coding SDKs announce in `Content-Encoding`, which is not part of the object.
    pub(crate) fn without_transfer_coding(mut self) -> Self {
        self.content_encoding = self.content_encoding.and_then(|value| {
            let kept: Vec<&str> = value
                .split(',')
                .map(str::trim)
                .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
                .collect();
            (!kept.is_empty()).then(|| kept.join(","))
        });
        self
    }
}

impl Record {
    /// The entity tag in wire form.
    pub(crate) fn wire_etag(&self) -> dto::ETag {
        dto::ETag::Strong(self.etag.clone())
    }

    /// Bytes of plaintext in all segments.
    pub(crate) fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }
}

/// Reads the object headers of any request that carries them.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::record::Headers {
            content_type: $input.content_type.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.clone(),
            content_language: $input.content_language.clone(),
            cache_control: $input.cache_control.clone(),
            expires: $input.expires.as_ref().map($crate::clock::from_wire),
            website_redirect: $input.website_redirect_location.clone(),
        }
        .without_transfer_coding()
    };
}
pub(crate) use headers_of;
