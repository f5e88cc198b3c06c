use super::*;
use crate::ledger::leaf::{LeafError, MAX_LEAF};

fn intent() -> Intent {
    let units = vec![
        unit_commitment("unit_b"),
        unit_commitment("unit_a"),
        unit_commitment("unit_b"),
    ];
    Intent::new(
        "era_1",
        units,
        "2026-03-01T09:00:00Z".parse().expect("a timestamp"),
    )
}

#[test]
fn a_unit_commitment_is_fixed_forever() {
    // printf 'trackwell unit commitment v1\0unit_a' | sha256sum
    assert_eq!(
        unit_commitment("unit_a"),
        "4f2a307df4a2c9924c8201350c5ad3a3d2b5efcaed840a2b6a2320e0f8885b51"
    );
    assert_ne!(unit_commitment("unit_a"), unit_commitment("unit_b"));
}

#[test]
fn an_intent_has_one_form_whatever_the_order_of_its_units() {
    let bytes = Leaf::ErasureBegun(intent()).to_bytes().expect("short");
    let (mut a, mut b) = (unit_commitment("unit_a"), unit_commitment("unit_b"));
    if a > b {
        std::mem::swap(&mut a, &mut b);
    }
    let expected = format!(
        r#"{{"version":1,"kind":"erasure_begun","erasure_id":"era_1","units":["{a}","{b}"],"at":"2026-03-01T09:00:00Z"}}"#
    );
    assert_eq!(String::from_utf8(bytes), Ok(expected));
}

#[test]
fn a_receipt_has_one_form() {
    let json = String::from_utf8(signed("era_1").leaf_bytes().expect("short")).expect("JSON is text");
    let unit = unit_commitment("org_01h455vb4pex5vsknk084sn02q/content");
    let receipt = format!(
        concat!(
            r#"{{"receipt":{{"version":1,"kind":"erasure_receipt","erasure_id":"era_1","operator":"trackado","#,
            r#""policy_version":"2026-01-01","trigger":"organisation_deletion","units":[{{"commitment":"{}","#,
            r#""class":"content","items_deleted":412,"object_versions_deleted":9}}],"#,
            r#""fenced_at":"2026-03-01T09:00:00Z","purged_at":"2026-03-01T09:00:12.5Z","#,
            r#""verified_at":"2026-03-01T09:20:00Z"}},"key_id":"{}","signature":"#
        ),
        unit,
        signer().verifier_key().id()
    );
    assert!(json.starts_with(&receipt), "{json}");
}

#[test]
fn what_is_written_can_be_read() {
    for leaf in [
        Leaf::ErasureBegun(intent()),
        Leaf::ErasureReceipt(signed("era_1")),
    ] {
        let bytes = leaf.to_bytes().expect("short");
        assert_eq!(Leaf::parse(&bytes), Ok(leaf));
    }
}

#[test]
fn an_entry_in_another_form_is_refused() {
    let bytes = Leaf::ErasureBegun(intent()).to_bytes().expect("short");
    let json = String::from_utf8(bytes).expect("JSON is text");
    let spaced = json.replace("\"version\":1", "\"version\": 1");
    assert_eq!(Leaf::parse(spaced.as_bytes()), Err(LeafError::NotCanonical));
    let zoned = json.replace("09:00:00Z", "10:00:00+01:00");
    assert_eq!(Leaf::parse(zoned.as_bytes()), Err(LeafError::NotCanonical));
}

#[test]
fn an_entry_with_an_unknown_field_kind_or_version_is_refused() {
    let bytes = Leaf::ErasureBegun(intent()).to_bytes().expect("short");
    let json = String::from_utf8(bytes).expect("JSON is text");
    for (from, to) in [
        ("{\"version\"", "{\"name\":\"Ann\",\"version\""),
        ("erasure_begun", "erasure_planned"),
        ("\"version\":1", "\"version\":2"),
    ] {
        let changed = json.replace(from, to);
        assert!(
            matches!(Leaf::parse(changed.as_bytes()), Err(LeafError::Json(_))),
            "{changed}"
        );
    }
}

#[test]
fn a_receipt_too_long_for_the_ledger_is_not_signed() {
    let mut long = receipt("era_1");
    long.units = vec![long.units[0].clone(); 600];
    let refused = long.sign(&signer());
    assert!(
        matches!(refused, Err(LeafError::TooLong(length)) if length > MAX_LEAF),
        "{refused:?}"
    );
}
