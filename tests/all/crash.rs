//! Every outward call of an erasure, killed before it, killed after it, refused: the same sealed end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use local::Fault;
use serde_json::{Value, json};
use shared::ledger::{ReceiptFile, VerifierKey, verify};
use shared::policy::Profile;
use tokio::sync::Notify;

use crate::erasure::furnished;
use crate::harness::{Customer, World, external};

/// The functions that take part in an erasure.
const FUNCTIONS: [&str; 3] = ["organisation-delete", "erasure-purge", "ledger-seal"];

/// What is done to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    KillBefore,
    KillAfter,
    LoseAnswer,
    Refuse,
}

/// The deletion and the schedules, once.
async fn round(world: &World, customer: &Customer) {
    customer.delete("/v1/organisation", &[]).await;
    world.advance(61);
    for task in ["erasure-purge", "ledger-seal"] {
        // A task that fails is run again by its schedule.
        let _ = world
            .stack
            .run_task(task, json!({}), jiff::SignedDuration::from_secs(20))
            .await;
    }
}

/// Runs the schedules until they have nothing left to do.
async fn converge(world: &World) {
    for _ in 0..10 {
        let purged = world.task("erasure-purge").await;
        world.advance(61);
        let sequenced = world.task("ledger-seal").await;
        if purged["sealed"] == 0 && purged["open"] == 0 && sequenced["sequenced"] == 0 {
            return;
        }
    }
    panic!("the schedules do not come to an end");
}

/// What is left when everything is done: how many items of each type in each table, and what the receipts say.
async fn end(world: &World) -> Value {
    let mut items = BTreeMap::new();
    for table in ["core", "keys", "ephemeral", "control"] {
        for item in world.items(table).await {
            *items
                .entry(format!("{table} {}", item["t"].as_str().unwrap()))
                .or_insert(0) += 1;
        }
    }
    let key = VerifierKey::parse(world.stack.ledger_verifier_key()).unwrap();
    let mut receipts = Vec::new();
    for item in world
        .items("control")
        .await
        .iter()
        .filter(|item| item["t"] == "job")
    {
        let id = item["erasure"].as_str().unwrap();
        let reply = world.anonymous().get(&format!("/v1/erasures/{id}")).await.json();
        let file = ReceiptFile::from_json(reply["receipt"].to_string().as_bytes()).unwrap();
        let receipt = verify::receipt(&file, &key).unwrap().receipt;
        let units = receipt
            .units
            .iter()
            .map(|unit| json!([unit.class, unit.items_deleted, unit.object_versions_deleted]));
        receipts.push(json!({ "trigger": receipt.trigger, "units": units.collect::<Vec<_>>() }));
    }
    json!({ "items": items, "receipts": receipts, "objects": world.object_versions().await })
}

/// Strikes the `n`th call of the round, lets the schedules converge, and gives the end.
async fn struck(n: usize, blow: Blow) -> Option<Value> {
    let world = World::new(Profile::Trackado).await;
    let customer = furnished(&world, "Numbat").await;
    let hit = Arc::new(Notify::new());
    let counter = std::sync::atomic::AtomicUsize::new(0);
    let signal = Arc::clone(&hit);
    world.stack.set_fault(move |request| {
        if !FUNCTIONS.contains(&request.function) {
            return Fault::None;
        }
        let index = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // A killed process makes no further calls; a dependency that is out stays out while the SDK retries.
        let during = match blow {
            Blow::KillBefore | Blow::KillAfter => index == n,
            Blow::LoseAnswer | Blow::Refuse => (n..n + 3).contains(&index),
        };
        if !during {
            return Fault::None;
        }
        signal.notify_one();
        match blow {
            Blow::KillBefore => Fault::Hang,
            Blow::KillAfter => Fault::ApplyThenHang,
            Blow::LoseAnswer => Fault::ApplyThenDrop,
            Blow::Refuse => Fault::DropBefore,
        }
    });
    let killed = matches!(blow, Blow::KillBefore | Blow::KillAfter);
    let was_hit = tokio::select! {
        () = round(&world, &customer) => false,
        // The hook answers before the call is applied; a moment later the killed function's future is dropped.
        () = async { hit.notified().await; tokio::time::sleep(Duration::from_millis(50)).await }, if killed => true,
    };
    world.stack.clear_fault();
    world.stack.forget_containers();
    if killed && !was_hit {
        return None;
    }
    // The customer, who got no answer, asks again; then the schedules run.
    world.advance(61);
    let again = customer.delete("/v1/organisation", &[]).await;
    assert!(matches!(again.status, 202 | 404 | 410), "{n} {blow:?}: {again:?}");
    converge(&world).await;
    Some(end(&world).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_step_an_erasure_converges_to_the_same_sealed_end() {
    let world = World::new(Profile::Trackado).await;
    let customer = furnished(&world, "Numbat").await;
    world.stack.clear_calls();
    round(&world, &customer).await;
    let calls = world
        .stack
        .calls()
        .iter()
        .filter(|call| FUNCTIONS.contains(&call.function))
        .count();
    world.advance(61);
    assert_eq!(customer.delete("/v1/organisation", &[]).await.status, 410);
    converge(&world).await;
    let expected = end(&world).await;
    assert_eq!(expected["receipts"].as_array().unwrap().len(), 1, "{expected}");
    assert!(calls > 25, "the round makes {calls} calls");

    let blows = [Blow::KillBefore, Blow::KillAfter, Blow::LoseAnswer, Blow::Refuse];
    // A world in an external service takes seconds, so there it is a sample: each blow at other calls.
    let stride = if external().is_some() { 7 } else { 1 };
    let cases = blows
        .into_iter()
        .enumerate()
        .flat_map(|(first, blow)| (first % stride..calls).step_by(stride).map(move |n| (n, blow)));
    let mut ends = futures::stream::iter(cases)
        .map(|(n, blow)| tokio::spawn(async move { (n, blow, struck(n, blow).await) }))
        .buffer_unordered(2);
    let mut checked = 0;
    while let Some(end) = ends.next().await {
        let (n, blow, found) = end.unwrap();
        if let Some(found) = found {
            assert_eq!(found, expected, "call {n} of {calls}, {blow:?}");
            checked += 1;
        }
    }
    assert!(
        checked > 3 * (calls / stride),
        "{checked} of {calls} calls, each in four ways, were struck"
    );
}
