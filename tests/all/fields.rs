//! The fields of records: wrong ones named, changed ones merged.

use serde_json::json;

use crate::records::{KINDS, create, full, patch, path_of, setting};
use crate::support::assert_unchanged;

#[tokio::test]
async fn i_05_k_07_every_wrong_field_is_named_and_nothing_is_stored() {
    let (world, customer) = setting().await;
    let before = world.everything().await;
    for kind in KINDS {
        for name in full(kind).as_object().unwrap().keys() {
            for wrong in [
                json!({ "S": "x" }),
                json!([[]]),
                json!(-1),
                json!("\u{0}"),
                json!("x".repeat(10_001)),
            ] {
                let mut fields = full(kind);
                fields[name] = wrong.clone();
                let reply = create(&customer, kind, fields).await;
                let (status, _, pointers) = reply.problem();
                let pointer = format!("/fields/{name}");
                assert!(
                    status == 422 && pointers.iter().all(|found| found.starts_with(&pointer)),
                    "{kind} {wrong}: {reply:?}"
                );
            }
        }
        let mut fields = full(kind);
        fields["colour"] = json!("red");
        assert_eq!(
            create(&customer, kind, fields).await.problem().2,
            ["/fields/colour"]
        );
    }
    for (pointer, kind, name, wrong) in [
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": 1.5, "currency": "EUR" }),
        ),
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": -1, "currency": "EUR" }),
        ),
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": "12", "currency": "EUR" }),
        ),
        (
            "/amount",
            "asset",
            "purchase_cost",
            json!({ "amount": 1_000_000_000_001_u64, "currency": "EUR" }),
        ),
        ("/amount", "asset", "purchase_cost", json!({ "currency": "EUR" })),
        (
            "/currency",
            "asset",
            "purchase_cost",
            json!({ "amount": 1, "currency": "eur" }),
        ),
        (
            "/currency",
            "asset",
            "purchase_cost",
            json!({ "amount": 1, "currency": "EURO" }),
        ),
        ("", "asset", "purchase_date", json!("2026-02-29")),
        ("", "asset", "purchase_date", json!("29.02.2024")),
        ("", "asset", "purchase_date", json!("2024-02-29T00:00:00Z")),
        ("", "asset", "warranty_months", json!("36")),
        ("", "asset", "warranty_months", json!(601)),
        ("", "asset", "status", json!("Ready")),
        (
            "",
            "asset",
            "assigned_to",
            json!("user_01jd2v7f5ne2x9w4m1q8z3k6ta"),
        ),
        ("", "asset", "asset_tag", json!("gpj\u{202e}exe")),
        ("", "asset", "asset_tag", json!("  ")),
        ("", "asset", "asset_tag", json!("x".repeat(101))),
        ("", "licence", "seats", json!(4_294_967_296_u64)),
        ("", "employee", "email", json!("grace@works")),
        ("", "domain", "domain_name", json!("works")),
        ("", "domain", "domain_name", json!("wor ks.example")),
        ("", "domain", "auto_renew", json!("yes")),
        ("/1", "domain", "name_servers", json!(["a.example", "x"])),
    ] {
        let mut fields = full(kind);
        fields[name] = wrong.clone();
        let reply = create(&customer, kind, fields).await;
        let expected = vec![format!("/fields/{name}{pointer}")];
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), expected),
            "{wrong}: {reply:?}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "wrong fields");
}

#[tokio::test]
async fn a_merge_patch_replaces_adds_and_removes_and_what_is_required_stays() {
    let (world, customer) = setting().await;
    let path = path_of(&create(&customer, "asset", full("asset")).await);
    let change = json!({
        "name": null, "serial": null, "status": null, "location": "Paris", "purchase_cost": { "amount": 5 }, "model": null,
    });
    let reply = patch(&customer, &path, change, "\"1\"").await;
    let mut expected = full("asset");
    for name in ["name", "serial", "model"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    expected["status"] = json!("ready");
    expected["location"] = json!("Paris");
    expected["purchase_cost"]["amount"] = json!(5);
    assert_eq!(
        (reply.status, &reply.json()["fields"]),
        (200, &expected),
        "{reply:?}"
    );
    let before = world.everything().await;
    for (change, pointer) in [
        (json!({ "asset_tag": null }), "/fields/asset_tag"),
        (json!({ "asset_tag": "" }), "/fields/asset_tag"),
        (
            json!({ "purchase_cost": { "currency": null } }),
            "/fields/purchase_cost/currency",
        ),
        (json!({ "purchase_cost": 7 }), "/fields/purchase_cost"),
        (json!({ "colour": "red" }), "/fields/colour"),
        (json!({ "warranty_months": 1e3 }), "/fields/warranty_months"),
    ] {
        let reply = patch(&customer, &path, change, "\"2\"").await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{reply:?}"
        );
    }
    for nothing in [
        json!({}),
        json!({ "location": "Paris" }),
        json!({ "name": null }),
        json!({ "unknown": null }),
    ] {
        let reply = patch(&customer, &path, nothing, "\"2\"").await;
        assert_eq!(
            (reply.status, reply.header("etag")),
            (200, Some("\"2\"")),
            "{reply:?}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "patches that change nothing");
}
