//! The objects of the log as [C2SP tlog-tiles](https://c2sp.org/tlog-tiles) lays them out, and proofs read back
//! from them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tlog_tiles::{
    HashReader, Tile, check_record, check_tree, prove_record, prove_tree, split_stored_hash_index,
    stored_hash_index, tree_hash,
};

use super::checkpoint::Checkpoint;
use super::hash::Hash;
use super::leaf::MAX_LEAF;

/// The height of a tile: it holds up to 2^8 hashes.
pub(super) const HEIGHT: u8 = 8;

/// The number of hashes in a full tile and of entries in a full bundle.
pub const WIDTH: u64 = 1 << HEIGHT;

/// More leaves than any log will have. Up to here no shift of the tile arithmetic can overflow.
pub(super) const MAX_SIZE: u64 = 1 << 48;

/// The path of a tile of hashes, `tile/<level>/<index>[.p/<width>]`. A width below [`WIDTH`] is a partial tile.
pub fn tile_path(level: u8, index: u64, width: u64) -> String {
    format!("tile/{level}/{}", index_path(index, width))
}

/// The path of a bundle of entries, `tile/entries/<index>[.p/<width>]`.
pub fn bundle_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", index_path(index, width))
}

/// The paths of the bundles that together hold all entries of a log of this size, in order.
pub fn bundle_paths(size: u64) -> impl Iterator<Item = String> {
    (0..size.div_ceil(WIDTH)).map(move |index| bundle_path(index, WIDTH.min(size - index * WIDTH)))
}

/// Three digits per path element, all but the last marked with an `x`, so that no directory grows beyond a thousand.
fn index_path(index: u64, width: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH {
        format!("{path}.p/{width}")
    } else {
        path
    }
}

/// The bytes of a bundle: each entry after its length in two bytes, big-endian. `None` if an entry is too long.
pub(super) fn encode_bundle(entries: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend(entry);
    }
    Some(bytes)
}

/// The entries of a bundle.
///
/// # Errors
/// When the bundle ends in the middle of an entry.
pub fn decode_bundle(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, TileError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(TileError::Bundle)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(TileError::Bundle)?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    Ok(entries)
}

/// The proof that the entry at `index` is in the log at the checkpoint: the audit path of
/// [RFC 6962, section 2.1.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1).
///
/// # Errors
/// As [`consistency_proof`]; also when the log has no such entry.
pub fn inclusion_proof(
    checkpoint: &Checkpoint,
    index: u64,
    tiles: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Hash>, TileError> {
    if index >= checkpoint.size || checkpoint.size > MAX_SIZE {
        return Err(TileError::OutOfRange);
    }
    let reader = Reader::new(checkpoint, tiles);
    let proof = prove_record(checkpoint.size, index, &reader);
    let leaf = reader.read_hashes(&[stored_hash_index(0, index)]);
    reader.complete()?;
    let (proof, leaf) = proof
        .and_then(|proof| Ok((proof, leaf?[0])))
        .map_err(|_| TileError::Inconsistent)?;
    check_record(&proof, checkpoint.size, checkpoint.root.into(), index, leaf)
        .map_err(|_| TileError::Inconsistent)?;
    Ok(proof.into_iter().map(Hash::from).collect())
}

/// The proof that the log at the checkpoint begins with the whole log of the smaller size: the consistency proof of
/// [RFC 6962, section 2.1.2](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2).
///
/// `tiles` maps paths to contents. Call with none; [`TileError::Missing`] names those that are needed, and with
/// these the second call succeeds. The proof is checked against the checkpoint before it is returned, so the tiles
/// may come from anywhere.
///
/// # Errors
/// When tiles are missing or do not belong to the checkpoint, or the old size is larger than the checkpoint's.
pub fn consistency_proof(
    checkpoint: &Checkpoint,
    old_size: u64,
    tiles: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Hash>, TileError> {
    if old_size > checkpoint.size || checkpoint.size > MAX_SIZE {
        return Err(TileError::OutOfRange);
    }
    if old_size == 0 {
        // Every log begins with the empty one; RFC 6962 has no proof for it.
        return Ok(Vec::new());
    }
    let reader = Reader::new(checkpoint, tiles);
    let proof = prove_tree(checkpoint.size, old_size, &reader);
    let old_root = tree_hash(old_size, &reader);
    reader.complete()?;
    let (proof, old_root) = proof
        .and_then(|proof| Ok((proof, old_root?)))
        .map_err(|_| TileError::Inconsistent)?;
    check_tree(
        &proof,
        checkpoint.size,
        checkpoint.root.into(),
        old_size,
        old_root,
    )
    .map_err(|_| TileError::Inconsistent)?;
    Ok(proof.into_iter().map(Hash::from).collect())
}

/// Reads nodes of the tree from the tiles at hand and notes which others it would need.
///
/// It authenticates nothing; the finished proof is checked instead, which leaves no tile out. The reader of
/// `tlog_tiles` that authenticates tiles is not used: in version 0.2.0 it still has the gap that was CVE-2026-56865
/// in the Go code it was ported from.
struct Reader<'a> {
    size: u64,
    tiles: &'a BTreeMap<String, Vec<u8>>,
    missing: RefCell<BTreeSet<String>>,
}

impl<'a> Reader<'a> {
    fn new(checkpoint: &Checkpoint, tiles: &'a BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            size: checkpoint.size,
            tiles,
            missing: RefCell::default(),
        }
    }

    /// The node at this height and position: the root of a subtree whose leaves stand side by side in one tile.
    /// `None` if the tile is there and does not hold them.
    fn node(&self, height: u8, n: u64) -> Option<tlog_tiles::Hash> {
        let (level, above) = (height / HEIGHT, height % HEIGHT);
        let first = n << above;
        let tile = first / WIDTH;
        let width = WIDTH.min((self.size >> (level * HEIGHT)).checked_sub(tile * WIDTH)?);
        let path = tile_path(level, tile, width);
        let Some(bytes) = self.tiles.get(&path) else {
            // Any hash will do here: a proof with missing tiles is never looked at.
            self.missing.borrow_mut().insert(path);
            return Some(tlog_tiles::EMPTY_HASH);
        };
        let from = usize::try_from(first % WIDTH).ok()? * Hash::LENGTH;
        let to = from + (Hash::LENGTH << above);
        Some(Tile::subtree_hash(bytes.get(from..to)?))
    }

    fn complete(&self) -> Result<(), TileError> {
        let missing = self.missing.take();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(TileError::Missing(missing.into_iter().collect()))
        }
    }
}

impl HashReader for Reader<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let nodes = indexes.iter().map(|&index| {
            let (height, n) = split_stored_hash_index(index);
            self.node(height, n).ok_or(tlog_tiles::Error::InvalidTile)
        });
        nodes.collect()
    }
}

/// Why objects of the log could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TileError {
    /// The tiles at these paths are needed and were not given.
    Missing(Vec<String>),
    /// The tiles given do not belong to the checkpoint.
    Inconsistent,
    /// The log has fewer entries than the question supposes, or more than this program can handle.
    OutOfRange,
    /// A bundle ends in the middle of an entry.
    Bundle,
}

impl fmt::Display for TileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(paths) => write!(f, "tiles are missing: {}", paths.join(", ")),
            Self::Inconsistent => f.write_str("the tiles do not belong to the checkpoint"),
            Self::OutOfRange => f.write_str("the log has no such entry or size"),
            Self::Bundle => write!(
                f,
                "a bundle of entries (of at most {MAX_LEAF} bytes each) is cut off"
            ),
        }
    }
}

impl std::error::Error for TileError {}
