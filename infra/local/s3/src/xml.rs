//! Bucket configurations are kept as the XML they arrive in.

use s3s::xml::{DeserializeContent, Deserializer, SerializeContent, Serializer};
use s3s::{S3Error, S3Result};

/// Writes a document with the given root element.
pub(crate) fn write<T: SerializeContent>(root: &str, value: &T) -> S3Result<String> {
    let mut text = Vec::new();
    Serializer::new(&mut text)
        .content(root, value)
        .map_err(S3Error::internal_error)?;
    String::from_utf8(text).map_err(S3Error::internal_error)
}

/// Reads a document back.
pub(crate) fn read<T: for<'xml> DeserializeContent<'xml>>(root: &str, text: &str) -> S3Result<T> {
    let mut deserializer = Deserializer::new(text.as_bytes());
    deserializer
        .named_element(root, |d| T::deserialize_content(d))
        .map_err(S3Error::internal_error)
}
