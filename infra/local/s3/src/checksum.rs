//! Content-MD5 and the five `x-amz-checksum-*` algorithms.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// A checksum algorithm of the S3 protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Whether a checksum covers the object's bytes or the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    FullObject,
    Composite,
}

/// A checksum in base64, the way it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) value: String,
    pub(crate) kind: Kind,
}

/// What a request claims about its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// The algorithm to compute when no value was sent with it.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) values: BTreeMap<Algorithm, String>,
    /// `Content-MD5`, in base64.
    pub(crate) md5: Option<String>,
}

impl Algorithm {
    const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name used in `x-amz-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Finds an algorithm by its name in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The raw checksum of some bytes.
    pub(crate) fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Crc32 => Crc32::checksum(data).to_vec(),
            Self::Crc32c => Crc32c::checksum(data).to_vec(),
            Self::Crc64Nvme => Crc64Nvme::checksum(data).to_vec(),
            Self::Sha1 => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data)
                .as_ref()
                .to_vec(),
            Self::Sha256 => digest::digest(&digest::SHA256, data).as_ref().to_vec(),
        }
    }

    /// The checksum of a whole object.
    pub(crate) fn of(self, data: &[u8]) -> Checksum {
        Checksum {
            algorithm: self,
            value: BASE64.encode(self.digest(data)),
            kind: Kind::FullObject,
        }
    }

    /// Whether multipart uploads combine the parts' checksums unless they ask otherwise.
    pub(crate) fn default_kind(self) -> Kind {
        if self == Self::Crc64Nvme {
            Kind::FullObject
        } else {
            Kind::Composite
        }
    }
}

impl Kind {
    /// The name used in `x-amz-checksum-type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => s3s::dto::ChecksumType::FULL_OBJECT,
            Self::Composite => s3s::dto::ChecksumType::COMPOSITE,
        }
    }
}

/// The checksum of the checksums of parts, with their number.
pub(crate) fn composite(algorithm: Algorithm, parts: &[Checksum]) -> Checksum {
    let joined: Vec<u8> = parts
        .iter()
        .flat_map(|part| BASE64.decode(&part.value).unwrap_or_default())
        .collect();
    let value = format!("{}-{}", BASE64.encode(algorithm.digest(&joined)), parts.len());
    Checksum {
        algorithm,
        value,
        kind: Kind::Composite,
    }
}

/// The MD5 of some bytes in hex, which is what a plain object's entity tag is.
pub(crate) fn md5_hex(data: &[u8]) -> String {
    hex::encode(Md5::checksum(data))
}

impl Declared {
    /// Adds checksums that arrived after the body.
    pub(crate) fn add_trailers(&mut self, trailers: &HeaderMap) {
        for algorithm in Algorithm::ALL {
            let name = format!("x-amz-checksum-{}", algorithm.name().to_ascii_lowercase());
            if let Some(value) = trailers.get(name).and_then(|value| value.to_str().ok()) {
                self.values.insert(algorithm, value.to_owned());
            }
        }
    }

    /// Compares every claim with the body; returns the checksum to keep.
    pub(crate) fn verify(&self, body: &[u8]) -> S3Result<Option<Checksum>> {
        if let Some(claimed) = &self.md5 {
            let claimed = BASE64.decode(claimed).ok().filter(|digest| digest.len() == 16);
            let Some(claimed) = claimed else {
                return Err(s3_error!(
                    InvalidDigest,
                    "The Content-MD5 you specified is not valid."
                ));
            };
            if claimed != Md5::checksum(body) {
                return Err(s3_error!(
                    BadDigest,
                    "The Content-MD5 you specified did not match what we received."
                ));
            }
        }
        let mut kept = None;
        for (algorithm, claimed) in &self.values {
            let actual = algorithm.of(body);
            if *claimed != actual.value {
                let name = algorithm.name();
                return Err(s3_error!(
                    BadDigest,
                    "The {name} you specified did not match the calculated checksum."
                ));
            }
            kept = Some(actual);
        }
        Ok(kept.or_else(|| self.algorithm.map(|algorithm| algorithm.of(body))))
    }
}

/// Reads what a request claims about its body.
macro_rules! declared_by {
    ($input:expr) => {{
        use $crate::checksum::{Algorithm, Declared};
        let values = [
            (Algorithm::Crc32, $input.checksum_crc32.clone()),
            (Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            (Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone()),
            (Algorithm::Sha1, $input.checksum_sha1.clone()),
            (Algorithm::Sha256, $input.checksum_sha256.clone()),
        ];
        Declared {
            algorithm: None,
            values: values
                .into_iter()
                .filter_map(|(algorithm, value)| Some((algorithm, value?)))
                .collect(),
            md5: None,
        }
    }};
}
pub(crate) use declared_by;

/// What a request that carries a body declares about it, in headers and behind it.
macro_rules! declared_of {
    ($input:expr, $body:expr) => {{
        let mut declared = $crate::checksum::declared_by!($input);
        declared.md5.clone_from(&$input.content_md5);
        let named = $input.checksum_algorithm.as_ref();
        declared.algorithm = named.and_then(|name| $crate::checksum::Algorithm::from_name(name.as_str()));
        declared.add_trailers(&$body.trailers);
        declared
    }};
}
pub(crate) use declared_of;

/// Sets the checksum fields of a response.
macro_rules! show_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let checksum: &$crate::checksum::Checksum = checksum;
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
                $crate::checksum::Algorithm::Crc32c => $output.checksum_crc32c = value,
                $crate::checksum::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
                $crate::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
                $crate::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
            }
        }
    };
}
pub(crate) use show_checksum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_come_out_for_every_algorithm() {
        let data = b"123456789";
        assert_eq!(hex::encode(Algorithm::Crc32.digest(data)), "cbf43926");
        assert_eq!(hex::encode(Algorithm::Crc32c.digest(data)), "e3069283");
        assert_eq!(hex::encode(Algorithm::Crc64Nvme.digest(data)), "ae8b14860a799888");
        assert_eq!(
            hex::encode(Algorithm::Sha1.digest(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(hex::encode(&Algorithm::Sha256.digest(b"abc")[..4]), "ba7816bf");
    }

    #[test]
    fn a_claim_that_does_not_hold_is_a_bad_digest() {
        let mut declared = Declared::default();
        declared.values.insert(Algorithm::Crc32, "AAAAAA==".to_owned());
        assert_eq!(declared.verify(b"body").unwrap_err().code().as_str(), "BadDigest");
    }
}
