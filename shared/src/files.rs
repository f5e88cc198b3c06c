//! The buckets. Customers' files go to S3 and come from it directly; we hand out requests that are signed to the byte.
//!
//! Every object is encrypted by S3 under a key that only the request carries (SSE-C): a subkey of its unit's data key.
//! S3 forgets it after each request, so destroying the data key makes the bytes unreadable in the bucket, in its old
//! versions and in its backups alike, and a leaked URL without the header is worth nothing.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::store::failure;

/// How long a signed request may be used.
pub const SIGNED_FOR: Duration = Duration::from_secs(300);

/// A request that the customer sends to S3 as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SignedRequest {
    /// HTTP method.
    pub method: String,
    /// Where to send it.
    pub url: String,
    /// Headers that must be sent exactly so; the encryption key is among them.
    pub headers: std::collections::BTreeMap<String, String>,
    /// For how many seconds it can be used.
    pub expires_in: u64,
}

/// What S3 says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Length in bytes.
    pub size: u64,
    /// Media type.
    pub content_type: Option<String>,
    /// SHA-256 in base64, as S3 computed it.
    pub sha256: Option<String>,
}

/// What a file is to be.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Length in bytes.
    pub size: u64,
    /// Media type.
    pub content_type: &'a str,
    /// SHA-256 in base64.
    pub sha256: &'a str,
}

/// The bucket of customers' files.
#[derive(Debug, Clone)]
pub struct Files {
    client: Client,
    bucket: String,
}

struct CustomerKey {
    key: String,
    md5: String,
}

impl CustomerKey {
    fn new(key: &[u8; 32]) -> Self {
        use md5::Digest as _;
        Self {
            key: STANDARD.encode(key),
            md5: STANDARD.encode(md5::Md5::digest(key)),
        }
    }
}

impl Files {
    /// The bucket `bucket` behind `client`.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Signs an upload of exactly the expected length, type and checksum.
    ///
    /// # Errors
    /// Only when signing fails.
    pub async fn sign_upload(
        &self,
        object: &str,
        key: &[u8; 32],
        expected: Expected<'_>,
    ) -> Result<SignedRequest> {
        let key = CustomerKey::new(key);
        let length = i64::try_from(expected.size).map_err(|_| Error::internal("a file of that size"))?;
        let signed = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(object)
            .content_length(length)
            .content_type(expected.content_type)
            .checksum_sha256(expected.sha256)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(key.key)
            .sse_customer_key_md5(key.md5)
            .presigned(signed_for()?)
            .await
            .map_err(|error| failure("PutObject", &error))?;
        Ok(request(&signed))
    }

    /// Signs a download that a browser saves under `name` and never shows (J-08).
    ///
    /// # Errors
    /// Only when signing fails.
    pub async fn sign_download(&self, object: &str, key: &[u8; 32], name: &str) -> Result<SignedRequest> {
        let key = CustomerKey::new(key);
        let signed = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object)
            .response_content_disposition(crate::attachments::rules::disposition(name))
            .response_content_type("application/octet-stream")
            .sse_customer_algorithm("AES256")
            .sse_customer_key(key.key)
            .sse_customer_key_md5(key.md5)
            .presigned(signed_for()?)
            .await
            .map_err(|error| failure("GetObject", &error))?;
        Ok(request(&signed))
    }

    /// What has arrived under `object`, with its first bytes; `None` when nothing has.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn arrived(&self, object: &str, key: &[u8; 32]) -> Result<Option<(Arrived, Vec<u8>)>> {
        let key = CustomerKey::new(key);
        let head = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(object)
            .checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(&key.key)
            .sse_customer_key_md5(&key.md5)
            .send()
            .await;
        let head = match head {
            Ok(head) => head,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failure("HeadObject", &error)),
        };
        let size = u64::try_from(head.content_length().unwrap_or(0)).unwrap_or(0);
        let start = if size == 0 {
            Vec::new()
        } else {
            let output = self
                .client
                .get_object()
                .bucket(&self.bucket)
                .key(object)
                .range("bytes=0-511")
                .sse_customer_algorithm("AES256")
                .sse_customer_key(key.key)
                .sse_customer_key_md5(key.md5)
                .send()
                .await
                .map_err(|error| failure("GetObject", &error))?;
            let bytes = output
                .body
                .collect()
                .await
                .map_err(|_| Error::unavailable("GetObject: body"))?;
            bytes.into_bytes().to_vec()
        };
        let arrived = Arrived {
            size,
            content_type: head.content_type().map(str::to_owned),
            sha256: head.checksum_sha256().map(str::to_owned),
        };
        Ok(Some((arrived, start)))
    }

    /// Up to one page of versions and delete markers below `prefix`, in the order of their marks.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn versions(&self, prefix: &str) -> Result<Vec<Version>> {
        let listed = self
            .client
            .list_object_versions()
            .bucket(&self.bucket)
            .prefix(prefix)
            .max_keys(500)
            .send()
            .await
            .map_err(|error| failure("ListObjectVersions", &error))?;
        let versions = listed
            .versions()
            .iter()
            .map(|version| (version.key(), version.version_id()));
        let markers = listed
            .delete_markers()
            .iter()
            .map(|marker| (marker.key(), marker.version_id()));
        let mut page: Vec<_> = versions
            .chain(markers)
            .filter_map(|(key, id)| {
                Some(Version {
                    key: key?.to_owned(),
                    id: id?.to_owned(),
                })
            })
            .collect();
        page.sort();
        Ok(page)
    }

    /// Deletes versions and delete markers for good.
    ///
    /// # Errors
    /// When S3 does not answer, or refuses to delete one of them.
    pub async fn delete_versions(&self, versions: &[Version]) -> Result<()> {
        let objects = versions
            .iter()
            .map(|version| {
                ObjectIdentifier::builder()
                    .key(&version.key)
                    .version_id(&version.id)
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::internal(error.to_string()))?;
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        let output = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete)
            .send()
            .await
            .map_err(|error| failure("DeleteObjects", &error))?;
        match output.errors().first() {
            None => Ok(()),
            Some(error) => Err(Error::unavailable(format!(
                "DeleteObjects: {}",
                error.code().unwrap_or("unknown")
            ))),
        }
    }
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    key: String,
    id: String,
}

impl Version {
    /// Its place in the order of a page.
    pub fn mark(&self) -> String {
        format!("{}\n{}", self.key, self.id)
    }
}

fn is_absent<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(error.code(), Some("NotFound" | "NoSuchKey"))
}

fn signed_for() -> Result<PresigningConfig> {
    PresigningConfig::expires_in(SIGNED_FOR).map_err(|error| Error::internal(error.to_string()))
}

fn request(signed: &PresignedRequest) -> SignedRequest {
    SignedRequest {
        method: signed.method().to_owned(),
        url: signed.uri().to_owned(),
        headers: signed
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        expires_in: SIGNED_FOR.as_secs(),
    }
}

/// The bucket of the ledger: tiles, entries and the checkpoint.
#[derive(Debug, Clone)]
pub struct LedgerFiles {
    client: Client,
    bucket: String,
}

impl LedgerFiles {
    /// The bucket `bucket` behind `client`.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Writes an object. The same bytes may be written again.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn put(&self, path: &str, bytes: Vec<u8>, content_type: &str) -> Result<()> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(path)
            .content_type(content_type)
            .body(bytes.into())
            .send()
            .await
            .map_err(|error| failure("PutObject", &error))?;
        Ok(())
    }

    /// Reads an object; `None` when there is none.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let found = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(path)
            .send()
            .await;
        match found {
            Ok(found) => {
                let bytes = found.body.collect().await;
                let bytes = bytes.map_err(|_| Error::unavailable("GetObject: body"))?;
                Ok(Some(bytes.into_bytes().to_vec()))
            }
            // S3 says that an object is absent only to who may list the bucket, and forbidden to everybody else.
            Err(error) if is_absent(&error) || error.code() == Some("AccessDenied") => Ok(None),
            Err(error) => Err(failure("GetObject", &error)),
        }
    }
}
