//! Verification with nothing but the public key: no network, no clock, no trust in the operator's service.

use std::fmt;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::hash::Hash;
use super::key::VerifierKey;
use super::receipt::{Receipt, ReceiptFile, SignedReceipt};

/// What a verified receipt file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The receipt, as the operator signed it.
    pub receipt: Receipt,
    /// Where it stands in the log.
    pub leaf_index: u64,
    /// The signed state of the log that contains it. Keeping it lets the owner show later that the log was
    /// rewritten, if it ever is.
    pub checkpoint: Checkpoint,
}

/// Checks a receipt file against the published key: the receipt's signature, the checkpoint's signature, and that
/// exactly this receipt is the entry at its index of the log under the checkpoint's root
/// ([RFC 6962, section 2.1.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1)).
///
/// # Errors
/// When anything does not match. [`VerifyError::NotYetInLedger`] is the one error of an honest file: its receipt is
/// genuine, but the log has not been published with it yet.
pub fn receipt(file: &ReceiptFile, key: &VerifierKey) -> Result<Verified, VerifyError> {
    let signed = &file.signed_receipt;
    if file.log != key.name() {
        return Err(VerifyError::OtherLog {
            file: file.log.clone(),
            key: key.name().to_owned(),
        });
    }
    signature(signed, key)?;
    let proof = file.proof.as_ref().ok_or(VerifyError::NotYetInLedger)?;
    let checkpoint = Checkpoint::open(&proof.checkpoint, key).map_err(VerifyError::Checkpoint)?;
    if proof.tree_size != checkpoint.size {
        return Err(VerifyError::TreeSize {
            proof: proof.tree_size,
            checkpoint: checkpoint.size,
        });
    }
    if proof.leaf_index >= checkpoint.size {
        return Err(VerifyError::LeafIndex {
            index: proof.leaf_index,
            size: checkpoint.size,
        });
    }
    let leaf = signed.leaf_bytes().map_err(|_| VerifyError::NotIncluded {
        index: proof.leaf_index,
    })?;
    inclusion(&checkpoint, proof.leaf_index, &leaf, &proof.hashes)?;
    Ok(Verified {
        receipt: signed.receipt.clone(),
        leaf_index: proof.leaf_index,
        checkpoint,
    })
}

/// Checks only the signature of a receipt, for instance of one found in the log.
///
/// # Errors
/// When the receipt names another key, or its signature does not match.
pub fn signature(signed: &SignedReceipt, key: &VerifierKey) -> Result<(), VerifyError> {
    if signed.key_id != key.id() {
        return Err(VerifyError::OtherKey {
            receipt: signed.key_id.clone(),
            key: key.id(),
        });
    }
    if signed.is_signed_by(key) {
        Ok(())
    } else {
        Err(VerifyError::Signature)
    }
}

/// Checks that `leaf` is the entry at `index` of the log at an opened checkpoint
/// ([RFC 6962, section 2.1.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1)).
///
/// # Errors
/// When the proof does not lead from this leaf to the checkpoint's root.
pub fn inclusion(
    checkpoint: &Checkpoint,
    index: u64,
    leaf: &[u8],
    proof: &[Hash],
) -> Result<(), VerifyError> {
    let leaf = Hash::of_leaf(leaf).into();
    tlog_tiles::check_record(
        &theirs(proof),
        checkpoint.size,
        checkpoint.root.into(),
        index,
        leaf,
    )
    .map_err(|_| VerifyError::NotIncluded { index })
}

/// Checks that the log at the new signed checkpoint begins with the whole log at the old one: nothing was changed,
/// inserted or cut off in between
/// ([RFC 6962, section 2.1.2](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2)). Returns both, opened.
///
/// # Errors
/// When a checkpoint is not the key's, the log has shrunk, or the proof does not connect the two.
pub fn consistency(
    old: &str,
    new: &str,
    proof: &[Hash],
    key: &VerifierKey,
) -> Result<(Checkpoint, Checkpoint), VerifyError> {
    let old = Checkpoint::open(old, key).map_err(VerifyError::Checkpoint)?;
    let new = Checkpoint::open(new, key).map_err(VerifyError::Checkpoint)?;
    if old.size > new.size {
        return Err(VerifyError::Shrunk {
            old: old.size,
            new: new.size,
        });
    }
    let holds = if old.size == 0 {
        // Every log begins with the empty one, whose root is a constant; RFC 6962 has no proof for it.
        proof.is_empty() && old.root == Hash::EMPTY_TREE && (new.size > 0 || new.root == old.root)
    } else {
        let (new_root, old_root) = (new.root.into(), old.root.into());
        tlog_tiles::check_tree(&theirs(proof), new.size, new_root, old.size, old_root).is_ok()
    };
    if holds {
        Ok((old, new))
    } else {
        Err(VerifyError::Rewritten {
            old: old.size,
            new: new.size,
        })
    }
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|&hash| hash.into()).collect()
}

/// What does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The file is of another log than the key.
    OtherLog {
        /// The log that the file names.
        file: String,
        /// The log that the key belongs to.
        key: String,
    },
    /// The receipt says that another key signed it.
    OtherKey {
        /// The key that the receipt names.
        receipt: String,
        /// The key that was given.
        key: String,
    },
    /// The receipt's signature does not match the receipt.
    Signature,
    /// The receipt is genuine, but there is no proof yet that it is in the log.
    NotYetInLedger,
    /// The checkpoint cannot be trusted.
    Checkpoint(CheckpointError),
    /// The proof is for another size of the log than the checkpoint.
    TreeSize {
        /// The size in the proof.
        proof: u64,
        /// The size in the checkpoint.
        checkpoint: u64,
    },
    /// The proof is for an entry beyond the end of the log.
    LeafIndex {
        /// The index in the proof.
        index: u64,
        /// The size of the log.
        size: u64,
    },
    /// The proof does not lead from this entry to the checkpoint.
    NotIncluded {
        /// The index at which the entry should be.
        index: u64,
    },
    /// The log has become shorter.
    Shrunk {
        /// The size at the old checkpoint.
        old: u64,
        /// The size at the new checkpoint.
        new: u64,
    },
    /// The old log is not the beginning of the new one, or the proof is not the one that would show it.
    Rewritten {
        /// The size at the old checkpoint.
        old: u64,
        /// The size at the new checkpoint.
        new: u64,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherLog { file, key } => {
                write!(f, "the receipt is of the ledger {file:?}, but the key belongs to {key:?}")
            }
            Self::OtherKey { receipt, key } => {
                write!(f, "the receipt names the key {receipt:?}, but the key given is {key:?}")
            }
            Self::Signature => f.write_str(
                "the receipt's signature does not match its contents: the receipt or the signature was altered",
            ),
            Self::NotYetInLedger => f.write_str(
                "the receipt is genuine, but it carries no proof yet that it is in the ledger: fetch it again later",
            ),
            Self::Checkpoint(error) => write!(f, "the proof cannot be trusted: {error}"),
            Self::TreeSize { proof, checkpoint } => {
                write!(f, "the proof is for a ledger of {proof} entries, but the checkpoint signs {checkpoint}")
            }
            Self::LeafIndex { index, size } => {
                write!(f, "the proof is for entry {index}, but the ledger has only {size} entries")
            }
            Self::NotIncluded { index } => {
                write!(f, "the proof does not show that exactly this receipt is entry {index} of the ledger")
            }
            Self::Shrunk { old, new } => {
                write!(f, "the ledger has shrunk: it had {old} entries and now has {new}")
            }
            Self::Rewritten { old, new } => write!(
                f,
                "the proof does not show that the ledger of {new} entries begins with the one of {old}: entries \
                 were changed, or the proof is of another pair"
            ),
        }
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Checkpoint(error) => Some(error),
            _ => None,
        }
    }
}
