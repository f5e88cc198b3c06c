//! A node of the Merkle tree.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A SHA-256 hash of the tree, written in base64 as in [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; Hash::LENGTH]);

impl Hash {
    /// The length of a hash in bytes.
    pub const LENGTH: usize = tlog_tiles::HASH_SIZE;

    /// The root of a tree without leaves: the hash of the empty string
    /// ([RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1)).
    pub const EMPTY_TREE: Self = Self(tlog_tiles::EMPTY_HASH.0);

    /// A hash from its bytes.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The hash of one leaf: SHA-256 of a zero byte and the leaf
    /// ([RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1)).
    pub fn of_leaf(leaf: &[u8]) -> Self {
        tlog_tiles::record_hash(leaf).into()
    }

    /// The 32 bytes of this hash.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl From<tlog_tiles::Hash> for Hash {
    fn from(hash: tlog_tiles::Hash) -> Self {
        Self(hash.0)
    }
}

impl From<Hash> for tlog_tiles::Hash {
    fn from(hash: Hash) -> Self {
        Self(hash.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| de::Error::custom("a hash is not base64"))?;
        let bytes = bytes
            .try_into()
            .map_err(|_| de::Error::custom("a hash is not 32 bytes long"))?;
        Ok(Self(bytes))
    }
}

/// Hashes side by side, as a tile stores them; serialised as one base64 string.
pub(super) mod joined {
    use base64::Engine as _;
    use serde::Serialize as _;

    use super::{Deserialize, Deserializer, Hash, STANDARD, Serializer, de};

    /// Writes each row of hashes as one string.
    pub(in super::super) fn serialize<S: Serializer>(
        rows: &[Vec<Hash>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let rows: Vec<String> = rows
            .iter()
            .map(|row| STANDARD.encode(row.iter().flat_map(Hash::as_bytes).copied().collect::<Vec<u8>>()))
            .collect();
        rows.serialize(serializer)
    }

    /// Reads back what [`serialize`] wrote.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<Hash>>, D::Error> {
        let rows = Vec::<String>::deserialize(deserializer)?;
        rows.iter()
            .map(|row| {
                let bytes = STANDARD
                    .decode(row)
                    .map_err(|_| de::Error::custom("a tile is not base64"))?;
                let (hashes, rest) = bytes.as_chunks::<{ Hash::LENGTH }>();
                if !rest.is_empty() {
                    return Err(de::Error::custom("a tile is not a whole number of hashes"));
                }
                Ok(hashes.iter().copied().map(Hash).collect())
            })
            .collect()
    }
}
