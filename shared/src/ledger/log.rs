//! From "published up to here" and the next leaves to the objects that must be stored.
//!
//! A publication is a pure function of the previous [`Published`], the leaves and the key. Whoever runs it first
//! fixes the order of the leaves in the store and only then publishes; a run that died half-way is simply run again
//! and writes the same bytes to the same paths. A rerun that already sees more leaves writes wider partial tiles
//! beside the orphaned ones: nothing it has signed before becomes untrue.

use std::fmt;

use serde::{Deserialize, Serialize};
use tlog_tiles::{HashReader, Tile, node_hash, prove_record, prove_tree, split_stored_hash_index, tree_hash};

use super::checkpoint::{self, Checkpoint};
use super::hash::{self, Hash};
use super::key::Signer;
use super::leaf::MAX_LEAF;
use super::receipt::Proof;
use super::tile::{HEIGHT, MAX_SIZE, WIDTH, bundle_path, encode_bundle, tile_path};

/// What must be remembered between two publications: the size, the root, and the hashes of the last, partial tile on
/// each level above the lowest. It stays below 11 kB up to 16 million leaves and grows by another 11 kB at most with
/// every factor of 256.
///
/// The lowest level is left out, because its hashes are those of leaves which are read again anyway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    size: u64,
    root: Hash,
    #[serde(with = "hash::joined")]
    partial_tiles: Vec<Vec<Hash>>,
}

impl Published {
    /// Before the first publication.
    pub const NOTHING: Self = Self {
        size: 0,
        root: Hash::EMPTY_TREE,
        partial_tiles: Vec::new(),
    };

    /// How many leaves are published.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of these leaves.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The index of the first leaf that [`publish`] must be given: where the partial bundle begins, so at most 255
    /// leaves before the first unpublished one.
    pub fn first_leaf(&self) -> u64 {
        tile_start(self.size)
    }

    /// The hashes of the partial tile on a level of tiles, 1 or higher.
    fn partial_tile(&self, level: usize) -> &[Hash] {
        self.partial_tiles.get(level - 1).map_or(&[], Vec::as_slice)
    }

    /// Whether every partial tile is as wide as the size says.
    fn is_well_formed(&self) -> bool {
        self.size < MAX_SIZE
            && (1..=self.partial_tiles.len().max(6)).all(|level| {
                let nodes = u32::try_from(level * usize::from(HEIGHT))
                    .ok()
                    .and_then(|l| self.size.checked_shr(l));
                self.partial_tile(level).len() as u64 == nodes.unwrap_or(0) % WIDTH
            })
    }
}

/// One object to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its path below the prefix of the log.
    pub path: String,
    /// Its contents.
    pub bytes: Vec<u8>,
}

/// What a publication comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The objects, to be written in this order: the checkpoint comes last, so it never names anything that is not
    /// there. All others are immutable. They may be written in parallel if the checkpoint still waits for them.
    pub objects: Vec<Object>,
    /// The signed checkpoint, the same as the last object.
    pub checkpoint: String,
    /// The proofs of the newly published leaves, in their order, under this checkpoint.
    pub proofs: Vec<Proof>,
    /// The consistency proof from the previous size; empty if nothing was published before.
    pub consistency: Vec<Hash>,
    /// To be remembered for the next publication, once all objects are stored.
    pub next: Published,
}

/// Publishes the log up to the last of `leaves`, which begin at [`Published::first_leaf`].
///
/// The leaves that were published before are checked against the previous root; so are the remembered tiles. A
/// ledger whose rows were changed after the fact is not signed again. Without any new leaf the previous checkpoint
/// is signed again, which for a new log is the checkpoint of the empty one.
///
/// The hashing is that of [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1), the objects
/// are those of [C2SP tlog-tiles](https://c2sp.org/tlog-tiles).
///
/// # Errors
/// When the leaves do not continue the log that was published, or one is too long.
pub fn publish(
    signer: &Signer,
    previous: &Published,
    leaves: &[Vec<u8>],
) -> Result<Publication, PublishError> {
    if !previous.is_well_formed() {
        return Err(PublishError::State);
    }
    let first = previous.first_leaf();
    let size = first + leaves.len() as u64;
    if size < previous.size {
        return Err(PublishError::LeavesMissing {
            given: size,
            published: previous.size,
        });
    }
    if size >= MAX_SIZE {
        return Err(PublishError::TooLarge);
    }
    if let Some(long) = leaves.iter().position(|leaf| leaf.len() > MAX_LEAF) {
        return Err(PublishError::LeafTooLong(first + long as u64));
    }
    let tree = Tree::grow(previous, leaves);
    if Hash::from(tree_hash(previous.size, &tree)?) != previous.root {
        return Err(PublishError::Diverged);
    }
    let root = tree_hash(size, &tree)?.into();
    let checkpoint = Checkpoint::sign(signer, size, root);
    let mut objects = tree.objects(previous.size, size, leaves)?;
    objects.push(Object {
        path: checkpoint::PATH.to_owned(),
        bytes: checkpoint.clone().into_bytes(),
    });
    Ok(Publication {
        objects,
        proofs: (previous.size..size)
            .map(|index| tree.proof(index, size, &checkpoint))
            .collect::<Result<_, _>>()?,
        consistency: if previous.size == 0 {
            Vec::new()
        } else {
            ours(prove_tree(size, previous.size, &tree)?)
        },
        next: Published {
            size,
            root,
            partial_tiles: tree.partial_tiles(size),
        },
        checkpoint,
    })
}

/// The right edge of the tree: per level of nodes those that can still be needed, which begin at a tile's start.
struct Tree {
    levels: Vec<Level>,
}

struct Level {
    start: u64,
    nodes: Vec<tlog_tiles::Hash>,
}

impl Level {
    fn nodes(&self, range: std::ops::Range<u64>) -> Option<&[tlog_tiles::Hash]> {
        let from = usize::try_from(range.start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(range.end.checked_sub(self.start)?).ok()?;
        self.nodes.get(from..to)
    }
}

impl Tree {
    fn grow(previous: &Published, leaves: &[Vec<u8>]) -> Self {
        let start = previous.first_leaf();
        let nodes = leaves.iter().map(|leaf| tlog_tiles::record_hash(leaf)).collect();
        let mut level = Level { start, nodes };
        let mut levels = Vec::new();
        let size = start + leaves.len() as u64;
        for height in 1_usize.. {
            let parents = level
                .nodes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&[left, right]| node_hash(left, right));
            // Where a new level of tiles begins, the nodes below it reach back only to the start of their own
            // tile. What came before stands in the remembered partial tile and joins up exactly there.
            let (start, mut nodes) = if height.is_multiple_of(HEIGHT.into()) {
                let old = previous.partial_tile(height / usize::from(HEIGHT));
                let old: Vec<_> = old.iter().map(|&hash| hash.into()).collect();
                (level.start / 2 - old.len() as u64, old)
            } else {
                (level.start / 2, Vec::new())
            };
            nodes.extend(parents);
            levels.push(std::mem::replace(&mut level, Level { start, nodes }));
            if size >> height == 0 {
                break;
            }
        }
        Self { levels }
    }

    fn proof(&self, index: u64, size: u64, checkpoint: &str) -> Result<Proof, PublishError> {
        Ok(Proof {
            leaf_index: index,
            tree_size: size,
            hashes: ours(prove_record(size, index, self)?),
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// The entry bundles and tiles that the log of `size` has and that of `old_size` has not.
    fn objects(&self, old_size: u64, size: u64, leaves: &[Vec<u8>]) -> Result<Vec<Object>, PublishError> {
        let mut objects = Vec::new();
        for tile in Tile::new_tiles(HEIGHT, old_size, size) {
            let (index, width) = (tile.level_index(), u64::from(tile.width()));
            let range = index * WIDTH..index * WIDTH + width;
            let level = self
                .levels
                .get(usize::from(tile.level() * HEIGHT))
                .ok_or(PublishError::State)?;
            let nodes = level.nodes(range).ok_or(PublishError::State)?;
            if tile.level() == 0 {
                let from =
                    usize::try_from(index * WIDTH - level.start).map_err(|_| PublishError::TooLarge)?;
                let new = leaves.get(from..from + nodes.len()).ok_or(PublishError::State)?;
                let bytes = encode_bundle(new).ok_or(PublishError::TooLarge)?;
                objects.push(Object {
                    path: bundle_path(index, width),
                    bytes,
                });
            }
            objects.push(Object {
                path: tile_path(tile.level(), index, width),
                bytes: nodes.iter().flat_map(|hash| hash.0).collect(),
            });
        }
        Ok(objects)
    }

    fn partial_tiles(&self, size: u64) -> Vec<Vec<Hash>> {
        let tile_levels = self.levels.iter().enumerate().step_by(HEIGHT.into()).skip(1);
        tile_levels
            .map(|(height, level)| {
                let nodes = size >> height;
                level
                    .nodes(tile_start(nodes)..nodes)
                    .map_or_else(Vec::new, |nodes| ours(nodes.to_vec()))
            })
            .collect()
    }
}

impl HashReader for Tree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let read = |&index: &u64| {
            let (height, n) = split_stored_hash_index(index);
            let nodes = self.levels.get(usize::from(height))?.nodes(n..n + 1)?;
            nodes.first().copied()
        };
        indexes
            .iter()
            .map(|index| read(index).ok_or(tlog_tiles::Error::IndexesNotInTree))
            .collect()
    }
}

/// The index at which the tile of the node after these begins.
fn tile_start(nodes: u64) -> u64 {
    nodes - nodes % WIDTH
}

fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(Hash::from).collect()
}

/// Why the log cannot be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// What was remembered of the previous publication contradicts itself.
    State,
    /// The leaves given end before the last one that is published.
    LeavesMissing {
        /// The leaves of the log, as given.
        given: u64,
        /// The leaves of the log, as published.
        published: u64,
    },
    /// The leaves published before, or the remembered tiles, do not give the root that was signed.
    Diverged,
    /// The leaf with this index is longer than an entry may be.
    LeafTooLong(u64),
    /// The log is larger than this program can handle.
    TooLarge,
    /// The tree arithmetic failed.
    Tree(String),
}

impl From<tlog_tiles::Error> for PublishError {
    fn from(error: tlog_tiles::Error) -> Self {
        Self::Tree(error.to_string())
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State => f.write_str("the remembered state of the ledger contradicts itself"),
            Self::LeavesMissing { given, published } => {
                write!(f, "the ledger has {published} published entries, but only {given} were given")
            }
            Self::Diverged => f.write_str(
                "the ledger's stored entries are not the ones that were published: their root is not the signed one",
            ),
            Self::LeafTooLong(index) => {
                write!(f, "entry {index} of the ledger is longer than {MAX_LEAF} bytes")
            }
            Self::TooLarge => f.write_str("the ledger is too large"),
            Self::Tree(error) => write!(f, "the ledger's tree cannot be computed: {error}"),
        }
    }
}

impl std::error::Error for PublishError {}
