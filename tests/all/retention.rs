//! TDO-8 and the schedule: nothing goes early, nothing stays late, nothing is forgotten.

use serde_json::json;
use shared::policy::Profile;

use crate::erasure::furnished;
use crate::harness::World;

#[tokio::test]
async fn tdo_8_content_is_there_two_days_before_18_months_are_over_and_gone_when_they_are() {
    let world = World::new(Profile::Trackado).await;
    let mut customer = furnished(&world, "Potoroo").await;
    let reply = customer.post("/v1/organisation/cancel", &json!({})).await;
    assert_eq!(reply.status, 413, "it takes no body: {reply:?}");
    let reply = customer
        .post("/v1/organisation/cancel", &serde_json::Value::Null)
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let retention = reply.json()["retention"].as_array().unwrap().clone();
    let content = retention
        .iter()
        .find(|entry| entry["class"] == "content")
        .unwrap();
    assert_eq!(
        content["not_after"], "2028-05-23T11:00:00Z",
        "noon in UTC is 13:00 in Berlin, in May 11:00 UTC"
    );
    assert_eq!(content["erase_at"], "2028-05-22T11:00:00Z");

    world.clock.set("2028-05-21T11:00:00Z".parse().unwrap());
    world.settle().await;
    customer.sign_in().await;
    assert_eq!(
        customer.get("/v1/records?kind=asset").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    world.clock.set("2028-05-22T11:00:00Z".parse().unwrap());
    world.settle().await;
    customer.sign_in().await;
    let gone = customer.get("/v1/records?kind=asset").await;
    assert_eq!((gone.problem().0, gone.problem().1.as_str()), (410, "erased"));
    let detail = gone.json()["detail"].as_str().unwrap().to_owned();
    let receipt = detail
        .split_whitespace()
        .last()
        .unwrap()
        .trim_end_matches('.')
        .to_owned();
    let reply = world.anonymous().get(&receipt).await;
    assert_eq!(
        (reply.status, &reply.json()["state"]),
        (200, &json!("sealed")),
        "{reply:?}"
    );
    assert_eq!(world.object_versions().await, 0);

    world.clock.set("2028-05-23T11:00:00Z".parse().unwrap());
    world.settle().await;
    assert_eq!(
        customer.try_sign_in().await.status,
        401,
        "people go before the ceiling, too"
    );
    let classes: Vec<_> = world
        .items("keys")
        .await
        .iter()
        .map(|item| item["pk"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        classes.len() == 1 && classes[0].ends_with(".billing"),
        "{classes:?}"
    );
}

#[tokio::test]
async fn resuming_takes_every_date_away() {
    let world = World::new(Profile::Trackado).await;
    let mut customer = furnished(&world, "Potoroo").await;
    assert_eq!(
        customer
            .post("/v1/organisation/cancel", &serde_json::Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(
        customer
            .post("/v1/organisation/cancel", &serde_json::Value::Null)
            .await
            .problem()
            .0,
        409
    );
    let refused = customer
        .post(
            "/v1/records",
            &json!({ "kind": "asset", "fields": { "asset_tag": "x" } }),
        )
        .await;
    assert_eq!(
        refused.problem().0,
        403,
        "a cancelled subscription reads and deletes"
    );
    let reply = customer
        .post("/v1/organisation/resume", &serde_json::Value::Null)
        .await;
    assert_eq!(
        (reply.status, &reply.json()["subscription"]),
        (200, &json!("active"))
    );
    assert!(
        !world
            .items("control")
            .await
            .iter()
            .any(|item| item["t"] == "due_row")
    );
    world.clock.set("2038-01-01T00:00:00Z".parse().unwrap());
    world.settle().await;
    customer.sign_in().await;
    assert_eq!(
        customer.get("/v1/records?kind=asset").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_schedule_that_did_not_run_for_years_catches_up_in_one_run() {
    let world = World::new(Profile::Trackado).await;
    for word in ["Potoroo", "Wombat", "Bandicoot"] {
        let customer = furnished(&world, word).await;
        assert_eq!(
            customer
                .post("/v1/organisation/cancel", &serde_json::Value::Null)
                .await
                .status,
            200
        );
        world.advance(86_400);
    }
    world.clock.set("2036-12-01T00:00:00Z".parse().unwrap());
    world.stack.clear_calls();
    let report = world.task("retention-plan").await;
    assert_eq!(
        report,
        json!({ "erased": 12, "held": 0, "overdue": 12, "stale": 0, "unfinished": false })
    );
    let queries = world
        .stack
        .calls()
        .iter()
        .filter(|call| call.operation == "Query")
        .count();
    assert!(
        queries <= 28 + 12,
        "one query per class and shard, whatever time went by: {queries}"
    );
    world.settle().await;
    assert_eq!(world.items("core").await.len(), 0);
}

/// What the tasks spend on one organisation that is due, beside others that are due a day later: round trips and units.
async fn spent_beside(others: usize, lines: usize) -> (usize, f64) {
    let world = World::new(Profile::Trackado).await;
    let due = world.customer("Potoroo").await;
    due.import("Potoroo", 25).await;
    let reply = due
        .post("/v1/organisation/cancel", &serde_json::Value::Null)
        .await;
    let erase_at = reply.json()["retention"][0]["erase_at"]
        .as_str()
        .unwrap()
        .to_owned();
    world.advance(86_400);
    for number in 0..others {
        let other = world.customer(&format!("Wombat{number}")).await;
        other.import("Wombat", lines).await;
        let reply = other
            .post("/v1/organisation/cancel", &serde_json::Value::Null)
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    world.clock.set(erase_at.parse().unwrap());
    world.stack.meter(true);
    world.stack.clear_calls();
    assert_eq!(world.task("retention-plan").await["erased"], 2);
    world.advance(61);
    assert_eq!(
        world.task("erasure-purge").await,
        json!({ "sealed": 2, "open": 0, "oldest_job_seconds": 0 })
    );
    assert_eq!(world.task("ledger-seal").await["published"], 4);
    assert!(
        world.items("core").await.len() > others * lines * 4,
        "the others are untouched"
    );
    let sums = world.stack.call_sums();
    let units = |sum: &local::CallSum| sum.consumed_read + sum.consumed_write;
    (
        sums.values().map(|sum| sum.calls).sum(),
        sums.values().map(units).sum(),
    )
}

#[tokio::test]
async fn what_is_due_costs_the_same_beside_ten_times_as_much_that_is_not() {
    let (few_trips, few_units) = spent_beside(1, 50).await;
    let (many_trips, many_units) = spent_beside(4, 125).await;
    assert_eq!(few_trips, many_trips);
    assert!(
        few_units > 100.0 && many_units <= few_units * 1.05,
        "{few_units} and {many_units}"
    );
}
