//! The ledger against the published test vectors, against a naive implementation of RFC 6962, and against tampering.

use std::collections::BTreeMap;

use super::leaf::Version1;
use super::receipt::ReceiptKind;
use super::*;

mod auditing;
mod entries;

mod naive;
mod notes;
mod objects;
mod publishing;
mod tampering;
mod verifying;

const ORIGIN: &str = "trackwell.example/ledger/trackado";

fn signer() -> Signer {
    Signer::from_seed(ORIGIN, &[7; 32]).expect("the origin is a valid name")
}

fn leaves(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|index| format!("leaf {index}").into_bytes()).collect()
}

fn receipt(erasure_id: &str) -> Receipt {
    Receipt {
        version: Version1,
        kind: ReceiptKind::ErasureReceipt,
        erasure_id: erasure_id.to_owned(),
        operator: "trackado".to_owned(),
        policy_version: "2026-01-01".to_owned(),
        trigger: Trigger::OrganisationDeletion,
        units: vec![ErasedUnit {
            commitment: unit_commitment("org_01h455vb4pex5vsknk084sn02q/content"),
            class: "content".to_owned(),
            items_deleted: 412,
            object_versions_deleted: 9,
        }],
        fenced_at: "2026-03-01T09:00:00Z".parse().expect("a timestamp"),
        purged_at: "2026-03-01T09:00:12.5Z".parse().expect("a timestamp"),
        verified_at: "2026-03-01T09:20:00Z".parse().expect("a timestamp"),
    }
}

fn signed(erasure_id: &str) -> SignedReceipt {
    receipt(erasure_id).sign(&signer()).expect("a short receipt")
}

/// A log of nothing but receipts, with the file of each.
fn receipt_files(count: u64) -> Vec<ReceiptFile> {
    let receipts: Vec<_> = (0..count).map(|index| signed(&format!("era_{index}"))).collect();
    let leaves: Vec<_> = receipts
        .iter()
        .map(|r| r.leaf_bytes().expect("a short receipt"))
        .collect();
    let publication = publish(&signer(), &Published::NOTHING, &leaves).expect("a new log");
    let files = receipts.into_iter().zip(publication.proofs);
    files
        .map(|(signed_receipt, proof)| ReceiptFile {
            log: ORIGIN.to_owned(),
            signed_receipt,
            proof: Some(proof),
        })
        .collect()
}

/// A log as the sequencer keeps it: the rows, the remembered state and the bucket.
struct Store {
    rows: Vec<Vec<u8>>,
    published: Published,
    bucket: BTreeMap<String, Vec<u8>>,
}

impl Store {
    fn new() -> Self {
        Self {
            rows: Vec::new(),
            published: Published::NOTHING,
            bucket: BTreeMap::new(),
        }
    }

    fn publication(&self) -> Publication {
        let first = usize::try_from(self.published.first_leaf()).expect("a small log");
        publish(&signer(), &self.published, &self.rows[first..]).expect("the rows continue the log")
    }

    /// Stores the objects; what was immutable before must come out the same.
    fn put(&mut self, objects: &[log::Object]) {
        for object in objects {
            let before = self.bucket.insert(object.path.clone(), object.bytes.clone());
            let same = before.is_none_or(|before| before == object.bytes);
            assert!(same || object.path == checkpoint::PATH, "{} changed", object.path);
        }
    }

    fn grow(&mut self, count: u64) -> Publication {
        let size = self.rows.len() as u64;
        self.rows.extend(leaves(size..size + count));
        let publication = self.publication();
        self.put(&publication.objects);
        // The state goes through its serialised form, as it does in the head row.
        let json = serde_json::to_string(&publication.next).expect("serialisable");
        self.published = serde_json::from_str(&json).expect("what was written can be read");
        publication
    }

    fn of(sizes: &[u64]) -> Self {
        let mut store = Self::new();
        for size in sizes {
            store.grow(size - store.rows.len() as u64);
        }
        store
    }

    fn checkpoint(&self) -> Checkpoint {
        let note = self.bucket[checkpoint::PATH].clone();
        let note = String::from_utf8(note).expect("a note is text");
        Checkpoint::open(&note, signer().verifier_key()).expect("our own checkpoint")
    }
}
