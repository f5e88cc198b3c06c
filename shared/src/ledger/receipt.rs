//! The receipt of an erasure, signed and provable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use super::key::{Signer, VerifierKey};
use super::leaf::{Leaf, LeafError, Version1, canonical};

/// What a receipt's signature covers before the key id and the receipt. The first byte occurs in no UTF-8 text, so
/// no signed note, which is what else the key signs, can ever be taken for a receipt or the other way round.
const SIGNATURE_DOMAIN: &[u8] = b"\xfftrackwell erasure receipt v1\n";

/// The kind of a [`Receipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// Units were erased.
    ErasureReceipt,
}

/// Why something was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its retention period was over.
    RetentionDue,
    /// A person deleted their account.
    AccountDeletion,
    /// An owner deleted their organisation.
    OrganisationDeletion,
    /// A data subject asked for it.
    Request,
}

/// One unit that is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasedUnit {
    /// The [commitment](super::unit_commitment) of the unit.
    pub commitment: String,
    /// The retention class of its data.
    pub class: String,
    /// How many stored items were deleted.
    pub items_deleted: u64,
    /// How many versions and delete markers of stored files were deleted.
    pub object_versions_deleted: u64,
}

/// What an erasure did. It holds no personal data, which is why it may outlive the account it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The form of the receipt.
    pub version: Version1,
    /// `erasure_receipt`.
    pub kind: ReceiptKind,
    /// The unguessable id of the erasure.
    pub erasure_id: String,
    /// The profile of the operator whose policy was carried out.
    pub operator: String,
    /// The version of that policy.
    pub policy_version: String,
    /// Why it was carried out.
    pub trigger: Trigger,
    /// What was erased.
    pub units: Vec<ErasedUnit>,
    /// When the data keys were destroyed: from then on nobody could read the data, in backups neither.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub fenced_at: Timestamp,
    /// When the last item and object version were deleted.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub purged_at: Timestamp,
    /// When a second pass had found nothing left.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub verified_at: Timestamp,
}

impl Receipt {
    /// Signs the receipt.
    ///
    /// # Errors
    /// When it is too long to become an entry of the ledger: it could be signed, but never proved.
    pub fn sign(self, signer: &Signer) -> Result<SignedReceipt, LeafError> {
        let key_id = signer.verifier_key().id();
        let signature = STANDARD.encode(signer.sign(&signed_bytes(&self, &key_id)?));
        let signed = SignedReceipt {
            receipt: self,
            key_id,
            signature,
        };
        signed.leaf_bytes()?;
        Ok(signed)
    }
}

/// A receipt with the Ed25519 signature of the operator's ledger key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// What is signed.
    pub receipt: Receipt,
    /// Which key signed it: `name+hash`, the beginning of its textual form.
    pub key_id: String,
    /// The signature, in base64.
    pub signature: String,
}

impl SignedReceipt {
    /// The bytes of the entry that this receipt is in the ledger.
    ///
    /// # Errors
    /// When they are more than fit into an entry.
    pub fn leaf_bytes(&self) -> Result<Vec<u8>, LeafError> {
        Leaf::ErasureReceipt(self.clone()).to_bytes()
    }

    /// Whether the signature is the given key's signature of exactly this receipt.
    pub(super) fn is_signed_by(&self, key: &VerifierKey) -> bool {
        let Ok(signature) = STANDARD.decode(&self.signature) else {
            return false;
        };
        signed_bytes(&self.receipt, &self.key_id).is_ok_and(|message| key.has_signed(&message, &signature))
    }
}

fn signed_bytes(receipt: &Receipt, key_id: &str) -> Result<Vec<u8>, LeafError> {
    let mut message = SIGNATURE_DOMAIN.to_vec();
    message.extend(key_id.as_bytes());
    message.push(b'\n');
    message.extend(canonical(receipt)?);
    Ok(message)
}

/// The proof that an entry is in the log at a signed size: the audit path of
/// [RFC 6962, section 2.1.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1) and the checkpoint it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The position of the entry, from zero.
    pub leaf_index: u64,
    /// The number of entries in the log that the checkpoint signs.
    pub tree_size: u64,
    /// The hashes beside the path from the entry to the root, from the bottom up, in base64.
    #[schemars(with = "Vec<String>")]
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, a [C2SP signed note](https://c2sp.org/signed-note).
    pub checkpoint: String,
}

/// What the service hands out and `verify` reads: all that is needed to check an erasure without asking anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFile {
    /// The origin of the log that the receipt is in.
    pub log: String,
    /// The receipt and its signature.
    pub signed_receipt: SignedReceipt,
    /// The proof that it is in the log, once the log has been published with it.
    pub proof: Option<Proof>,
}

impl ReceiptFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not the JSON of a receipt file, with the place and the reason.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
