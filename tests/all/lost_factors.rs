//! Recovery codes, and what becomes of factors that were lost or removed.

use serde_json::{Value, json};

use crate::colleagues::kinds;
use crate::factors::{enrol_app, recovery_codes, refused, setting, show, waiting, works};
use crate::harness::World;
use crate::support::{assert_unchanged, together};

#[tokio::test]
async fn b_22_b_23_b_24_b_25_recovery_codes_are_ten_good_once_and_dead_when_there_are_new_ones() {
    let (world, mut customer) = setting().await;
    let none = customer.post("/v1/me/factors/recovery-codes", &Value::Null).await;
    assert_eq!(none.problem().0, 409, "{none:?}");
    enrol_app(&world, &mut customer).await;
    let old = recovery_codes(&customer).await;
    assert_eq!(old.len(), 10);
    let new = recovery_codes(&customer).await;
    let list = customer.get("/v1/me/factors").await;
    assert_eq!(list.json()["recovery_codes_left"], json!(10));
    assert!(!String::from_utf8_lossy(&list.body).contains(&new[0]));
    let step = waiting(&customer).await;
    assert_eq!(step["methods"], json!(["totp", "recovery_code"]));
    refused(&show(&world, &step, "recovery_code", &json!(old[0])).await);
    let reply = show(&world, &step, "recovery_code", &json!(new[0].to_lowercase())).await;
    customer.take(&reply);
    let again = waiting(&customer).await;
    refused(&show(&world, &again, "recovery_code", &json!(new[0])).await);
    let subjects = world.subjects(&customer.email);
    assert!(
        subjects.contains(&"A recovery code was used".to_owned()),
        "{subjects:?}"
    );
    let log = customer.get("/v1/me/activity").await.json();
    assert!(kinds(&log).contains(&"recovery_code_used"), "{log}");
    let list = customer.get("/v1/me/factors").await;
    assert_eq!(list.json()["recovery_codes_left"], json!(9));
}

/// How many of sixteen requests at one moment got a session.
async fn sixteen(world: &World, steps: &[Value], name: &'static str, factor: &str) -> usize {
    let replies = together(16, |index| {
        let client = world.anonymous();
        let mut body = json!({ "mfa_token": steps[index % steps.len()]["mfa_token"] });
        body[name] = json!(factor);
        async move { client.post("/v1/auth/mfa", &body).await }
    })
    .await;
    for reply in &replies {
        // The account is locked when too many tries come at once.
        assert!(matches!(reply.status, 200 | 401 | 429), "{reply:?}");
    }
    replies.iter().filter(|reply| reply.status == 200).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_02_b_23_sixteen_times_the_same_code_at_one_moment_is_one_session() {
    let (world, mut customer) = setting().await;
    let app = enrol_app(&world, &mut customer).await;
    let codes = recovery_codes(&customer).await;
    let steps = [waiting(&customer).await, waiting(&customer).await];
    let before = world.of_type("ephemeral", "session").await.len();
    assert_eq!(sixteen(&world, &steps, "code", &app.code(&world, 0)).await, 1);
    // Those that came too late counted as failures, which are forgotten after a day.
    world.advance(3_600 * 25);
    let steps = [waiting(&customer).await, waiting(&customer).await];
    assert_eq!(sixteen(&world, &steps, "recovery_code", &codes[3]).await, 1);
    assert_eq!(world.of_type("ephemeral", "session").await.len(), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_02_b_23_two_sign_ins_that_both_found_a_code_unused_do_not_both_use_it() {
    let (world, mut customer) = setting().await;
    let app = enrol_app(&world, &mut customer).await;
    let codes = recovery_codes(&customer).await;
    for (name, factor) in [("code", app.code(&world, 0)), ("recovery_code", codes[0].clone())] {
        let steps = [waiting(&customer).await, waiting(&customer).await];
        world.meet("auth-mfa", "TransactWriteItems", 2);
        let replies = together(2, |index| {
            let client = world.anonymous();
            let mut body = json!({ "mfa_token": steps[index]["mfa_token"] });
            body[name] = json!(factor);
            async move { client.post("/v1/auth/mfa", &body).await }
        })
        .await;
        world.stack.clear_fault();
        let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{name}: {replies:?}");
    }
}

#[tokio::test]
async fn the_last_factor_takes_the_recovery_codes_along_and_an_account_its_passkeys() {
    let (world, mut customer) = setting().await;
    enrol_app(&world, &mut customer).await;
    customer.enrol_passkey().await;
    recovery_codes(&customer).await;
    assert_eq!(customer.delete("/v1/me/factors/totp", &[]).await.status, 204);
    assert_eq!(customer.delete("/v1/me/factors/totp", &[]).await.problem().0, 404);
    let list = customer.get("/v1/me/factors").await.json();
    assert_eq!(
        (&list["second_factor"], &list["recovery_codes_left"]),
        (&json!(true), &json!(10)),
        "{list}"
    );
    let id = list["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/me/factors/passkeys/{id}");
    assert_eq!(customer.delete(&path, &[]).await.status, 204);
    assert!(world.of_type("core", "passkey_guard").await.is_empty());
    let list = customer.get("/v1/me/factors").await.json();
    assert_eq!(
        list,
        json!({ "second_factor": false, "totp": null, "passkeys": [], "recovery_codes_left": 0 })
    );
    customer.sign_in().await;
    customer.enrol_passkey().await;
    assert_eq!(world.of_type("core", "passkey_guard").await.len(), 1);
    let reply = customer.delete("/v1/organisation", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert!(world.of_type("core", "passkey_guard").await.is_empty());
}

#[tokio::test]
async fn b_41_two_administrators_remove_lost_factors_and_one_does_not() {
    let (world, owner) = setting().await;
    let admin = world.joined(&owner, "Admin", "admin").await;
    let mut member = world.joined(&owner, "Member", "member").await;
    let path = format!("/v1/members/{}/reset-factors", member.user().await);
    let none = owner.post(&path, &Value::Null).await;
    assert_eq!(none.problem().0, 409, "{none:?}");
    enrol_app(&world, &mut member).await;
    member.enrol_passkey().await;
    let reply = owner.post(&path, &Value::Null).await;
    assert_eq!((reply.status, reply.text("state")), (202, "requested".into()));
    let before = world.everything().await;
    assert_eq!(owner.post(&path, &Value::Null).await.problem().0, 409);
    assert_unchanged(&before, &world.everything().await, "one administrator alone");
    let reply = member.post(&path, &Value::Null).await;
    assert_eq!(reply.problem().0, 403, "{reply:?}");
    let reply = admin.post(&path, &Value::Null).await;
    assert_eq!((reply.status, reply.text("state")), (200, "done".into()));
    assert!(!works(&world, member.token.as_deref().unwrap()).await);
    assert!(world.of_type("core", "passkey_guard").await.is_empty());
    assert_eq!(member.try_password().await.status, 200);
    let subjects = world.subjects(&member.email);
    for subject in [
        "An administrator asked to remove your second factors",
        "Your second factors were removed",
    ] {
        assert!(subjects.contains(&subject.to_owned()), "{subjects:?}");
    }
    let log = owner.get("/v1/organisation/activity").await.json();
    for kind in ["factors_reset_requested", "factors_reset"] {
        assert!(kinds(&log).contains(&kind), "{log}");
    }
    let to_owner = format!("/v1/members/{}/reset-factors", owner.user().await);
    assert_eq!(admin.post(&to_owner, &Value::Null).await.problem().0, 403);
    assert_eq!(owner.post(&to_owner, &Value::Null).await.problem().0, 403);
}
