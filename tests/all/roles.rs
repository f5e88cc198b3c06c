//! Roles of an organisation's own.

use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Client, Customer, Reply, World};
use crate::members::{change, id_of, invite};
use crate::support::assert_unchanged;

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let owner = world.customer("Ada").await;
    (world, owner)
}

async fn patch(client: &Client, role: &str, body: &Value, tag: &str) -> Reply {
    let path = format!("/v1/roles/{role}");
    let headers = [("if-match", tag)];
    let headers: &[_] = if tag.is_empty() { &[] } else { &headers };
    client.json(Method::PATCH, &path, body, headers).await
}

#[tokio::test]
async fn a_role_of_ones_own_allows_what_it_says_from_the_next_request_on() {
    let (world, owner) = setting().await;
    let body = json!({ "name": "Auditor", "actions": ["records.read"], "kinds": ["asset"] });
    let reply = owner.post("/v1/roles", &body).await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (201, Some("\"2\"")),
        "{reply:?}"
    );
    let role = reply.json()["id"].as_str().unwrap().to_owned();
    let bert = world.joined(&owner, "Bert", &role).await;
    let record = owner.asset(json!({ "asset_tag": "A-1" })).await;
    let path = format!("/v1/records/{record}");
    assert_eq!(bert.get(&path).await.status, 200);
    let reply = bert.get("/v1/records?kind=employee").await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
    assert_eq!(bert.get("/v1/members").await.status, 403);
    let reply = patch(&owner, &role, &json!({ "actions": ["members.read"] }), "\"2\"").await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("\"3\"")),
        "{reply:?}"
    );
    assert_eq!(bert.get(&path).await.status, 403, "the same token");
    let reply = bert.get("/v1/roles").await;
    let ids: Vec<_> = reply.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["owner", "admin", "member", "viewer", &role]);
    assert_eq!(reply.json()["data"][4]["actions"], json!(["members.read"]));
    assert_eq!(reply.json()["data"][4]["kinds"], json!(["asset"]));
    let reply = patch(&owner, &role, &json!({ "kinds": null }), "\"3\"").await;
    assert_eq!(reply.json().get("kinds"), None, "{reply:?}");
    let kinds = world.activity().await;
    assert_eq!(
        kinds.iter().filter(|kind| kind.starts_with("role_")).count(),
        3,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn g_29_unknown_actions_and_those_that_no_custom_role_has_are_named() {
    let (world, owner) = setting().await;
    let before = world.everything().await;
    for (actions, pointer) in [
        (json!(["records.read", "records.fly"]), "/actions/1"),
        (json!(["Records.Read"]), "/actions/0"),
        (json!(["*"]), "/actions/0"),
        (json!(["members.manage"]), "/actions/0"),
        (json!(["records.read", "roles.manage"]), "/actions/1"),
        (json!(["organisation.close"]), "/actions/0"),
        (json!(["own-account.delete"]), "/actions/0"),
        (json!(["staff.access.use"]), "/actions/0"),
        (json!([null]), "/actions/0"),
        (json!("records.read"), "/actions"),
    ] {
        let body = json!({ "name": "X", "actions": actions });
        let reply = owner.post("/v1/roles", &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{body}"
        );
    }
    for (name, value) in [
        ("kinds", json!(["car"])),
        ("kinds", json!("asset")),
        ("kinds", Value::Null),
        ("records", json!("some")),
        ("built_in", json!(true)),
        ("id", json!("owner")),
    ] {
        let mut body = json!({ "name": "X", "actions": [] });
        body[name] = value.clone();
        let reply = owner.post("/v1/roles", &body).await;
        let (status, _, pointers) = reply.problem();
        assert_eq!(status, 422, "{name} {value}");
        assert!(pointers[0].starts_with(&format!("/{name}")), "{pointers:?}");
    }
    assert_unchanged(&before, &world.everything().await, "wrong roles");
}

#[tokio::test]
async fn g_28_only_who_may_manage_roles_does_and_nobody_changes_the_built_in_ones() {
    let (world, owner) = setting().await;
    let member = world.joined(&owner, "Bert", "member").await;
    let body = json!({ "name": "X", "actions": ["records.read"] });
    let forbidden = (403, "forbidden".to_owned(), vec![]);
    assert_eq!(member.post("/v1/roles", &body).await.problem(), forbidden);
    for role in ["owner", "admin", "member", "viewer"] {
        assert_eq!(
            patch(&owner, role, &body, "*").await.problem(),
            forbidden,
            "{role}"
        );
        let reply = owner.delete(&format!("/v1/roles/{role}"), &[]).await;
        assert_eq!(reply.problem(), forbidden, "{role}");
    }
    let admin = world.joined(&owner, "Cleo", "admin").await;
    assert_eq!(admin.post("/v1/roles", &body).await.status, 201);
    let absent = (404, "not-found".to_owned(), vec![]);
    for id in [
        "role_00000000000000000000000001",
        "root",
        "user_00000000000000000000000001",
    ] {
        assert_eq!(patch(&owner, id, &body, "*").await.problem(), absent, "{id}");
    }
}

#[tokio::test]
async fn a_role_is_changed_by_version_and_deleted_when_nobody_has_it() {
    let (world, owner) = setting().await;
    let body = json!({ "name": "Auditor", "actions": ["records.read"] });
    let role = owner.post("/v1/roles", &body).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/roles/{role}");
    let name = json!({ "name": "Reader" });
    let reply = patch(&owner, &role, &name, "").await;
    assert_eq!(reply.problem(), (428, "precondition-required".into(), vec![]));
    let reply = patch(&owner, &role, &name, "\"1\"").await;
    assert_eq!(reply.problem(), (412, "stale".into(), vec![]));
    let conflict = |pointer: &str| (409, "conflict".to_owned(), vec![pointer.to_owned()]);
    for taken in ["auditor", "Owner", "VIEWER"] {
        let reply = owner
            .post("/v1/roles", &json!({ "name": taken, "actions": [] }))
            .await;
        assert_eq!(reply.problem(), conflict("/name"), "{taken}");
    }
    let reply = invite(&owner, "bert@customer.example", &role).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(
        owner.delete(&path, &[]).await.problem(),
        conflict(""),
        "an invitation has it"
    );
    let code = world.invitation_code("bert@customer.example");
    assert_eq!(world.accept(&code, "Bert").await.status, 201);
    assert_eq!(
        owner.delete(&path, &[]).await.problem(),
        conflict(""),
        "a member has it"
    );
    let members = owner.get("/v1/members").await.json();
    let bert = members["data"].as_array().unwrap().iter();
    let mut bert = bert.filter(|member| member["role"] == role.as_str());
    let bert = bert.next().unwrap()["id"].as_str().unwrap();
    assert_eq!(
        change(&owner, bert, &json!({ "role": "viewer" })).await.status,
        200
    );
    assert_eq!(owner.delete(&path, &[]).await.status, 204);
    assert_eq!(
        owner.delete(&path, &[]).await.problem(),
        (404, "not-found".into(), vec![])
    );
    assert_ne!(id_of(&owner).await, bert);
}

#[tokio::test]
async fn an_organisation_has_at_most_20_roles_of_its_own() {
    let (_, owner) = setting().await;
    for n in 0..20 {
        let body = json!({ "name": format!("Role {n}"), "actions": ["records.read"] });
        assert_eq!(owner.post("/v1/roles", &body).await.status, 201);
    }
    let reply = owner
        .post("/v1/roles", &json!({ "name": "More", "actions": [] }))
        .await;
    assert_eq!(reply.problem(), (409, "conflict".into(), vec![String::new()]));
}
