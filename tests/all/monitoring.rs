//! TDO-5, ITT-13: the numbers that alarms stand on say what is late or wrong, and nothing else.

use http::Method;
use local::Fault;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::accounts::registration;
use crate::erasure::furnished;
use crate::harness::World;

/// Closes a customer's organisation.
async fn closed(world: &World, word: &str) {
    let customer = furnished(world, word).await;
    let reply = customer
        .json(Method::DELETE, "/v1/organisation", &Value::Null, &[])
        .await;
    assert_eq!(reply.status, 202, "{reply:?}");
}

#[tokio::test]
async fn a_unit_counts_as_overdue_when_the_schedule_comes_more_than_an_hour_late() {
    for (late, overdue) in [(59 * 60, 0), (61 * 60, 1)] {
        let world = World::new(Profile::Trackado).await;
        let customer = furnished(&world, "Potoroo").await;
        let reply = customer.post("/v1/organisation/cancel", &Value::Null).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        world.clock.set("2028-05-22T11:00:00Z".parse().unwrap());
        world.advance(late);
        let report = world.task("retention-plan").await;
        assert!(report["erased"].as_u64() >= Some(1), "{report}");
        assert_eq!(
            report["overdue"].as_u64().map(|units| units.min(1)),
            Some(overdue),
            "{report}"
        );
        assert_eq!(
            world.task("retention-plan").await["overdue"],
            json!(0),
            "nothing is left"
        );
    }
}

#[tokio::test]
async fn an_erasure_that_is_not_sealed_says_how_long_it_has_been_open() {
    let world = World::new(Profile::Trackado).await;
    closed(&world, "Potoroo").await;
    let report = world.task("erasure-purge").await;
    assert_eq!(
        (&report["open"], &report["oldest_job_seconds"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
    world.stack.set_fault(|call| match call.service.as_str() {
        "s3" => Fault::DropBefore,
        _ => Fault::None,
    });
    world.advance(600);
    let failed = world
        .stack
        .run_task("erasure-purge", json!({}), world.stack.budget("erasure-purge"))
        .await;
    assert!(failed.is_err(), "{failed:?}");
    world.stack.clear_fault();
    // The worker that failed has the job until its lease ends.
    let report = world.task("erasure-purge").await;
    assert_eq!(
        (&report["open"], &report["oldest_job_seconds"]),
        (&json!(1), &json!(600)),
        "{report}"
    );
    world.settle().await;
    let report = world.task("erasure-purge").await;
    assert_eq!(
        (&report["open"], &report["oldest_job_seconds"]),
        (&json!(0), &json!(0)),
        "{report}"
    );
}

#[tokio::test]
async fn a_mail_that_waits_says_how_old_it_is_and_one_of_unknown_fate_is_counted_as_such() {
    let world = World::new(Profile::Trackado).await;
    world.stack.mails().throttle(1);
    let register = async |email: &str| {
        let reply = world
            .anonymous()
            .post("/v1/auth/register", &registration(&world, email))
            .await;
        assert_eq!(reply.status, 202, "{reply:?}");
    };
    register("ada@customer.example").await;
    world.advance(30);
    let report = world.task("mail-retry").await;
    assert_eq!(
        (&report["later"], &report["oldest_mail_seconds"]),
        (&json!(1), &json!(30)),
        "{report}"
    );
    world.advance(90);
    let report = world.task("mail-retry").await;
    assert_eq!(
        (&report["accepted"], &report["oldest_mail_seconds"]),
        (&json!(1), &json!(0)),
        "{report}"
    );

    world.stack.set_fault(|call| match call.service.as_str() {
        "ses" => Fault::ApplyThenDrop,
        _ => Fault::None,
    });
    register("bob@customer.example").await;
    world.stack.clear_fault();
    world.advance(3_600);
    let report = world.task("mail-retry").await;
    let told = (
        &report["unknown"],
        &report["later"],
        &report["oldest_mail_seconds"],
    );
    assert_eq!(told, (&json!(1), &json!(0), &json!(0)), "{report}");
}

#[tokio::test]
async fn an_entry_that_cannot_get_into_the_ledger_says_how_long_it_has_been_waiting() {
    let world = World::new(Profile::Trackado).await;
    closed(&world, "Potoroo").await;
    let (reached, go_on) = world.pause_at("ledger-seal", "PutObject");
    let first = tokio::spawn({
        let stack = world.stack.clone();
        async move {
            stack
                .run_task("ledger-seal", json!({}), stack.budget("ledger-seal"))
                .await
        }
    });
    reached.notified().await;
    closed(&world, "Wombat").await;
    world.advance(50);
    let report = world.task("ledger-seal").await;
    assert_eq!(
        (&report["busy"], &report["oldest_entry_seconds"]),
        (&json!(true), &json!(50)),
        "{report}"
    );
    go_on.notify_one();
    let report = first.await.unwrap().unwrap();
    assert_eq!(
        report["oldest_entry_seconds"],
        json!(50),
        "it came after this run had taken its entries: {report}"
    );
    let report = world.task("ledger-seal").await;
    assert_eq!(
        (&report["sequenced"], &report["oldest_entry_seconds"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
}

#[tokio::test]
async fn the_audit_reads_the_whole_ledger_and_finds_what_was_changed_or_is_missing() {
    let world = World::new(Profile::Trackado).await;
    let nothing = json!({ "entries": 0, "failures": 0, "unfinished": false });
    assert_eq!(
        world.task("ledger-verify").await,
        nothing,
        "before the first checkpoint"
    );
    closed(&world, "Potoroo").await;
    world.settle().await;
    let all = json!({ "entries": 2, "failures": 0, "unfinished": false });
    assert_eq!(world.task("ledger-verify").await, all);

    let (ledger, s3) = (world.stack.ctx("ledger-seal"), world.stack.operator().s3());
    let bucket = &ledger.config.ledger_bucket;
    let read = async |path: &str| {
        let object = s3.get_object().bucket(bucket).key(path).send().await.unwrap();
        object.body.collect().await.unwrap().into_bytes().to_vec()
    };
    let write = async |path: &str, bytes: Vec<u8>| {
        let put = s3
            .put_object()
            .bucket(bucket)
            .key(path)
            .body(bytes.into())
            .send()
            .await;
        put.unwrap();
    };
    for path in ["tile/entries/000.p/2", "tile/0/000.p/2", "checkpoint"] {
        let bytes = read(path).await;
        let mut changed = bytes.clone();
        changed[20] ^= 1;
        write(path, changed).await;
        let report = world.task("ledger-verify").await;
        assert_eq!(report["failures"], json!(1), "{path}: {report}");
        // Object Lock keeps the first version, but a delete marker hides it.
        s3.delete_object().bucket(bucket).key(path).send().await.unwrap();
        let report = world.task("ledger-verify").await;
        assert_eq!(report["failures"], json!(1), "{path}: {report}");
        write(path, bytes).await;
        assert_eq!(world.task("ledger-verify").await, all, "{path}");
    }
}

#[tokio::test]
async fn a_rolled_back_checkpoint_is_found() {
    let world = World::new(Profile::Trackado).await;
    closed(&world, "Potoroo").await;
    world.settle().await;
    let (ledger, s3) = (world.stack.ctx("ledger-seal"), world.stack.operator().s3());
    let bucket = &ledger.config.ledger_bucket;
    let object = s3
        .get_object()
        .bucket(bucket)
        .key("checkpoint")
        .send()
        .await
        .unwrap();
    let old = object.body.collect().await.unwrap().into_bytes();
    closed(&world, "Wombat").await;
    world.settle().await;
    s3.put_object()
        .bucket(bucket)
        .key("checkpoint")
        .body(old.into())
        .send()
        .await
        .unwrap();
    let report = world.task("ledger-verify").await;
    assert_eq!(report["failures"], json!(1), "{report}");
}

#[tokio::test]
async fn everybody_can_read_how_data_is_protected_and_where_to_report_a_vulnerability() {
    for profile in Profile::ALL {
        let world = World::new(profile).await;
        let contact = profile.policy().controller().contact_email().to_owned();
        let reply = world.anonymous().get("/.well-known/security.txt").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type").unwrap(), "text/plain; charset=utf-8");
        let origin = world.stack.origin();
        let expected = format!(
            "Contact: mailto:{contact}\nExpires: 2026-12-23T12:00:00Z\nPreferred-Languages: en\n\
             Canonical: {origin}/.well-known/security.txt\nPolicy: {origin}/security\n"
        );
        assert_eq!(String::from_utf8_lossy(&reply.body), expected);
        let page = world.anonymous().get("/security").await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(page.header("content-type").unwrap(), "text/html; charset=utf-8");
        let days = format!("Backups are kept for {} days.", profile.policy().backup_days());
        for text in [contact.as_str(), "AES-256-GCM", days.as_str()] {
            assert!(String::from_utf8_lossy(&page.body).contains(text), "{text}");
        }
    }
}
