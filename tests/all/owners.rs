//! G-24: an organisation always has an owner who can act.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::members::{change, id_of, remove, setting};
use crate::support::together;

#[tokio::test]
async fn g_24_the_last_owner_cannot_leave_be_removed_or_demoted_and_can_hand_over() {
    let (world, mut owner) = setting().await;
    let mut bert = world.joined(&owner, "Bert", "viewer").await;
    let (ada_id, bert_id) = (id_of(&owner).await, id_of(&bert).await);
    let conflict = |pointer: &str| (409, "conflict".to_owned(), vec![pointer.to_owned()]);
    let reply = owner.post("/v1/organisation/leave", &Value::Null).await;
    assert_eq!(reply.problem(), conflict(""), "{reply:?}");
    let reply = owner.delete("/v1/me", &[]).await;
    assert_eq!(reply.problem(), conflict(""), "{reply:?}");
    assert!(
        reply.json()["detail"].as_str().unwrap().contains("Ada Works"),
        "{reply:?}"
    );
    let transfer = |user: String| {
        let client = owner.client.clone();
        async move {
            client
                .post("/v1/organisation/transfer", &json!({ "user_id": user }))
                .await
        }
    };
    let stranger = world.customer("Eve").await;
    let foreign = transfer(id_of(&stranger).await).await;
    let absent = transfer("user_00000000000000000000000001".into()).await;
    assert_eq!(
        foreign.problem(),
        (422, "invalid".into(), vec!["/user_id".into()])
    );
    assert_eq!(foreign.anonymised(), absent.anonymised());
    assert_eq!(
        transfer(ada_id.clone()).await.problem(),
        conflict("/user_id"),
        "oneself"
    );
    let forbidden = bert
        .post("/v1/organisation/transfer", &json!({ "user_id": ada_id }))
        .await;
    assert_eq!(forbidden.problem(), (403, "forbidden".into(), vec![]));
    let reply = transfer(bert_id).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(owner.get("/v1/me").await.status, 401, "the old session is dead");
    assert_eq!(bert.get("/v1/me").await.status, 401, "and that of the new owner");
    bert.sign_in().await;
    owner.client = world.with_token(&token);
    assert_eq!(owner.get("/v1/members").await.status, 200);
    let reply = change(&owner, &id_of(&bert).await, &json!({ "role": "viewer" })).await;
    assert_eq!(reply.status, 403, "an admin does not touch owners");
    let (roles, owners) = world.stored_members().await;
    assert_eq!(
        (roles, owners),
        (vec!["admin".into(), "owner".into(), "owner".into()], 2)
    );
    assert_eq!(
        world.subjects(&owner.email).last().unwrap(),
        "You handed over an organisation"
    );
    let last = world.subjects(&bert.email).last().unwrap().clone();
    assert_eq!(last, "You are now an owner of an organisation");
    assert_eq!(
        owner.post("/v1/organisation/leave", &Value::Null).await.status,
        204
    );
}

#[tokio::test]
async fn g_24_of_owners_who_demote_suspend_and_remove_each_other_at_once_one_stays() {
    let (world, owner) = setting().await;
    let mut owners = vec![owner];
    for n in 1..16 {
        let next = world.joined(&owners[0], &format!("Owner{n}"), "owner").await;
        owners.push(next);
    }
    let mut ids = Vec::new();
    for owner in &owners {
        ids.push(id_of(owner).await);
    }
    let clients: Vec<_> = owners.iter().map(|owner| owner.client.clone()).collect();
    let (clients, ids) = (Arc::new(clients), Arc::new(ids));
    let replies = together(16, |n| {
        let (clients, ids) = (Arc::clone(&clients), Arc::clone(&ids));
        async move {
            let whom = &ids[(n + 1) % 16];
            match n % 4 {
                0 => change(&clients[n], whom, &json!({ "role": "viewer" })).await,
                1 => change(&clients[n], whom, &json!({ "suspended": true })).await,
                2 => remove(&clients[n], whom).await,
                _ => clients[n].post("/v1/organisation/leave", &Value::Null).await,
            }
        }
    })
    .await;
    for reply in &replies {
        assert!(
            matches!(reply.status, 200 | 204 | 401 | 403 | 404 | 409 | 412 | 503),
            "{reply:?}"
        );
    }
    let members = world.of_type("core", "membership").await;
    let active = members
        .iter()
        .filter(|item| item["role"] == "owner" && item["suspended_at"].is_null())
        .count() as u64;
    assert!(active >= 1, "{replies:?}");
    assert_eq!(
        world.stored_members().await.1,
        active,
        "and they are counted right"
    );
}

#[tokio::test]
async fn g_24_of_the_last_two_owners_who_leave_at_once_one_stays() {
    for _ in 0..4 {
        let (world, owner) = setting().await;
        let bert = world.joined(&owner, "Bert", "owner").await;
        let clients = Arc::new([owner.client.clone(), bert.client.clone()]);
        let replies = together(16, |n| {
            let clients = Arc::clone(&clients);
            async move {
                clients[n % 2]
                    .post("/v1/organisation/leave", &Value::Null)
                    .await
                    .status
            }
        })
        .await;
        let left = replies.iter().filter(|status| **status == 204).count();
        assert_eq!(left, 1, "{replies:?}");
        assert_eq!(world.stored_members().await, (vec!["owner".into()], 1));
    }
}

#[tokio::test]
async fn a_change_of_the_organisation_does_not_bring_back_a_number_of_owners() {
    let (world, owner) = setting().await;
    let bert = world.joined(&owner, "Bert", "owner").await;
    let id = id_of(&bert).await;
    let (reached, go_on) = world.pause_at("organisation-update", "TransactWriteItems");
    let client = owner.client.clone();
    let patch = tokio::spawn(async move {
        let body = json!({ "name": "Other Works" });
        client.json(Method::PATCH, "/v1/organisation", &body, &[]).await
    });
    reached.notified().await;
    assert_eq!(
        change(&owner, &id, &json!({ "role": "viewer" })).await.status,
        200
    );
    go_on.notify_one();
    assert_eq!(patch.await.unwrap().problem(), (412, "stale".into(), vec![]));
    assert_eq!(world.stored_members().await.1, 1);
    assert_eq!(
        owner.post("/v1/organisation/leave", &Value::Null).await.status,
        409
    );
}
