//! Deleting a record: what goes with it, whatever cuts it off.

use serde_json::{Value, json};

use crate::harness::World;
use crate::records::{create, delete, furnished, path_of, setting};
use crate::support::{ALWAYS, answer};

/// The types of what is left of the records of a world.
async fn left(world: &World) -> Vec<String> {
    let core = world.items("core").await;
    let types = core.iter().map(|item| item["t"].as_str().unwrap().to_owned());
    types
        .filter(|of| matches!(of.as_str(), "record" | "event" | "unique_guard" | "attachment"))
        .collect()
}

#[tokio::test]
async fn a_deletion_takes_the_values_of_the_timeline_and_the_bytes_of_the_files_with_it() {
    let (world, customer) = setting().await;
    let path = furnished(&customer).await;
    assert_eq!((left(&world).await.len(), world.object_versions().await), (7, 1));
    assert_eq!(delete(&customer, &path, "\"2\"").await.status, 204);
    assert_eq!(
        (left(&world).await, world.object_versions().await),
        (vec!["event".to_owned()], 0)
    );
    let events = world.of_type("core", "event").await;
    assert_eq!(
        (events.len(), &events[0]["action"]),
        (1, &json!("deleted")),
        "that it was deleted stays on record"
    );
    let again = path_of(
        &create(
            &customer,
            "asset",
            json!({ "asset_tag": "LT-1", "serial": "S-1" }),
        )
        .await,
    );
    for (list, expected) in [("events", 1), ("attachments", 0)] {
        let listed = customer.get(&format!("{again}/{list}")).await.json();
        assert_eq!(
            listed["data"].as_array().unwrap().len(),
            expected,
            "k-26: nothing of the old one reappears"
        );
    }
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_at_any_call_is_finished_by_repeating_it() {
    let (world, customer) = setting().await;
    // The first one warms the container: the second one asks for no key.
    for _ in 0..2 {
        let path = furnished(&customer).await;
        world.stack.clear_calls();
        assert_eq!(delete(&customer, &path, "\"2\"").await.status, 204);
    }
    let operations = world.operations("records-delete");
    assert!(operations.len() >= 6, "{operations:?}");
    for n in 0..operations.len() {
        let path = furnished(&customer).await;
        let operation: &'static str = operations[n].clone().leak();
        let passed = operations[..n]
            .iter()
            .filter(|earlier| **earlier == operation)
            .count();
        world
            .killed_at(
                "records-delete",
                operation,
                passed,
                delete(&customer, &path, "\"2\""),
            )
            .await;
        let decided = operations[..n]
            .iter()
            .any(|earlier| earlier == "TransactWriteItems");
        let read = customer.get(&path).await;
        assert_eq!(
            read.status,
            if decided { 404 } else { 200 },
            "killed at {n}, {operation}"
        );
        let listed = customer.get("/v1/records?kind=asset").await.json()["data"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(listed, usize::from(!decided));
        let again = delete(&customer, &path, "\"2\"").await;
        assert_eq!(again.status, 204, "killed at {n}, {operation}: {again:?}");
        assert!(
            left(&world).await.iter().all(|of| of == "event"),
            "killed at {n}, {operation}"
        );
        assert_eq!(world.object_versions().await, 0);
        let events = world.of_type("core", "event").await;
        assert!(
            events.iter().all(|event| event["action"] == "deleted"),
            "killed at {n}, {operation}"
        );
    }
}

#[tokio::test]
async fn k_12_deletes_that_the_table_leaves_over_are_done_again_or_the_answer_is_503() {
    let (world, customer) = setting().await;
    let rest = |item: &Value| json!({ "DeleteRequest": { "Key": { "pk": { "S": item["pk"] }, "sk": { "S": item["sk"] } } } });
    for times in [1, 2, ALWAYS] {
        let path = path_of(&create(&customer, "licence", json!({ "name": "Editor" })).await);
        let events = world.of_type("core", "event").await;
        let events: Vec<_> = events
            .iter()
            .filter(|event| event["action"] == "created")
            .map(rest)
            .collect();
        let body = json!({ "UnprocessedItems": { "trackwell-core": events } }).to_string();
        let _failed = world.fail("records-delete", "BatchWriteItem", times, move || {
            answer(200, "application/x-amz-json-1.0", body.clone())
        });
        let reply = delete(&customer, &path, "\"1\"").await;
        world.stack.clear_fault();
        if times == ALWAYS {
            assert_eq!(reply.problem(), (503, "unavailable".into(), vec![]), "{reply:?}");
            assert_eq!(customer.get(&path).await.status, 404);
            assert_eq!(
                delete(&customer, &path, "\"1\"").await.status,
                204,
                "repeating it finishes it"
            );
        } else {
            assert_eq!(reply.status, 204, "{times}: {reply:?}");
        }
        assert!(left(&world).await.iter().all(|of| of == "event"));
        assert!(
            world
                .of_type("core", "event")
                .await
                .iter()
                .all(|event| event["action"] == "deleted"),
            "{times}"
        );
    }
}
