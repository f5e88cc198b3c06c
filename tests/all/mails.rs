//! Mail on bad days: sent once, or known to be unknown.

use local::Fault;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::accounts::registration;
use crate::harness::World;
use crate::support::number;

/// The heads of mails, as state and attempts.
async fn heads(world: &World) -> Vec<Value> {
    let heads = world.of_type("control", "mail_head").await;
    heads
        .iter()
        .map(|head| json!([head["state"], number(&head["attempts"])]))
        .collect()
}

#[tokio::test]
async fn a_mail_that_ses_refuses_for_load_is_sent_by_the_schedule_exactly_once() {
    let world = World::new(Profile::Trackado).await;
    world.stack.mails().throttle(2);
    let body = registration(&world, "ada@customer.example");
    assert_eq!(
        world.anonymous().post("/v1/auth/register", &body).await.status,
        202
    );
    assert_eq!(
        (world.stack.mails().messages().len(), heads(&world).await),
        (0, vec![json!(["pending", 1])])
    );
    let report = |accepted: u64, later: u64, age: u64| json!({ "accepted": accepted, "later": later, "unknown": 0, "dropped": 0, "oldest_mail_seconds": age });
    assert_eq!(
        world.task("mail-retry").await,
        report(0, 1, 0),
        "not yet its time"
    );
    assert_eq!(heads(&world).await, [json!(["pending", 1])]);
    world.advance(120);
    assert_eq!(world.task("mail-retry").await, report(0, 1, 120), "refused again");
    assert_eq!(heads(&world).await, [json!(["pending", 2])]);
    world.advance(240);
    let reports = futures::future::join_all((0..4).map(|_| world.task("mail-retry"))).await;
    let accepted: u64 = reports
        .iter()
        .map(|report| report["accepted"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (accepted, world.subjects("ada@customer.example").len()),
        (1, 1),
        "{reports:?}"
    );
    assert_eq!(heads(&world).await, Vec::<Value>::new());
    world.advance(3_600);
    assert_eq!(world.task("mail-retry").await, report(0, 0, 0));
    let code = world.code("ada@customer.example");
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/verify-email", &json!({ "code": code }))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_mail_whose_fate_is_unknown_is_never_sent_twice_and_shown_to_the_operator_for_a_week() {
    for (taken, fault) in [
        (1, (|| Fault::ApplyThenDrop) as fn() -> Fault),
        (0, || Fault::DropBefore),
    ] {
        let world = World::new(Profile::Trackado).await;
        world.stack.set_fault(move |call| {
            if call.service == "ses" {
                fault()
            } else {
                Fault::None
            }
        });
        let body = registration(&world, "ada@customer.example");
        assert_eq!(
            world.anonymous().post("/v1/auth/register", &body).await.status,
            202
        );
        world.stack.clear_fault();
        assert_eq!(
            world
                .operations("auth-register")
                .iter()
                .filter(|call| *call == "SendEmail")
                .count(),
            1,
            "asked once"
        );
        assert_eq!(heads(&world).await, [json!(["unknown", 1])]);
        for hours in [1, 24, 6 * 24 - 2] {
            world.advance(hours * 3_600);
            world.task("mail-retry").await;
            assert_eq!(world.stack.mails().messages().len(), taken);
            assert_eq!(heads(&world).await, [json!(["unknown", 1])], "{hours}");
        }
        world.advance(2 * 3_600);
        world.task("mail-retry").await;
        assert_eq!(
            (world.stack.mails().messages().len(), heads(&world).await),
            (taken, vec![])
        );
        assert_eq!(
            world.of_type("core", "mail").await.len(),
            0,
            "the content goes with it"
        );
    }
}

#[tokio::test]
async fn a_function_that_is_killed_while_it_sends_a_mail_leaves_it_unknown() {
    let world = World::new(Profile::Trackado).await;
    let body = registration(&world, "ada@customer.example");
    let anonymous = world.anonymous();
    world
        .killed_at(
            "auth-register",
            "SendEmail",
            0,
            anonymous.post("/v1/auth/register", &body),
        )
        .await;
    assert_eq!(heads(&world).await, [json!(["sending", 1])]);
    world.task("mail-retry").await;
    assert_eq!(
        heads(&world).await,
        [json!(["sending", 1])],
        "somebody may still be at it"
    );
    world.advance(61);
    world.task("mail-retry").await;
    assert_eq!(
        (world.stack.mails().messages().len(), heads(&world).await),
        (0, vec![json!(["unknown", 1])])
    );
    // Who waits for it can have another one.
    let email = json!({ "email": "ada@customer.example" });
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/resend-verification", &email)
            .await
            .status,
        202
    );
    let code = world.code("ada@customer.example");
    assert_eq!(
        world
            .anonymous()
            .post("/v1/auth/verify-email", &json!({ "code": code }))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn m_13_a_mail_to_somebody_who_was_deleted_is_not_sent() {
    let world = World::new(Profile::Trackr).await;
    let customer = world.customer("Ada").await;
    world.stack.mails().throttle(1);
    let body = registration(&world, &customer.email);
    assert_eq!(
        world.anonymous().post("/v1/auth/register", &body).await.status,
        202
    );
    assert_eq!(heads(&world).await.len(), 1);
    assert_eq!(customer.delete("/v1/me", &[]).await.status, 202);
    world.advance(3_600);
    world.task("mail-retry").await;
    assert_eq!(world.subjects(&customer.email), ["Confirm your e-mail address"]);
    assert_eq!(heads(&world).await, Vec::<Value>::new());
}
