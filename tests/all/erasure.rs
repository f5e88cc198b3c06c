//! TRK-7, TRK-8, OCK-12, CTK-6: what a person's or an organisation's decision does, at once and afterwards.

use jiff::SignedDuration;
use serde_json::json;
use shared::erasure::model::JobState;
use shared::erasure::purge::{self, Patience};
use shared::ledger::{ReceiptFile, VerifierKey, verify};
use shared::policy::Profile;
use shared::task::Deadline;

use crate::harness::{Customer, World};

/// A customer with something of everything.
pub async fn furnished(world: &World, word: &str) -> Customer {
    let customer = world.customer(word).await;
    let asset = customer
        .asset(json!({ "asset_tag": format!("{word}-1"), "serial": format!("{word}-S1") }))
        .await;
    let employee = json!({ "kind": "employee", "fields": { "first_name": word, "email": format!("{word}@works.example") } });
    assert_eq!(customer.post("/v1/records", &employee).await.status, 201);
    customer
        .attach(
            &asset,
            &format!("{word}.txt"),
            &format!("the content of {word}\n"),
        )
        .await;
    let billing = json!({ "name": format!("{word} Works"), "vat_number": "GB123456789" });
    let reply = customer
        .json(http::Method::PUT, "/v1/organisation/billing", &billing, &[])
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    customer
}

/// The partition keys of what is left in a table.
async fn left(world: &World, table: &str) -> Vec<String> {
    world
        .items(table)
        .await
        .iter()
        .map(|item| item["pk"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn trk_7_deleting_the_account_makes_everything_unreadable_before_it_answers() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(reply.json()["erased"], json!(["account", "content"]));
    assert_eq!(reply.json()["kept"][0]["class"], "billing");
    assert!(
        reply.json()["kept"][0]["reason"].as_str().unwrap().len() > 20,
        "the statute is named: {reply:?}"
    );
    let after = customer.get("/v1/me").await;
    assert_eq!(after.problem(), (401, "unauthenticated".into(), vec![]));
    assert_eq!(customer.get("/v1/records?kind=asset").await.status, 401);
    assert_eq!(customer.try_sign_in().await.status, 401);
    let refresh = world
        .anonymous()
        .post(
            "/v1/auth/refresh",
            &json!({ "refresh_token": customer.refresh_token }),
        )
        .await;
    assert_eq!(refresh.status, 401, "{refresh:?}");
    let keys = left(&world, "keys").await;
    assert!(keys.len() == 1 && keys[0].ends_with(".billing"), "{keys:?}");
}

#[tokio::test]
async fn trk_7_one_transaction_makes_an_account_of_any_size_unreadable() {
    let mut calls = Vec::new();
    for lines in [20, 500] {
        let world = World::new(Profile::Trackr).await;
        let customer = world.customer("Quokka").await;
        customer.import("Quokka", lines).await;
        world.stack.clear_calls();
        // The first thing that is read by its own key is the job, when the purge begins.
        let (reached, go_on) = world.pause_at("me-delete", "GetItem");
        let client = customer.client.clone();
        let deleting = tokio::spawn(async move { client.delete("/v1/me", &[]).await });
        reached.notified().await;
        let keys = left(&world, "keys").await;
        assert!(keys.len() == 1 && keys[0].ends_with(".billing"), "{keys:?}");
        assert_eq!(customer.get("/v1/me").await.status, 401);
        assert!(
            left(&world, "core").await.len() > 4 * lines,
            "nothing is purged yet"
        );
        let before = world.stack.calls().into_iter();
        let before = before.filter(|call| call.function == "me-delete");
        calls.push(before.map(|call| call.operation).collect::<Vec<_>>());
        go_on.notify_one();
        assert_eq!(deleting.await.unwrap().status, 202);
    }
    assert_eq!(calls[0], calls[1], "the size changes nothing");
    let transactions = |calls: &[String]| calls.iter().filter(|name| *name == "TransactWriteItems").count();
    assert_eq!(transactions(&calls[0]), 1, "{calls:?}");
}

#[tokio::test]
async fn trk_7_purge_and_verification_are_sealed_within_a_minute() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    let reply = customer.delete("/v1/me", &[]).await;
    let id = reply.json()["erasure_id"].as_str().unwrap().to_owned();
    assert_eq!(
        reply.json()["state"],
        "verifying",
        "the request itself purged it: {reply:?}"
    );
    assert_eq!(
        left(&world, "core").await.len(),
        1,
        "only billing details are left"
    );
    assert_eq!(world.object_versions().await, 0);
    // The schedule fires once a minute; at the latest then the longest possible request is over.
    world.advance(60);
    assert_eq!(
        world.task("erasure-purge").await,
        json!({ "sealed": 1, "open": 0, "oldest_job_seconds": 0 })
    );
    let state = world.anonymous().get(&format!("/v1/erasures/{id}")).await;
    assert_eq!(
        (state.status, &state.json()["state"]),
        (200, &json!("sealed")),
        "{state:?}"
    );
}

#[tokio::test]
async fn a_purge_whose_time_is_over_reads_no_further_job() {
    let world = World::new(Profile::Trackr).await;
    for word in ["Quokka", "Bilby"] {
        let reply = furnished(&world, word).await.delete("/v1/me", &[]).await;
        assert_eq!(reply.status, 202, "{reply:?}");
    }
    world.stack.clear_calls();
    let report = world
        .stack
        .run_task("erasure-purge", json!({}), SignedDuration::ZERO)
        .await;
    assert_eq!(
        report.unwrap(),
        json!({ "sealed": 0, "open": 2, "oldest_job_seconds": 0 })
    );
    let operations: Vec<_> = world
        .stack
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(operations, ["Query"; 4], "only the list of open jobs is read");
}

#[tokio::test]
async fn a_job_that_waits_for_its_writers_is_looked_at_and_not_taken() {
    let world = World::new(Profile::Trackr).await;
    let reply = furnished(&world, "Quokka").await.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    world.stack.clear_calls();
    let erasure = reply.json()["erasure_id"].as_str().unwrap().parse().unwrap();
    let ctx = world.stack.ctx("erasure-purge");
    let deadline = Deadline::after(world.stack.clock(), SignedDuration::from_secs(20));
    let state = purge::work(&ctx, erasure, &deadline, Patience::None)
        .await
        .unwrap();
    assert_eq!(state, JobState::Verifying);
    let operations: Vec<_> = world
        .stack
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(operations, ["GetItem"]);
}

#[tokio::test]
async fn an_erasure_is_not_sealed_before_the_longest_possible_request_is_over() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    customer.delete("/v1/me", &[]).await;
    assert_eq!(
        world.task("erasure-purge").await,
        json!({ "sealed": 0, "open": 1, "oldest_job_seconds": 0 })
    );
    world.advance(9);
    assert_eq!(
        world.task("erasure-purge").await,
        json!({ "sealed": 0, "open": 1, "oldest_job_seconds": 9 })
    );
    world.advance(31);
    assert_eq!(
        world.task("erasure-purge").await,
        json!({ "sealed": 1, "open": 0, "oldest_job_seconds": 0 })
    );
    assert_eq!(
        world.task("erasure-purge").await,
        json!({ "sealed": 0, "open": 0, "oldest_job_seconds": 0 }),
        "once is enough"
    );
}

#[tokio::test]
async fn the_receipt_verifies_offline_and_holds_no_personal_data() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    let reply = customer.delete("/v1/me", &[]).await;
    let path = reply.header("location").unwrap().to_owned();
    world.settle().await;
    let reply = world.anonymous().get(&path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = reply.json()["receipt"].to_string();
    assert!(!text.to_lowercase().contains("quokka"));
    let key = VerifierKey::parse(world.stack.ledger_verifier_key()).unwrap();
    let file = ReceiptFile::from_json(text.as_bytes()).unwrap();
    let verified = verify::receipt(&file, &key).unwrap();
    let items: u64 = verified.receipt.units.iter().map(|unit| unit.items_deleted).sum();
    let versions: u64 = verified
        .receipt
        .units
        .iter()
        .map(|unit| unit.object_versions_deleted)
        .sum();
    assert!(items >= 10, "{:?}", verified.receipt.units);
    assert_eq!(versions, 1);
    let mut tampered = file;
    tampered.signed_receipt.receipt.units[0].items_deleted += 1;
    assert!(verify::receipt(&tampered, &key).is_err());
}

#[tokio::test]
async fn an_address_can_be_registered_again_after_its_account_is_gone() {
    let world = World::new(Profile::Trackr).await;
    let first = furnished(&world, "Quokka").await;
    first.delete("/v1/me", &[]).await;
    let again = world.customer("Quokka").await;
    let list = again.get("/v1/records?kind=asset").await;
    assert_eq!(
        (list.status, list.json()),
        (200, json!({ "data": [] })),
        "nothing of the first account reappears"
    );
}

#[tokio::test]
async fn ock_12_billing_outlives_the_rest_restricted_until_term_and_six_years() {
    let world = World::new(Profile::Ocktra).await;
    let customer = furnished(&world, "Numbat").await;
    let reply = customer.delete("/v1/organisation", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let kept = reply.json()["kept"].clone();
    assert_eq!(
        (kept.as_array().unwrap().len(), &kept[0]["class"]),
        (1, &json!("billing"))
    );
    assert_eq!(kept[0]["until"], "2032-11-23T12:00:00Z");
    world.settle().await;
    assert_eq!(customer.get("/v1/organisation/billing").await.status, 410);
    assert_eq!(customer.get("/v1/records?kind=asset").await.status, 410);
    let billing: Vec<_> = left(&world, "core")
        .await
        .into_iter()
        .filter(|pk| pk.starts_with("BILLING#"))
        .collect();
    assert_eq!(billing.len(), 1, "it is kept");

    world.clock.set("2032-11-23T11:00:00Z".parse().unwrap());
    world.task("retention-plan").await;
    assert_eq!(
        left(&world, "core")
            .await
            .iter()
            .filter(|pk| pk.starts_with("BILLING#"))
            .count(),
        1
    );
    world.clock.set("2032-11-23T12:00:00Z".parse().unwrap());
    world.settle().await;
    let core = left(&world, "core").await;
    assert!(!core.iter().any(|pk| pk.starts_with("BILLING#")), "{core:?}");
    assert!(
        !left(&world, "keys")
            .await
            .iter()
            .any(|pk| pk.ends_with(".billing"))
    );
}

async fn hold(world: &World, customer: &Customer, class: &str) -> (String, String) {
    let organisation = customer.get("/v1/organisation").await.json();
    let unit = format!("{}.{class}", organisation["id"].as_str().unwrap());
    let placed = world
        .task_with(
            "holds-place",
            json!({ "unit": unit, "reason": "Case 7 before the court" }),
        )
        .await;
    (unit, placed["hold"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn ctk_6_a_unit_on_hold_loses_nothing_and_goes_when_the_hold_does() {
    let world = World::new(Profile::Casetrakr).await;
    let customer = furnished(&world, "Bilby").await;
    let (unit, id) = hold(&world, &customer, "content").await;
    let before = left(&world, "core")
        .await
        .iter()
        .filter(|pk| pk.starts_with("RECORD#"))
        .count();
    let reply = customer.delete("/v1/organisation", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let kept = reply.json()["kept"].as_array().unwrap().clone();
    let content = kept
        .iter()
        .find(|kept| kept["class"] == "content")
        .expect("content is kept");
    assert_eq!(content["reason"], "Legal hold: Case 7 before the court");
    assert_eq!(content.get("until"), None);
    world.settle().await;
    let after = left(&world, "core")
        .await
        .iter()
        .filter(|pk| pk.starts_with("RECORD#"))
        .count();
    assert_eq!((before, after), (2, 2));
    assert_eq!(world.object_versions().await, 1);
    assert!(
        left(&world, "keys")
            .await
            .iter()
            .any(|pk| pk.ends_with(".content")),
        "it could be read for the court"
    );

    world
        .task_with("holds-release", json!({ "unit": unit, "hold": id }))
        .await;
    world.settle().await;
    assert_eq!(
        left(&world, "core")
            .await
            .iter()
            .filter(|pk| pk.starts_with("RECORD#"))
            .count(),
        0
    );
    assert_eq!(world.object_versions().await, 0);
}

#[tokio::test]
async fn a_held_account_signs_nobody_in_and_goes_when_the_hold_does() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Bilby").await;
    let unit = customer.get("/v1/me").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let placed = world
        .task_with("holds-place", json!({ "unit": unit, "reason": "Case 8" }))
        .await;
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert!(
        reply.json()["kept"]
            .as_array()
            .unwrap()
            .iter()
            .any(|kept| kept["class"] == "account"),
        "{reply:?}"
    );
    assert_eq!(customer.get("/v1/me").await.status, 401);
    assert_eq!(customer.try_sign_in().await.status, 401);
    world.settle().await;
    assert!(
        left(&world, "core")
            .await
            .iter()
            .any(|pk| pk.starts_with("USER#"))
    );
    world
        .task_with("holds-release", json!({ "unit": unit, "hold": placed["hold"] }))
        .await;
    world.settle().await;
    assert!(
        !left(&world, "core")
            .await
            .iter()
            .any(|pk| pk.starts_with("USER#"))
    );
}

#[tokio::test]
async fn content_that_fell_due_under_a_hold_goes_when_the_hold_does() {
    let world = World::new(Profile::Casetrakr).await;
    let mut customer = furnished(&world, "Bilby").await;
    let (unit, id) = hold(&world, &customer, "content").await;
    assert_eq!(
        customer
            .post("/v1/organisation/cancel", &serde_json::Value::Null)
            .await
            .status,
        200
    );
    // The period ends while the hold lies on the unit: it is due, and waits.
    let due = world.items("control").await;
    let at = due
        .iter()
        .find(|item| item["unit"] == unit.as_str() && item["t"] == "unit")
        .unwrap()["erase_at"]
        .clone();
    world.clock.set(at.as_str().unwrap().parse().unwrap());
    assert_eq!(world.task("retention-plan").await["held"], 1);
    customer.sign_in().await;
    assert_eq!(
        customer
            .post("/v1/organisation/resume", &serde_json::Value::Null)
            .await
            .status,
        410,
        "its account was due, too"
    );
    world
        .task_with("holds-release", json!({ "unit": unit, "hold": id }))
        .await;
    world.settle().await;
    assert_eq!(world.object_versions().await, 0);
}

#[tokio::test]
async fn g_24_the_only_owner_closes_the_organisation_before_leaving() {
    let world = World::new(Profile::Trackado).await;
    let customer = furnished(&world, "Bilby").await;
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.problem().0, 409);
    assert_eq!(
        customer.get("/v1/records?kind=asset").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(customer.delete("/v1/organisation", &[]).await.status, 202);
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(
        (reply.status, &reply.json()["erased"]),
        (202, &json!(["account"])),
        "{reply:?}"
    );
}

#[tokio::test]
async fn sixteen_deletions_at_once_are_one_erasure() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    let barrier = tokio::sync::Barrier::new(16);
    let replies = futures::future::join_all((0..16).map(|_| async {
        barrier.wait().await;
        customer.delete("/v1/me", &[]).await
    }))
    .await;
    let erasures = replies
        .iter()
        .filter(|reply| reply.status == 202 && reply.json()["erasure_id"].is_string())
        .count();
    let others = replies
        .iter()
        .all(|reply| matches!(reply.status, 202 | 401 | 503));
    assert!(erasures == 1 && others, "{replies:?}");
    world.settle().await;
    let jobs = world
        .items("control")
        .await
        .iter()
        .filter(|item| item["t"] == "job")
        .count();
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn every_task_run_twice_or_at_the_same_time_as_itself_changes_nothing_more() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    let reply = customer.delete("/v1/me", &[]).await;
    let path = reply.header("location").unwrap().to_owned();
    world.advance(61);
    for task in ["retention-plan", "erasure-purge", "ledger-seal", "mail-retry"] {
        futures::future::join_all((0..8).map(|_| world.task(task))).await;
    }
    let first = world.anonymous().get(&path).await;
    let verified = ReceiptFile::from_json(first.json()["receipt"].to_string().as_bytes()).unwrap();
    let key = VerifierKey::parse(world.stack.ledger_verifier_key()).unwrap();
    verify::receipt(&verified, &key).unwrap();
    let before = world.items("control").await.len();
    for task in ["retention-plan", "erasure-purge", "ledger-seal", "mail-retry"] {
        world.advance(61);
        world.task(task).await;
    }
    assert_eq!(world.items("control").await.len(), before);
    assert_eq!(world.anonymous().get(&path).await.json(), first.json());
}

#[tokio::test]
async fn what_a_writer_left_that_began_before_the_fence_is_unreadable_and_goes() {
    let world = World::new(Profile::Trackr).await;
    let customer = furnished(&world, "Quokka").await;
    // The writer stops before its transaction reaches the table, and goes on after the deletion.
    let (reached, go_on) = world.pause_at("records-create", "TransactWriteItems");
    let writer = customer.client.clone();
    let body = json!({ "kind": "asset", "fields": { "asset_tag": "late" } });
    let writing = tokio::spawn(async move { writer.post("/v1/records", &body).await });
    reached.notified().await;
    let reply = customer.delete("/v1/me", &[]).await;
    let path = reply.header("location").unwrap().to_owned();
    go_on.notify_one();
    writing.await.unwrap();
    let stray = left(&world, "core")
        .await
        .into_iter()
        .filter(|pk| pk.starts_with("RECORD#"))
        .count();
    assert_eq!(stray, 1, "the late write landed, sealed with a key that is gone");
    world.settle().await;
    assert_eq!(
        left(&world, "core")
            .await
            .iter()
            .filter(|pk| !pk.starts_with("BILLING#"))
            .count(),
        0
    );
    assert_eq!(world.anonymous().get(&path).await.json()["state"], "sealed");
}
