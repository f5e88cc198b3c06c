//! The signed head of the log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::hash::Hash;
use super::key::{Signer, VerifierKey};

/// Where the newest checkpoint is stored ([C2SP tlog-tiles](https://c2sp.org/tlog-tiles)). It is the only object of
/// the log that is ever replaced.
pub const PATH: &str = "checkpoint";

/// What every signature line of a signed note begins with: an em dash and a space.
const SIGNATURE_LINE: &str = "\u{2014} ";

/// The state of the log at one size: [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, which is also the name of the key that signs it.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The Merkle tree hash of these leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note of the checkpoint with this size and root, its origin being the signer's name. The same
    /// arguments give the same bytes.
    pub fn sign(signer: &Signer, size: u64, root: Hash) -> String {
        let key = signer.verifier_key();
        let text = format!("{}\n{size}\n{root}\n", key.name());
        let mut signature = key.note_hash().to_vec();
        signature.extend(signer.sign(text.as_bytes()));
        format!(
            "{text}\n{SIGNATURE_LINE}{} {}\n",
            key.name(),
            STANDARD.encode(signature)
        )
    }

    /// Reads a signed note and checks that it is a checkpoint of this key's log, signed by this key.
    ///
    /// Signatures of others are passed over, as [C2SP signed-note](https://c2sp.org/signed-note) asks: they are how
    /// witnesses will countersign. Extension lines are covered by the signature and otherwise ignored.
    ///
    /// # Errors
    /// When the note is malformed, of another log, or not signed by the key.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let (text, signatures) = split_note(note).ok_or(CheckpointError::Form)?;
        if !signed_by(key, text, signatures)? {
            return Err(CheckpointError::Signature);
        }
        let parsed =
            tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).map_err(|_| CheckpointError::Form)?;
        if parsed.origin() != key.name() {
            return Err(CheckpointError::Origin(parsed.origin().to_owned()));
        }
        Ok(Self {
            origin: key.name().to_owned(),
            size: parsed.size(),
            root: (*parsed.hash()).into(),
        })
    }
}

/// The signed text, with its last newline, and the signature lines after the blank line.
fn split_note(note: &str) -> Option<(&str, &str)> {
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return None;
    }
    let blank = note.rfind("\n\n")?;
    let signatures = &note[blank + 2..];
    (!signatures.is_empty() && signatures.ends_with('\n')).then_some((&note[..=blank], signatures))
}

/// Whether one of the signature lines is this key's, after reading all of them. A line with the key's name and hash
/// but a false signature decides the matter: an honest note has none.
fn signed_by(key: &VerifierKey, text: &str, signatures: &str) -> Result<bool, CheckpointError> {
    let mut verdict = None;
    for line in signatures.lines() {
        let (name, signature) = line
            .strip_prefix(SIGNATURE_LINE)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(CheckpointError::Form)?;
        let bytes = STANDARD.decode(signature).map_err(|_| CheckpointError::Form)?;
        let (hash, signature) = bytes.split_first_chunk::<4>().ok_or(CheckpointError::Form)?;
        if name == key.name() && *hash == key.note_hash() {
            let valid = key.has_signed(text.as_bytes(), signature);
            verdict = Some(valid && verdict != Some(false));
        }
    }
    verdict.ok_or(CheckpointError::Unsigned)
}

/// Why a checkpoint was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// It is not a signed note holding a checkpoint.
    Form,
    /// No signature line names the key.
    Unsigned,
    /// The signature does not match the text.
    Signature,
    /// It is the checkpoint of the log named here, not of the key's log.
    Origin(String),
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("the checkpoint is malformed"),
            Self::Unsigned => f.write_str("the checkpoint is not signed by the key given"),
            Self::Signature => {
                f.write_str("the checkpoint's signature does not match its text: one of them was altered")
            }
            Self::Origin(origin) => write!(f, "the checkpoint is of another log, {origin:?}"),
        }
    }
}

impl std::error::Error for CheckpointError {}
