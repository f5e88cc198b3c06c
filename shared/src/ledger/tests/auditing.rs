//! The whole log read again.

use super::*;
use crate::ledger::tile::{WIDTH, bundle_path, tile_path};

/// A log of that many erasures: what was begun, and every third time the receipt.
fn published(entries: u64) -> (BTreeMap<String, Vec<u8>>, Checkpoint) {
    let leaves: Vec<_> = (0..entries)
        .map(|index| {
            let leaf = if index % 3 == 0 {
                Leaf::ErasureReceipt(receipt(&format!("erasure_{index}")).sign(&signer()).unwrap())
            } else {
                Leaf::ErasureBegun(Intent::new(
                    &format!("erasure_{index}"),
                    vec![],
                    jiff::Timestamp::UNIX_EPOCH,
                ))
            };
            leaf.to_bytes().unwrap()
        })
        .collect();
    let publication = publish(&signer(), &Published::NOTHING, &leaves).unwrap();
    let checkpoint = Checkpoint::open(&publication.checkpoint, signer().verifier_key()).unwrap();
    let objects = publication
        .objects
        .into_iter()
        .map(|object| (object.path, object.bytes));
    (objects.collect(), checkpoint)
}

fn audited(objects: &BTreeMap<String, Vec<u8>>, checkpoints: Vec<Checkpoint>) -> Result<u64, AuditError> {
    let size = checkpoints.iter().map(|signed| signed.size).max().unwrap_or(0);
    let mut audit = Audit::against(checkpoints)?;
    for index in 0..size.div_ceil(WIDTH) {
        let width = WIDTH.min(size - index * WIDTH);
        let (bundle, tile) = (
            &objects[&bundle_path(index, width)],
            &objects[&tile_path(0, index, width)],
        );
        audit.read(width, bundle, tile, signer().verifier_key())?;
    }
    Ok(audit.size())
}

#[test]
fn a_log_of_any_size_is_as_its_checkpoint_says() {
    for size in [0, 1, 2, 3, 255, 256, 257, 600] {
        let (objects, checkpoint) = published(size);
        assert_eq!(audited(&objects, vec![checkpoint]), Ok(size));
    }
}

#[test]
fn an_older_checkpoint_must_be_a_beginning_of_the_log() {
    let (objects, checkpoint) = published(600);
    let (_, older) = published(300);
    assert_eq!(
        audited(&objects, vec![older.clone(), checkpoint.clone()]),
        Ok(600)
    );
    let forked = Checkpoint {
        root: checkpoint.root,
        ..older
    };
    assert_eq!(
        audited(&objects, vec![forked, checkpoint]),
        Err(AuditError::Root(300))
    );
    let (_, mut empty) = published(0);
    empty.root = Hash::of_leaf(b"something");
    assert_eq!(audited(&BTreeMap::new(), vec![empty]), Err(AuditError::Root(0)));
}

#[test]
fn whatever_was_changed_is_found() {
    let (objects, checkpoint) = published(300);
    let (bundle, tile) = (bundle_path(1, 44), tile_path(0, 1, 44));
    let with = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut objects = objects.clone();
        change(objects.get_mut(path).unwrap());
        audited(&objects, vec![checkpoint.clone()])
    };
    assert_eq!(with(&tile, &|bytes| bytes[40] ^= 1), Err(AuditError::Tile));
    assert_eq!(
        with(&tile, &|bytes| bytes.truncate(43 * Hash::LENGTH)),
        Err(AuditError::Tile)
    );
    assert_eq!(with(&tile, &|bytes| bytes.push(0)), Err(AuditError::Tile));
    assert!(matches!(
        with(&bundle, &|bytes| {
            bytes.pop();
        }),
        Err(AuditError::Bundle(_))
    ));
    let cut = |bytes: &mut Vec<u8>| {
        let first = 2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        bytes.drain(..first);
    };
    assert_eq!(
        with(&bundle, &cut),
        Err(AuditError::Entries {
            expected: 44,
            found: 43
        })
    );
    let renamed = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(bytes).replacen("erasure_257", "erasure_752", 1);
        *bytes = text.into_bytes();
    };
    assert_eq!(with(&bundle, &renamed), Err(AuditError::Tile));
    let nonsense = |bytes: &mut Vec<u8>| bytes[2] = b'[';
    assert_eq!(with(&bundle, &nonsense), Err(AuditError::Leaf(256)));
    let forged = |bytes: &mut Vec<u8>| {
        let text =
            String::from_utf8_lossy(bytes).replacen("\"items_deleted\":412", "\"items_deleted\":999", 1);
        *bytes = text.into_bytes();
    };
    assert_eq!(with(&bundle, &forged), Err(AuditError::Signature(258)));
}

#[test]
fn entries_and_tiles_that_were_exchanged_together_do_not_make_the_signed_root() {
    let (_, checkpoint) = published(5);
    let leaves: Vec<_> = (0..5)
        .map(|_| {
            Leaf::ErasureBegun(Intent::new("erasure_x", vec![], jiff::Timestamp::UNIX_EPOCH))
                .to_bytes()
                .unwrap()
        })
        .collect();
    let other = publish(&signer(), &Published::NOTHING, &leaves).unwrap();
    let objects = other
        .objects
        .into_iter()
        .map(|object| (object.path, object.bytes))
        .collect();
    assert_eq!(audited(&objects, vec![checkpoint]), Err(AuditError::Root(5)));
}
