use proptest::prelude::*;

use super::*;
use crate::ledger::log::{Object, PublishError};

/// The inputs and roots that Certificate Transparency's implementations are tested with.
const VECTORS: [(&str, &str); 8] = [
    (
        "",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    ),
    (
        "00",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    ),
    (
        "10",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ),
    (
        "2021",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (
        "3031",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    ),
    (
        "40414243",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    ),
    (
        "5051525354555657",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

fn hex_of(hash: Hash) -> String {
    hex::encode(hash.as_bytes())
}

#[test]
fn the_empty_log_has_the_root_of_rfc_6962_and_a_signed_checkpoint() {
    let publication = publish(&signer(), &Published::NOTHING, &[]).expect("an empty log");
    assert_eq!(
        hex_of(publication.next.root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(publication.next, Published::NOTHING);
    let [Object { path, bytes }] = publication.objects.as_slice() else {
        panic!("nothing but the checkpoint, not {:?}", publication.objects);
    };
    assert_eq!(
        (path.as_str(), bytes.as_slice()),
        ("checkpoint", publication.checkpoint.as_bytes())
    );
}

#[test]
fn one_to_eight_leaves_have_the_known_roots_of_certificate_transparency() {
    let inputs: Vec<_> = VECTORS
        .iter()
        .map(|(input, _)| hex::decode(input).expect("hex"))
        .collect();
    let mut published = Published::NOTHING;
    for (index, (_, root)) in VECTORS.iter().enumerate() {
        published = publish(&signer(), &published, &inputs[..=index])
            .expect("one leaf more")
            .next;
        assert_eq!(hex_of(published.root()), *root);
        assert_eq!(naive::root(&inputs[..=index]), published.root());
    }
}

#[test]
fn publishing_again_after_a_crash_gives_the_same_bytes() {
    let mut store = Store::of(&[1, 200]);
    store.rows.extend(leaves(200..600));
    let first = store.publication();
    for survived in 0..=first.objects.len() {
        let mut crashed = Store {
            bucket: store.bucket.clone(),
            rows: store.rows.clone(),
            ..Store::new()
        };
        crashed.published = store.published.clone();
        crashed.put(&first.objects[..survived]);
        let again = crashed.publication();
        assert_eq!(again, first);
        crashed.put(&again.objects);
        let mut whole = store.bucket.clone();
        whole.extend(
            first
                .objects
                .iter()
                .map(|object| (object.path.clone(), object.bytes.clone())),
        );
        assert_eq!(crashed.bucket, whole);
    }
}

#[test]
fn publishing_more_after_a_crash_keeps_every_object_that_was_already_there() {
    let mut store = Store::of(&[300]);
    store.rows.extend(leaves(300..400));
    let lost = store.publication();
    store.put(&lost.objects);
    let later = store.grow(1);
    let held = verify::consistency(
        &lost.checkpoint,
        &later.checkpoint,
        &tile::consistency_proof(&store.checkpoint(), 400, &store.bucket).expect("all tiles are there"),
        signer().verifier_key(),
    );
    assert_eq!(held.map(|(old, new)| (old.size, new.size)), Ok((400, 401)));
}

#[test]
fn publishing_without_a_new_leaf_writes_only_the_same_checkpoint() {
    let mut store = Store::of(&[257]);
    let before = store.bucket["checkpoint"].clone();
    let publication = store.grow(0);
    assert_eq!(
        publication.objects,
        [Object {
            path: "checkpoint".to_owned(),
            bytes: before
        }]
    );
    assert!(publication.proofs.is_empty());
}

#[test]
fn the_log_grows_across_the_boundaries_of_tiles() {
    let mut store = Store::of(&[255]);
    for size in 256..=258 {
        let publication = store.grow(1);
        assert_eq!(publication.next.root(), naive::root(&store.rows));
        assert_eq!(publication.proofs[0].hashes, naive::path(size - 1, &store.rows));
        assert_eq!(publication.consistency, naive::proof(size - 1, &store.rows));
    }
    let paths: Vec<_> = store.bucket.keys().map(String::as_str).collect();
    let expected = [
        "checkpoint",
        "tile/0/000",
        "tile/0/000.p/255",
        "tile/0/001.p/1",
        "tile/0/001.p/2",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/000.p/255",
        "tile/entries/001.p/1",
        "tile/entries/001.p/2",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn the_log_grows_across_the_boundary_of_the_second_level_of_tiles() {
    let mut store = Store::new();
    store.grow(65_535);
    for size in 65_536..=65_538 {
        let publication = store.grow(1);
        assert_eq!(publication.next.root(), naive::root(&store.rows));
        assert_eq!(publication.proofs[0].hashes, naive::path(size - 1, &store.rows));
        assert_eq!(publication.consistency, naive::proof(size - 1, &store.rows));
    }
    for path in [
        "tile/0/255",
        "tile/1/000.p/255",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/0/256.p/2",
    ] {
        assert!(store.bucket.contains_key(path), "{path} is missing");
    }
    assert!(
        !store.bucket.contains_key("tile/1/001.p/1"),
        "a tile of a node that is not there"
    );
}

/// The root of a log of `size` equal leaves, whose full subtrees of one height are all the same.
fn root_of_equal_leaves(size: u64) -> Hash {
    let full = |height: u32| (0..height).fold(Hash::of_leaf(b"same"), |below, _| naive::node(below, below));
    let height = size.ilog2();
    match size - (1 << height) {
        0 => full(height),
        rest => naive::node(full(height), root_of_equal_leaves(rest)),
    }
}

#[test]
fn a_log_of_sixteen_million_leaves_grows_across_the_boundary_of_the_third_level_with_a_small_state() {
    let size = (1 << 24) - 1;
    let row = |level: u32| {
        let hash = root_of_equal_leaves(1 << (8 * level));
        let bytes = hash.as_bytes().repeat(255);
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
    };
    let head = serde_json::json!({
        "size": size, "root": root_of_equal_leaves(size), "partial_tiles": [row(1), row(2)],
    });
    let head = head.to_string();
    assert!(head.len() < 22_000, "{} bytes", head.len());
    let state: Published = serde_json::from_str(&head).expect("of the right form");
    assert_eq!(state.first_leaf(), size - 255);

    let leaves = vec![b"same".to_vec(); 257];
    let publication = publish(&signer(), &state, &leaves).expect("the leaves continue the log");
    assert_eq!(publication.next.root(), root_of_equal_leaves(size + 2));
    let paths: Vec<_> = publication
        .objects
        .iter()
        .map(|object| object.path.as_str())
        .collect();
    let expected = [
        "tile/entries/x065/535",
        "tile/0/x065/535",
        "tile/entries/x065/536.p/1",
        "tile/0/x065/536.p/1",
        "tile/1/255",
        "tile/2/000",
        "tile/3/000.p/1",
        "checkpoint",
    ];
    assert_eq!(paths, expected);
    let checkpoint = Checkpoint::open(&publication.checkpoint, signer().verifier_key()).expect("ours");
    for proof in &publication.proofs {
        assert_eq!(
            verify::inclusion(&checkpoint, proof.leaf_index, b"same", &proof.hashes),
            Ok(())
        );
    }
    let old = Checkpoint::sign(&signer(), size, state.root());
    let key = signer().verifier_key().clone();
    assert!(verify::consistency(&old, &publication.checkpoint, &publication.consistency, &key).is_ok());
    let again = publish(&signer(), &publication.next, &leaves[256..]).expect("nothing new");
    assert_eq!(again.next, publication.next);
}

#[test]
fn every_leaf_of_every_small_log_has_a_proof_that_verifies() {
    for size in 1..=40 {
        let leaves = leaves(0..size);
        let publication = publish(&signer(), &Published::NOTHING, &leaves).expect("a new log");
        let checkpoint =
            Checkpoint::open(&publication.checkpoint, signer().verifier_key()).expect("our checkpoint");
        for (index, proof) in publication.proofs.iter().enumerate() {
            assert_eq!(proof.hashes, naive::path(index, &leaves));
            let verified = verify::inclusion(&checkpoint, proof.leaf_index, &leaves[index], &proof.hashes);
            assert_eq!(verified, Ok(()));
        }
    }
}

#[test]
fn a_leaf_that_was_changed_after_publication_stops_the_log() {
    let mut store = Store::of(&[10]);
    store.rows[4] = b"something else".to_vec();
    store.rows.push(b"new".to_vec());
    let refused = publish(&signer(), &store.published, &store.rows);
    assert_eq!(refused, Err(PublishError::Diverged));
}

#[test]
fn a_remembered_tile_that_was_changed_stops_the_log() {
    let store = Store::of(&[700]);
    let mut json = serde_json::to_value(&store.published).expect("serialisable");
    let other = Store::of(&[512]).published;
    json["partial_tiles"] = serde_json::json!([other.root().to_string()]);
    let state: Published = serde_json::from_value(json.clone()).expect("of the right form");
    assert_eq!(
        publish(&signer(), &state, &store.rows[512..]),
        Err(PublishError::State)
    );

    let mut bytes = other.root().as_bytes().to_vec();
    bytes.extend(store.published.root().as_bytes());
    json["partial_tiles"] = serde_json::json!([base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        bytes
    )]);
    let state: Published = serde_json::from_value(json).expect("of the right form");
    assert_eq!(
        publish(&signer(), &state, &store.rows[512..]),
        Err(PublishError::Diverged)
    );
}

#[test]
fn leaves_that_end_before_the_published_size_are_refused() {
    let store = Store::of(&[10]);
    let refused = publish(&signer(), &store.published, &store.rows[..9]);
    assert_eq!(
        refused,
        Err(PublishError::LeavesMissing {
            given: 9,
            published: 10
        })
    );
}

#[test]
fn a_leaf_longer_than_a_bundle_can_hold_is_refused() {
    let leaves = [vec![0; 65_535], vec![0; 65_536]];
    assert_eq!(
        publish(&signer(), &Published::NOTHING, &leaves),
        Err(PublishError::LeafTooLong(1))
    );
    assert!(publish(&signer(), &Published::NOTHING, &leaves[..1]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn publications_of_any_sizes_come_to_the_same_log_as_a_single_one(
        batches in prop::collection::vec(prop_oneof![0_u64..9, 0_u64..300], 1..9)
    ) {
        let mut store = Store::new();
        let mut old = 0;
        for batch in batches {
            let publication = store.grow(batch);
            let size = store.rows.len();
            prop_assert_eq!(publication.next.root(), naive::root(&store.rows));
            prop_assert_eq!(publication.proofs.len(), size - old);
            for (proof, index) in publication.proofs.iter().zip(old..).step_by(17) {
                prop_assert_eq!(proof.leaf_index, index as u64);
                prop_assert_eq!(&proof.hashes, &naive::path(index, &store.rows));
            }
            let expected = if old == 0 { Vec::new() } else { naive::proof(old, &store.rows) };
            prop_assert_eq!(publication.consistency, expected);
            old = size;
        }
        let at_once = publish(&signer(), &Published::NOTHING, &store.rows).expect("a new log");
        prop_assert_eq!(&store.published, &at_once.next);
        for object in &at_once.objects {
            prop_assert_eq!(&store.bucket[&object.path], &object.bytes);
        }
    }
}
