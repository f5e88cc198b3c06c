//! Reading the whole log again: its root computed from nothing but its entries.

use std::fmt;

use tlog_tiles::node_hash;

use super::checkpoint::Checkpoint;
use super::hash::Hash;
use super::key::VerifierKey;
use super::leaf::Leaf;
use super::tile::{TileError, decode_bundle};
use super::verify;

/// The tree of the entries read so far, which is held against signed checkpoints as it grows. It keeps one hash per
/// level, however long the log is.
#[derive(Clone, Debug)]
pub struct Audit {
    checkpoints: Vec<Checkpoint>,
    size: u64,
    /// The roots of the complete subtrees that the entries make, the largest first.
    peaks: Vec<Hash>,
}

impl Audit {
    /// Nothing read yet of a log that must be as each of these checkpoints says.
    ///
    /// # Errors
    /// When one of them signs another empty log than the one there is.
    pub fn against(checkpoints: Vec<Checkpoint>) -> Result<Self, AuditError> {
        let audit = Self {
            checkpoints,
            size: 0,
            peaks: Vec::new(),
        };
        audit.check()?;
        Ok(audit)
    }

    /// How many entries were read.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of these entries
    /// ([RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1)).
    pub fn root(&self) -> Hash {
        let joined = self
            .peaks
            .iter()
            .copied()
            .rev()
            .reduce(|right, left| join(left, right));
        joined.unwrap_or(Hash::EMPTY_TREE)
    }

    /// Reads the next bundle of `width` entries beside the tile of their hashes: every entry is one that could be
    /// written, every receipt is signed by `key`, and the tile is exactly the entries' hashes.
    ///
    /// # Errors
    /// When it is not so; what was read before stays read.
    pub fn read(
        &mut self,
        width: u64,
        bundle: &[u8],
        tile: &[u8],
        key: &VerifierKey,
    ) -> Result<(), AuditError> {
        let entries = decode_bundle(bundle).map_err(AuditError::Bundle)?;
        if entries.len() as u64 != width {
            return Err(AuditError::Entries {
                expected: width,
                found: entries.len(),
            });
        }
        let (hashes, rest) = tile.as_chunks::<{ Hash::LENGTH }>();
        if hashes.len() != entries.len() || !rest.is_empty() {
            return Err(AuditError::Tile);
        }
        for (entry, hash) in entries.iter().zip(hashes) {
            let index = self.size;
            if let Leaf::ErasureReceipt(receipt) = Leaf::parse(entry).map_err(|_| AuditError::Leaf(index))? {
                verify::signature(&receipt, key).map_err(|_| AuditError::Signature(index))?;
            }
            let leaf = Hash::of_leaf(entry);
            if leaf.as_bytes() != hash {
                return Err(AuditError::Tile);
            }
            self.push(leaf);
            self.check()?;
        }
        Ok(())
    }

    /// Whether the log is as the checkpoints of just this size say.
    fn check(&self) -> Result<(), AuditError> {
        let mut signed = self.checkpoints.iter().filter(|signed| signed.size == self.size);
        if signed.all(|signed| signed.root == self.root()) {
            Ok(())
        } else {
            Err(AuditError::Root(self.size))
        }
    }

    fn push(&mut self, mut node: Hash) {
        // Each trailing one of the size is a complete subtree that the new node completes to the next larger one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = join(left, node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }
}

fn join(left: Hash, right: Hash) -> Hash {
    node_hash(left.into(), right.into()).into()
}

/// What is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditError {
    /// A bundle does not decode.
    Bundle(TileError),
    /// A bundle has another number of entries than the checkpoint says.
    Entries {
        /// What the checkpoint says.
        expected: u64,
        /// What is there.
        found: usize,
    },
    /// The entry with this index is not one that this program writes.
    Leaf(u64),
    /// The receipt with this index is not signed by the ledger's key.
    Signature(u64),
    /// A tile is not the hashes of the entries beside it.
    Tile,
    /// The entries do not make the root that was signed for a log of this size.
    Root(u64),
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(error) => fmt::Display::fmt(error, f),
            Self::Entries { expected, found } => {
                write!(f, "a bundle has {found} entries and should have {expected}")
            }
            Self::Leaf(index) => write!(f, "entry {index} is not an entry of a ledger"),
            Self::Signature(index) => write!(
                f,
                "the receipt in entry {index} is not signed by the ledger's key"
            ),
            Self::Tile => f.write_str("a tile does not hold the hashes of its entries"),
            Self::Root(size) => write!(
                f,
                "the entries do not make the signed root of a log of {size} entries"
            ),
        }
    }
}

impl std::error::Error for AuditError {}
