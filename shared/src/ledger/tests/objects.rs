use super::*;
use crate::ledger::tile::{
    TileError, WIDTH, bundle_path, bundle_paths, consistency_proof, decode_bundle, inclusion_proof, tile_path,
};

#[test]
fn paths_are_those_of_tlog_tiles() {
    assert_eq!(tile_path(0, 0, WIDTH), "tile/0/000");
    assert_eq!(tile_path(1, 1_234_067, WIDTH), "tile/1/x001/x234/067");
    assert_eq!(tile_path(2, 999, 17), "tile/2/999.p/17");
    assert_eq!(bundle_path(1_000, 255), "tile/entries/x001/000.p/255");
}

#[test]
fn the_bundles_hold_every_entry_in_order() {
    let store = Store::of(&[3, 256, 600]);
    let mut entries = Vec::new();
    for path in bundle_paths(600) {
        entries.extend(decode_bundle(&store.bucket[&path]).expect("a whole bundle"));
    }
    assert_eq!(entries, store.rows);
    assert_eq!(
        bundle_paths(512).collect::<Vec<_>>(),
        ["tile/entries/000", "tile/entries/001"]
    );
    assert_eq!(bundle_paths(0).count(), 0);
}

#[test]
fn a_bundle_that_is_cut_off_is_refused() {
    let store = Store::of(&[2]);
    let bundle = &store.bucket["tile/entries/000.p/2"];
    for length in 0..bundle.len() {
        match decode_bundle(&bundle[..length]) {
            Ok(entries) => assert_eq!(entries, store.rows[..entries.len()]),
            Err(error) => assert_eq!(error, TileError::Bundle),
        }
    }
    assert_eq!(decode_bundle(&bundle[..bundle.len() - 1]), Err(TileError::Bundle));
}

#[test]
fn proofs_between_any_published_sizes_are_read_back_from_the_tiles() {
    let sizes = [1, 2, 255, 256, 257, 512, 700];
    let mut notes = Vec::new();
    let mut store = Store::new();
    for size in sizes {
        let publication = store.grow(size - store.published.size());
        notes.push(publication.checkpoint);
        for (old_size, old) in sizes.iter().zip(&notes) {
            let proof = consistency_proof(&store.checkpoint(), *old_size, &store.bucket).expect("all tiles");
            let index = usize::try_from(*old_size).expect("small");
            assert_eq!(proof, naive::proof(index, &store.rows));
            let held = verify::consistency(old, &notes[notes.len() - 1], &proof, signer().verifier_key());
            assert_eq!(held.map(|(old, new)| (old.size, new.size)), Ok((*old_size, size)));
        }
    }
    for index in [0, 1, 254, 255, 256, 511, 512, 699] {
        let proof = inclusion_proof(&store.checkpoint(), index as u64, &store.bucket).expect("all tiles");
        assert_eq!(proof, naive::path(index, &store.rows));
    }
}

#[test]
fn the_tiles_that_a_proof_needs_are_named_and_suffice() {
    let store = Store::of(&[300, 700]);
    let checkpoint = store.checkpoint();
    let Err(TileError::Missing(paths)) = consistency_proof(&checkpoint, 300, &BTreeMap::new()) else {
        panic!("without tiles there is no proof");
    };
    let loaded = paths
        .iter()
        .map(|path| (path.clone(), store.bucket[path].clone()))
        .collect();
    let expected = naive::proof(300, &store.rows);
    assert_eq!(consistency_proof(&checkpoint, 300, &loaded), Ok(expected));
}

#[test]
fn tiles_that_do_not_belong_to_the_checkpoint_are_refused() {
    let store = Store::of(&[300, 700]);
    let Err(TileError::Missing(paths)) = consistency_proof(&store.checkpoint(), 300, &BTreeMap::new()) else {
        panic!("without tiles there is no proof");
    };
    for path in paths {
        let mut bucket = store.bucket.clone();
        bucket.entry(path.clone()).and_modify(|bytes| bytes[5] ^= 1);
        assert_eq!(
            consistency_proof(&store.checkpoint(), 300, &bucket),
            Err(TileError::Inconsistent)
        );
        bucket.insert(path, Vec::new());
        assert_eq!(
            consistency_proof(&store.checkpoint(), 300, &bucket),
            Err(TileError::Inconsistent)
        );
    }
}

#[test]
fn a_proof_of_inclusion_from_tiles_with_any_byte_changed_is_refused_or_the_same() {
    let store = Store::of(&[260]);
    let checkpoint = store.checkpoint();
    let honest = inclusion_proof(&checkpoint, 258, &store.bucket).expect("all tiles");
    let mut refused = 0;
    for path in ["tile/0/001.p/4", "tile/1/000.p/1"] {
        for position in 0..store.bucket[path].len() {
            let mut bucket = store.bucket.clone();
            bucket
                .entry(path.to_owned())
                .and_modify(|bytes| bytes[position] ^= 1);
            match inclusion_proof(&checkpoint, 258, &bucket) {
                Ok(proof) => assert_eq!(proof, honest),
                Err(error) => {
                    assert_eq!(error, TileError::Inconsistent);
                    refused += 1;
                }
            }
        }
    }
    assert_eq!(
        refused,
        5 * Hash::LENGTH,
        "each of the five hashes has its part in the proof or in its check"
    );
}

#[test]
fn there_is_no_proof_about_entries_that_are_not_there() {
    let store = Store::of(&[5]);
    assert_eq!(
        inclusion_proof(&store.checkpoint(), 5, &store.bucket),
        Err(TileError::OutOfRange)
    );
    assert_eq!(
        consistency_proof(&store.checkpoint(), 6, &store.bucket),
        Err(TileError::OutOfRange)
    );
    assert_eq!(
        consistency_proof(&store.checkpoint(), 5, &store.bucket),
        Ok(Vec::new())
    );
    assert_eq!(
        consistency_proof(&store.checkpoint(), 0, &store.bucket),
        Ok(Vec::new())
    );
}
