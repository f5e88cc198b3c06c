//! The erasure ledger: an append-only Merkle log of what was erased, and the receipts that prove it.
//!
//! This is the pure half. Nothing here reads a clock, a table or a bucket: functions take bytes and give bytes, so
//! the same code runs in the Lambda that publishes the ledger and in the command that verifies a receipt on a
//! machine without a network.
//!
//! - [`leaf`]: what one entry of the log says, and how a unit is named without showing its id.
//! - [`receipt`]: the signed statement about one erasure, and the file that is handed out.
//! - [`log`]: from "published up to here" and the next leaves to the objects that must be stored.
//! - [`tile`]: the layout of those objects, and proofs read back from them.
//! - [`checkpoint`] and [`key`]: the signed head of the log and the key that signs it.
//! - [`audit`]: the whole log read again, entry by entry.
//! - [`verify`]: everything a stranger needs, with nothing but the public key.
//!
//! The hashing is that of [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1); the objects
//! follow [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint)
//! and [C2SP signed-note](https://c2sp.org/signed-note), so existing monitors and witnesses can read the log.

pub mod audit;
pub mod checkpoint;
pub mod hash;
pub mod key;
pub mod leaf;
pub mod log;
pub mod receipt;
pub mod tile;
pub mod verify;

#[cfg(test)]
mod tests;

pub use audit::{Audit, AuditError};
pub use checkpoint::Checkpoint;
pub use hash::Hash;
pub use key::{Signer, VerifierKey};
pub use leaf::{Intent, Leaf, unit_commitment};
pub use log::{Publication, Published, publish};
pub use receipt::{ErasedUnit, Proof, Receipt, ReceiptFile, SignedReceipt, Trigger};
pub use verify::{Verified, VerifyError};
