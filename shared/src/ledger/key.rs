//! The Ed25519 key of a ledger and its textual form ([C2SP signed-note](https://c2sp.org/signed-note)).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The signature type byte of Ed25519 in a signed note.
const ED25519_NOTE: u8 = 0x01;

/// The private half: signs receipts and checkpoints of one ledger.
///
/// Ed25519 signatures are deterministic ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032)), so publishing again
/// after a crash yields the same bytes.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl Signer {
    /// The signer named `name` (the origin of its ledger, such as `trackwell.example/ledger/trackado`) from the
    /// 32-byte private seed of RFC 8032.
    ///
    /// # Errors
    /// When the name cannot be written in a signed note.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Seed)?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyError::Seed)?;
        let verifier = VerifierKey::from_public_key(name, public)?;
        Ok(Self { pair, verifier })
    }

    /// The public half, to be published.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a message. The callers separate the domains: a signed note is UTF-8, a receipt is signed over bytes
    /// that are not.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key pair stays out of logs, whatever its own Debug would print.
        f.debug_struct("Signer")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

/// The public half of a ledger's key, with the name of the ledger it belongs to.
///
/// Its text is the "verifier key" of [C2SP signed-note](https://c2sp.org/signed-note):
/// `name+hash+base64(type byte and key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// The key of the ledger `name` from the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    /// When the name cannot be written in a signed note: empty, with white space, a control character or a plus sign.
    pub fn from_public_key(name: &str, public: [u8; 32]) -> Result<Self, KeyError> {
        let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(unfit) {
            return Err(KeyError::Name);
        }
        Ok(Self {
            name: name.to_owned(),
            public,
        })
    }

    /// Parses the textual form that [`fmt::Display`] writes. Surrounding white space is ignored, because such keys
    /// are copied from web pages and files.
    ///
    /// # Errors
    /// When the text has another form, or its hash does not belong to its name and key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let Some((&ED25519_NOTE, public)) = bytes.split_first() else {
            return Err(KeyError::Algorithm);
        };
        let key = Self::from_public_key(name, public.try_into().map_err(|_| KeyError::Form)?)?;
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(KeyError::Hash)
        }
    }

    /// The name of the ledger, which is the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The raw Ed25519 public key.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public
    }

    /// The short form that receipts carry: `name+hash`, the first two parts of the textual form.
    pub fn id(&self) -> String {
        format!("{}+{}", self.name, hex::encode(self.note_hash()))
    }

    /// The four bytes that tell keys of one name apart in a signed note: the head of
    /// SHA-256(name, newline, signature type, key).
    pub(super) fn note_hash(&self) -> [u8; 4] {
        let mut message = self.name.as_bytes().to_vec();
        message.extend([b'\n', ED25519_NOTE]);
        message.extend(self.public);
        let mut head = [0; 4];
        head.copy_from_slice(&digest(&SHA256, &message).as_ref()[..4]);
        head
    }

    /// Whether `signature` is this key's signature of `message`.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_NOTE];
        key.extend(self.public);
        write!(f, "{}+{}", self.id(), STANDARD.encode(key))
    }
}

/// Why a key could not be read or built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The name is empty or holds white space, a control character or a plus sign.
    Name,
    /// The seed is not an Ed25519 private key.
    Seed,
    /// The text does not have the form `name+hash+base64`.
    Form,
    /// The key is of another kind than Ed25519.
    Algorithm,
    /// The hash in the text does not belong to its name and key.
    Hash,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => {
                "the name of the key is empty or holds white space, a control character or a plus sign"
            }
            Self::Seed => "the seed is not an Ed25519 private key",
            Self::Form => "the key does not have the form name+hash+base64",
            Self::Algorithm => "the key is not an Ed25519 key",
            Self::Hash => "the key was altered: its hash does not belong to its name and its bytes",
        })
    }
}

impl std::error::Error for KeyError {}
