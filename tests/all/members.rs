//! Members: who is in, what a change does to them, who may make it.

use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Client, Customer, PASSWORD, Reply, World};
use crate::support::assert_unchanged;

impl World {
    /// The code in the newest invitation to an address.
    pub fn invitation_code(&self, email: &str) -> String {
        let mails = self.stack.mails().messages();
        let mail = mails.iter().rev().find(|mail| mail.is_for(email)).unwrap();
        let text = mail.text.as_deref().unwrap_or_default();
        let code = text.split_whitespace().find(|word| word.len() == 86);
        code.expect("the mail has a code").to_owned()
    }

    /// Invites somebody who has no account, who accepts and signs in.
    pub async fn joined(&self, inviter: &Customer, word: &str, role: &str) -> Customer {
        let email = format!("{}@customer.example", word.to_lowercase());
        let reply = invite(inviter, &email, role).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let code = self.invitation_code(&email);
        let reply = self.accept(&code, word).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let mut customer = self.person(email);
        customer.sign_in().await;
        customer
    }

    /// Accepts an invitation as a new person.
    pub async fn accept(&self, code: &str, word: &str) -> Reply {
        let body = self.acceptance(code, word);
        self.anonymous().post("/v1/auth/accept-invitation", &body).await
    }

    pub fn acceptance(&self, code: &str, word: &str) -> Value {
        json!({
            "code": code, "name": format!("Ada {word}"), "password": PASSWORD, "age_confirmed": 18,
            "policy_version": self.stack.profile().policy().version().to_string(),
        })
    }

    /// Invites a customer who has an account, who joins with it.
    pub async fn joins(&self, inviter: &Customer, customer: &Customer, role: &str) {
        let reply = invite(inviter, &customer.email, role).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let code = self.invitation_code(&customer.email);
        let reply = customer
            .post("/v1/me/organisations", &json!({ "code": code }))
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }

    /// The roles and states of an organisation's memberships as they are stored, and how many owners it counts.
    pub async fn stored_members(&self) -> (Vec<String>, u64) {
        let members = self.of_type("core", "membership").await;
        let mut roles: Vec<_> = members
            .iter()
            .map(|item| item["role"].as_str().unwrap().to_owned())
            .collect();
        roles.sort();
        let organisations = self.of_type("core", "organisation").await;
        let owners = organisations
            .iter()
            .map(|item| crate::support::number(&item["owners"]));
        (roles, owners.sum())
    }

    /// The kinds of the entries of all organisations' activity logs, but for sign-ins, in alphabetical order.
    pub async fn activity(&self) -> Vec<String> {
        let entries = self.of_type("ephemeral", "organisation_activity").await;
        let kinds = entries
            .iter()
            .map(|entry| entry["kind"].as_str().unwrap().to_owned());
        let mut kinds: Vec<_> = kinds.filter(|kind| kind != "signed_in").collect();
        kinds.sort();
        kinds
    }
}

pub async fn invite(inviter: &Client, email: &str, role: &str) -> Reply {
    let body = json!({ "email": email, "role": role });
    inviter.post("/v1/invitations", &body).await
}

/// The id of who is signed in.
pub async fn id_of(client: &Client) -> String {
    client.get("/v1/me").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Changes a member at whatever version it is.
pub async fn change(client: &Client, user: &str, body: &Value) -> Reply {
    let path = format!("/v1/members/{user}");
    client
        .json(Method::PATCH, &path, body, &[("if-match", "*")])
        .await
}

pub async fn remove(client: &Client, user: &str) -> Reply {
    client.delete(&format!("/v1/members/{user}"), &[]).await
}

/// The addresses and roles of a list of members or invitations, and its next cursor.
pub async fn listed(client: &Client, path: &str) -> (Vec<(String, String)>, Option<String>) {
    let reply = client.get(path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let json = reply.json();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let data = json["data"].as_array().unwrap().iter();
    let data = data
        .map(|item| (text(item, "email"), text(item, "role")))
        .collect();
    (data, json["next_cursor"].as_str().map(str::to_owned))
}

pub async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let owner = world.customer("Ada").await;
    (world, owner)
}

#[tokio::test]
async fn members_are_listed_page_by_page_with_what_they_told_of_themselves() {
    let (world, owner) = setting().await;
    world.advance(1);
    let bert = world.joined(&owner, "Bert", "admin").await;
    world.advance(1);
    let cleo = world.joined(&owner, "Cleo", "viewer").await;
    let (first, cursor) = listed(&cleo, "/v1/members?limit=2").await;
    let rest = format!("/v1/members?limit=2&cursor={}", cursor.unwrap());
    let (second, cursor) = listed(&cleo, &rest).await;
    let expected = [(&owner, "owner"), (&bert, "admin"), (&cleo, "viewer")];
    let expected: Vec<_> = expected
        .iter()
        .map(|(who, role)| (who.email.clone(), (*role).to_owned()))
        .collect();
    assert_eq!(([first, second].concat(), cursor), (expected, None));
    let patch = json!({ "name": "Berta" });
    assert_eq!(bert.json(Method::PATCH, "/v1/me", &patch, &[]).await.status, 200);
    let reply = owner.get(&format!("/v1/members/{}", id_of(&bert).await)).await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("\"1\"")),
        "{reply:?}"
    );
    let keys: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["created_at", "email", "id", "name", "role"]);
    assert_eq!(reply.json()["name"], "Berta");
}

#[tokio::test]
async fn trk_7_whoever_erased_their_account_is_in_no_list_and_no_row_any_more() {
    let (world, owner) = setting().await;
    let bert = world.joined(&owner, "Bert", "admin").await;
    let id = id_of(&bert).await;
    assert_eq!(bert.delete("/v1/me", &[]).await.status, 202);
    assert_eq!(listed(&owner, "/v1/members").await.0.len(), 1);
    let reply = owner.get(&format!("/v1/members/{id}")).await;
    assert_eq!(reply.problem(), (404, "not-found".into(), vec![]));
    assert_eq!(world.stored_members().await, (vec!["owner".into()], 1));
    world.settle().await;
    let left = world.items("core").await;
    let left: Vec<_> = left
        .iter()
        .filter(|item| item.to_string().contains(&id))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn c_02_c_11_whose_role_changes_is_signed_out_there_and_nowhere_else() {
    let (world, owner) = setting().await;
    let mut bert = world.customer("Bert").await;
    world.joins(&owner, &bert, "admin").await;
    let id = id_of(&bert).await;
    let places = bert.get("/v1/me/organisations").await.json();
    let mut places = places["data"].as_array().unwrap().iter();
    let place = places.find(|place| place["name"] == "Ada Works").unwrap();
    let org = place["id"].as_str().unwrap().to_owned();
    for (body, status) in [
        (json!({ "role": "viewer" }), 200),
        (json!({ "suspended": true }), 403),
        (json!({ "suspended": false }), 200),
    ] {
        bert.sign_in().await;
        let home = bert.client.clone();
        bert.sign_in().await;
        let reply = bert
            .post(&format!("/v1/me/organisations/{org}/switch"), &Value::Null)
            .await;
        let there = (body != json!({ "suspended": false })).then(|| {
            assert_eq!(reply.status, 200, "{reply:?}");
            let json = reply.json();
            let token = |name: &str| json[name].as_str().unwrap().to_owned();
            (world.with_token(&token("access_token")), token("refresh_token"))
        });
        if let Some((there, _)) = &there {
            assert_eq!(there.get("/v1/organisation").await.status, 200);
        }
        let reply = change(&owner, &id, &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        if let Some((there, refresh_token)) = there {
            for path in ["/v1/organisation", "/v1/me", "/v1/records?kind=asset"] {
                let reply = there.get(path).await;
                assert_eq!(reply.problem(), (401, "unauthenticated".into(), vec![]), "{path}");
            }
            let body = json!({ "refresh_token": refresh_token });
            let reply = world.anonymous().post("/v1/auth/refresh", &body).await;
            assert_eq!(reply.problem(), (401, "unauthenticated".into(), vec![]));
        }
        assert_eq!(
            home.get("/v1/organisation").await.status,
            200,
            "another organisation's"
        );
        bert.sign_in().await;
        let reply = bert
            .post(&format!("/v1/me/organisations/{org}/switch"), &Value::Null)
            .await;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    bert.sign_in().await;
    assert_eq!(remove(&owner, &id).await.status, 204);
    let reply = bert
        .post(&format!("/v1/me/organisations/{org}/switch"), &Value::Null)
        .await;
    assert_eq!(reply.problem(), (404, "not-found".into(), vec![]));
    let kinds = world.activity().await;
    let expected = [
        "member_invited",
        "member_joined",
        "member_reinstated",
        "member_removed",
        "member_suspended",
        "role_changed",
    ];
    assert_eq!(kinds, expected);
    let subjects = world.subjects(&bert.email);
    let expected = [
        "Your role was changed",
        "Your membership is suspended",
        "Your membership is no longer suspended",
        "You are no longer a member of an organisation",
    ];
    assert_eq!(subjects[2..], expected);
}

#[tokio::test]
async fn a_suspended_member_can_do_nothing_there_and_can_leave() {
    let (world, owner) = setting().await;
    let mut bert = world.joined(&owner, "Bert", "admin").await;
    let id = id_of(&bert).await;
    assert_eq!(
        change(&owner, &id, &json!({ "suspended": true })).await.status,
        200
    );
    bert.sign_in().await;
    for path in [
        "/v1/organisation",
        "/v1/members",
        "/v1/records?kind=asset",
        "/v1/roles",
    ] {
        let reply = bert.get(path).await;
        assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{path}");
    }
    assert_eq!(bert.get("/v1/me").await.status, 200);
    let reply = bert.post("/v1/organisation/leave", &Value::Null).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(bert.get("/v1/me").await.status, 401);
    assert_eq!(world.stored_members().await, (vec!["owner".into()], 1));
}

#[tokio::test]
async fn g_28_nobody_touches_or_gives_a_role_above_their_own_nor_changes_themselves() {
    let (world, owner) = setting().await;
    let admin = world.joined(&owner, "Bert", "admin").await;
    let other = world.joined(&owner, "Cleo", "admin").await;
    let member = world.joined(&owner, "Dora", "member").await;
    let (top, own, other, low) = (
        id_of(&owner).await,
        id_of(&admin).await,
        id_of(&other).await,
        id_of(&member).await,
    );
    let before = world.everything().await;
    let forbidden = (403, "forbidden".to_owned(), vec![]);
    for (who, whom, body) in [
        (&admin, &top, json!({ "role": "viewer" })),
        (&admin, &top, json!({ "suspended": true })),
        (&admin, &other, json!({ "role": "owner" })),
        (&admin, &own, json!({ "role": "owner" })),
        (&admin, &own, json!({ "role": "admin" })),
        (&owner, &top, json!({ "role": "admin" })),
        (&owner, &top, json!({ "suspended": true })),
        (&member, &low, json!({ "role": "admin" })),
        (&member, &other, json!({ "suspended": true })),
    ] {
        assert_eq!(
            change(who, whom, &body).await.problem(),
            forbidden,
            "{whom} {body}"
        );
    }
    for (who, whom) in [(&admin, &top), (&admin, &own), (&owner, &top), (&member, &other)] {
        assert_eq!(remove(who, whom).await.problem(), forbidden, "{whom}");
    }
    for role in ["owner", "admin", "viewer"] {
        let reply = invite(&member, "eve@customer.example", role).await;
        assert_eq!(reply.problem(), forbidden, "{role}");
    }
    assert_eq!(
        invite(&admin, "eve@customer.example", "owner").await.problem(),
        forbidden
    );
    for (body, pointer) in [
        (json!({ "role": "role_00000000000000000000000001" }), "/role"),
        (json!({ "role": "root" }), "/role"),
        (json!({ "role": null }), "/role"),
        (json!({ "suspended": "yes" }), "/suspended"),
        (json!({ "suspended": null }), "/suspended"),
        (json!({ "owners": 2 }), "/owners"),
        (json!({ "created_at": "2020-01-01T00:00:00Z" }), "/created_at"),
    ] {
        let reply = change(&owner, &low, &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{body}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "refused changes");
    assert_eq!(
        change(&admin, &other, &json!({ "role": "viewer" })).await.status,
        200
    );
    let reply = change(&owner, &own, &json!({ "role": "owner" })).await;
    assert_eq!((reply.status, &reply.json()["role"]), (200, &json!("owner")));
    assert_eq!(world.stored_members().await.1, 2);
}

#[tokio::test]
async fn a_change_names_the_version_that_it_means() {
    let (world, owner) = setting().await;
    let bert = world.joined(&owner, "Bert", "admin").await;
    let id = id_of(&bert).await;
    let path = format!("/v1/members/{id}");
    let patch = |tag: &'static str| {
        let body = json!({ "role": "viewer" });
        let (owner, path) = (&owner, &path);
        async move {
            let headers = [("if-match", tag)];
            owner
                .json(
                    Method::PATCH,
                    path,
                    &body,
                    if tag.is_empty() { &[] } else { &headers },
                )
                .await
        }
    };
    assert_eq!(
        patch("").await.problem(),
        (428, "precondition-required".into(), vec![])
    );
    assert_eq!(patch("\"2\"").await.problem(), (412, "stale".into(), vec![]));
    let reply = patch("\"1\"").await;
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("\"2\"")),
        "{reply:?}"
    );
    let again = patch("\"2\"").await;
    assert_eq!(
        (again.status, again.header("etag")),
        (200, Some("\"2\"")),
        "nothing to change"
    );
    let reply = owner.delete(&path, &[("if-match", "\"1\"")]).await;
    assert_eq!(reply.problem(), (412, "stale".into(), vec![]));
    assert_eq!(owner.delete(&path, &[("if-match", "\"2\"")]).await.status, 204);
    assert_eq!(world.activity().await[2..], ["member_removed", "role_changed"]);
}
