use super::*;
use crate::ledger::checkpoint::CheckpointError;

fn key() -> VerifierKey {
    signer().verifier_key().clone()
}

fn with_proof(file: &ReceiptFile, change: impl FnOnce(&mut Proof)) -> ReceiptFile {
    let mut file = file.clone();
    change(file.proof.as_mut().expect("the file has a proof"));
    file
}

#[test]
fn every_receipt_of_the_log_verifies_and_says_where_it_stands() {
    for (index, file) in (0..).zip(receipt_files(9)) {
        let verified = verify::receipt(&file, &key()).expect("an honest file");
        assert_eq!(verified.receipt, receipt(&format!("era_{index}")));
        assert_eq!((verified.leaf_index, verified.checkpoint.size), (index, 9));
        assert_eq!(verified.checkpoint.origin, ORIGIN);
    }
}

#[test]
fn a_receipt_that_is_not_in_the_ledger_yet_has_an_error_of_its_own() {
    let mut file = receipt_files(3).remove(1);
    file.proof = None;
    assert_eq!(verify::receipt(&file, &key()), Err(VerifyError::NotYetInLedger));
    file.signed_receipt.receipt.units[0].items_deleted += 1;
    assert_eq!(verify::receipt(&file, &key()), Err(VerifyError::Signature));
}

#[test]
fn proofs_swapped_between_receipts_are_refused() {
    let files = receipt_files(7);
    for (i, one) in files.iter().enumerate() {
        for (j, other) in files.iter().enumerate().filter(|(j, _)| *j != i) {
            let swapped = ReceiptFile {
                proof: other.proof.clone(),
                ..one.clone()
            };
            let refused = verify::receipt(&swapped, &key());
            assert_eq!(refused, Err(VerifyError::NotIncluded { index: j as u64 }));
        }
    }
}

#[test]
fn a_proof_that_says_another_position_or_size_is_refused() {
    let file = &receipt_files(7)[3];
    let index = with_proof(file, |proof| proof.leaf_index = 2);
    assert_eq!(
        verify::receipt(&index, &key()),
        Err(VerifyError::NotIncluded { index: 2 })
    );
    let beyond = with_proof(file, |proof| proof.leaf_index = 7);
    assert_eq!(
        verify::receipt(&beyond, &key()),
        Err(VerifyError::LeafIndex { index: 7, size: 7 })
    );
    let size = with_proof(file, |proof| proof.tree_size = 8);
    assert_eq!(
        verify::receipt(&size, &key()),
        Err(VerifyError::TreeSize {
            proof: 8,
            checkpoint: 7
        })
    );
}

#[test]
fn a_proof_with_a_hash_too_many_too_few_or_out_of_order_is_refused() {
    let file = &receipt_files(7)[3];
    for changed in [
        with_proof(file, |proof| proof.hashes.push(Hash::EMPTY_TREE)),
        with_proof(file, |proof| proof.hashes.truncate(1)),
        with_proof(file, |proof| proof.hashes.swap(0, 1)),
        with_proof(file, |proof| proof.hashes.clear()),
    ] {
        assert_eq!(
            verify::receipt(&changed, &key()),
            Err(VerifyError::NotIncluded { index: 3 })
        );
    }
}

#[test]
fn a_checkpoint_of_another_state_of_the_log_is_refused() {
    let file = &receipt_files(7)[3];
    let note = Checkpoint::sign(&signer(), 7, Hash::of_leaf(b"another tree"));
    let changed = with_proof(file, |proof| proof.checkpoint = note);
    assert_eq!(
        verify::receipt(&changed, &key()),
        Err(VerifyError::NotIncluded { index: 3 })
    );
}

#[test]
fn a_file_of_another_key_or_another_log_is_refused() {
    let file = &receipt_files(7)[3];
    let stranger = Signer::from_seed(ORIGIN, &[8; 32])
        .expect("a seed")
        .verifier_key()
        .clone();
    let refused = verify::receipt(file, &stranger);
    let other = VerifyError::OtherKey {
        receipt: key().id(),
        key: stranger.id(),
    };
    assert_eq!(refused, Err(other));

    let elsewhere = "trackwell.example/ledger/ocktra";
    let stranger = Signer::from_seed(elsewhere, &[7; 32])
        .expect("a seed")
        .verifier_key()
        .clone();
    let refused = verify::receipt(file, &stranger);
    let other = VerifyError::OtherLog {
        file: ORIGIN.to_owned(),
        key: elsewhere.to_owned(),
    };
    assert_eq!(refused, Err(other));
}

#[test]
fn a_receipt_signed_by_a_stranger_is_refused_even_if_it_names_our_key() {
    let stranger = Signer::from_seed(ORIGIN, &[8; 32]).expect("a seed");
    let mut file = receipt_files(1).remove(0);
    file.signed_receipt = receipt("era_0").sign(&stranger).expect("short");
    file.signed_receipt.key_id = key().id();
    assert_eq!(verify::receipt(&file, &key()), Err(VerifyError::Signature));
}

#[test]
fn a_checkpoint_signed_by_a_stranger_is_refused() {
    let stranger = Signer::from_seed(ORIGIN, &[8; 32]).expect("a seed");
    let file = &receipt_files(1)[0];
    let forged = with_proof(file, |proof| {
        let root = Hash::of_leaf(&file.signed_receipt.leaf_bytes().expect("short"));
        proof.checkpoint = Checkpoint::sign(&stranger, 1, root);
    });
    let refused = verify::receipt(&forged, &key());
    assert_eq!(refused, Err(VerifyError::Checkpoint(CheckpointError::Unsigned)));
}

#[test]
fn a_receipt_is_bound_to_its_ledger_even_if_two_ledgers_share_a_seed() {
    let elsewhere = Signer::from_seed("trackwell.example/ledger/ocktra", &[7; 32]).expect("a seed");
    let mut moved = receipt("era_0").sign(&elsewhere).expect("short");
    moved.key_id = key().id();
    assert_eq!(verify::signature(&moved, &key()), Err(VerifyError::Signature));
}

#[test]
fn the_signature_of_a_checkpoint_cannot_be_used_for_a_receipt() {
    // The key signs both. What it signs for a receipt is no UTF-8, so no text of a note can be the same bytes.
    let signature = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        signed("era_0").signature,
    );
    let json = serde_json::to_string(&receipt("era_0")).expect("serialisable");
    let text = format!("trackwell erasure receipt v1\n{}\n{json}", key().id());
    assert!(!key().has_signed(text.as_bytes(), &signature.expect("base64")));
}

#[test]
fn a_log_whose_tail_was_cut_off_is_found_out() {
    let store = Store::of(&[300]);
    let old = Checkpoint::sign(&signer(), 300, store.published.root());
    let cut = Store::of(&[280]);
    let new = Checkpoint::sign(&signer(), 280, cut.published.root());
    let refused = verify::consistency(&old, &new, &[], &key());
    assert_eq!(refused, Err(VerifyError::Shrunk { old: 300, new: 280 }));

    // The tail is cut off and regrown with other entries: no proof can connect the two.
    let mut regrown = cut;
    regrown
        .rows
        .extend((280..310).map(|index| format!("other {index}").into_bytes()));
    let publication = regrown.publication();
    regrown.put(&publication.objects);
    let proof = tile::consistency_proof(&regrown.checkpoint(), 300, &regrown.bucket).expect("all tiles");
    let refused = verify::consistency(&old, &publication.checkpoint, &proof, &key());
    assert_eq!(refused, Err(VerifyError::Rewritten { old: 300, new: 310 }));
}

#[test]
fn two_different_logs_of_one_size_are_not_consistent() {
    let one = Checkpoint::sign(&signer(), 5, Hash::of_leaf(b"one"));
    let two = Checkpoint::sign(&signer(), 5, Hash::of_leaf(b"two"));
    assert!(verify::consistency(&one, &one, &[], &key()).is_ok());
    let refused = verify::consistency(&one, &two, &[], &key());
    assert_eq!(refused, Err(VerifyError::Rewritten { old: 5, new: 5 }));
}

#[test]
fn every_log_is_consistent_with_the_empty_one_and_only_with_the_true_one() {
    let empty = Checkpoint::sign(&signer(), 0, Hash::EMPTY_TREE);
    let false_empty = Checkpoint::sign(&signer(), 0, Hash::of_leaf(b"x"));
    let new = Checkpoint::sign(&signer(), 5, Hash::of_leaf(b"five"));
    assert!(verify::consistency(&empty, &new, &[], &key()).is_ok());
    assert!(verify::consistency(&empty, &empty, &[], &key()).is_ok());
    for (old, new, proof) in [
        (&false_empty, &new, &[][..]),
        (&empty, &false_empty, &[]),
        (&empty, &new, &[Hash::EMPTY_TREE]),
    ] {
        assert!(matches!(
            verify::consistency(old, new, proof, &key()),
            Err(VerifyError::Rewritten { old: 0, .. })
        ));
    }
}

#[test]
fn errors_say_in_plain_words_what_does_not_match() {
    let file = &receipt_files(7)[3];
    let refused = verify::receipt(&with_proof(file, |proof| proof.leaf_index = 2), &key());
    assert_eq!(
        refused.expect_err("the wrong index").to_string(),
        "the proof does not show that exactly this receipt is entry 2 of the ledger"
    );
    let tampered = with_proof(file, |proof| {
        proof.checkpoint = proof.checkpoint.replacen('7', "8", 1);
    });
    assert_eq!(
        verify::receipt(&tampered, &key())
            .expect_err("a false size")
            .to_string(),
        "the proof cannot be trusted: the checkpoint's signature does not match its text: one of them was altered"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn proofs_of_any_numbers_and_hashes_are_refused_without_a_panic(
        index: u64, size: u64, old: u64, count in 0_usize..80,
    ) {
        let hashes = vec![Hash::EMPTY_TREE; count];
        let root = Hash::of_leaf(b"no tree has this root");
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root };
        proptest::prop_assert!(verify::inclusion(&checkpoint, index, b"leaf", &hashes).is_err());
        let new = Checkpoint::sign(&signer(), size, root);
        let old = Checkpoint::sign(&signer(), old, Hash::EMPTY_TREE);
        let connected = verify::consistency(&old, &new, &hashes, &key());
        proptest::prop_assert!(connected.is_err());
    }
}
