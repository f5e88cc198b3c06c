//! Invitations: sent to an address, good once and for seven days, telling nobody anything.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::colleagues::kinds;
use crate::harness::{Customer, World};
use crate::members::{invite, listed};
use crate::support::{assert_unchanged, together};

const WEEK: u64 = 7 * 24 * 3_600;

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let owner = world.customer("Ada").await;
    (world, owner)
}

fn wrong() -> (u16, String, Vec<String>) {
    (422, "invalid".into(), vec!["/code".into()])
}

#[tokio::test]
async fn a_43_an_invitation_is_a_mail_with_a_code_that_is_stored_nowhere_and_opens_nothing_without_terms() {
    let (world, owner) = setting().await;
    let reply = invite(&owner, "Bert@customer.example", "member").await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let keys: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    let expected = [
        "created_at",
        "email",
        "expires_at",
        "id",
        "invited_by",
        "role",
        "sent_at",
    ];
    assert_eq!(keys, expected);
    let mails = world.stack.mails().messages();
    let mail = mails.last().unwrap();
    assert!(!mail.subject.contains("Ada"), "{}", mail.subject);
    assert!(mail.text.as_deref().unwrap().contains("\"Ada Works\""));
    let code = world.invitation_code("Bert@customer.example");
    assert!(
        !format!("{:?}", world.everything().await).contains(&code),
        "it is not stored"
    );
    for (name, value, pointer) in [
        ("age_confirmed", json!(12), "/age_confirmed"),
        ("policy_version", json!("0"), "/policy_version"),
        ("password", json!("short"), "/password"),
    ] {
        let mut body = world.acceptance(&code, "Bert");
        body[name] = value.clone();
        let reply = world.anonymous().post("/v1/auth/accept-invitation", &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn a_43_an_accepted_invitation_is_used_up_and_the_person_signs_in_with_a_password_of_their_own() {
    let (world, owner) = setting().await;
    let bert = world.joined(&owner, "Bert", "member").await;
    let code = world.invitation_code(&bert.email);
    assert_eq!(world.accept(&code, "Bert").await.problem(), wrong());
    let body = json!({ "code": code });
    assert_eq!(bert.post("/v1/me/organisations", &body).await.problem(), wrong());
    assert_eq!(listed(&owner, "/v1/invitations").await, (vec![], None));
    assert_eq!(world.of_type("core", "invitation_guard").await.len(), 0);
    let id = bert.asset(json!({ "asset_tag": "B-1" })).await;
    assert_eq!(owner.get(&format!("/v1/records/{id}")).await.status, 200);
    let places = bert.get("/v1/me/organisations").await.json();
    let place = &places["data"][0];
    assert_eq!(
        (&place["name"], &place["role"]),
        (&json!("Ada Works"), &json!("member"))
    );
    assert_eq!(world.activity().await, ["member_invited", "member_joined"]);
    let reply = invite(&owner, "BERT@customer.example", "viewer").await;
    assert_eq!(reply.problem(), (409, "conflict".into(), vec!["/email".into()]));
}

#[tokio::test]
async fn a_43_a_code_is_dead_when_it_is_old_replaced_taken_back_or_changed() {
    let (world, mut owner) = setting().await;
    let reply = invite(&owner, "bert@customer.example", "member").await;
    let path = format!("/v1/invitations/{}", reply.json()["id"].as_str().unwrap());
    let first = world.invitation_code("bert@customer.example");
    let reply = invite(&owner, "bert@customer.example", "viewer").await;
    assert_eq!(
        reply.problem(),
        (409, "conflict".into(), vec!["/email".into()]),
        "{reply:?}"
    );
    let reply = owner.post(&format!("{path}/resend"), &Value::Null).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let second = world.invitation_code("bert@customer.example");
    assert_ne!(first, second);
    assert_eq!(world.accept(&first, "Bert").await.problem(), wrong(), "replaced");
    let before = world.everything().await;
    for index in [0, 30, 43, 60] {
        let other = if second.as_bytes()[index] == b'A' {
            "B"
        } else {
            "A"
        };
        let changed = format!("{}{other}{}", &second[..index], &second[index + 1..]);
        assert_eq!(world.accept(&changed, "Bert").await.problem(), wrong(), "{index}");
    }
    for text in [
        "",
        "x",
        &second[1..],
        &format!("{second}="),
        &format!("user_{second}"),
    ] {
        assert_eq!(world.accept(text, "Bert").await.problem(), wrong(), "{text}");
    }
    assert_unchanged(&before, &world.everything().await, "wrong codes");
    world.advance(WEEK);
    assert_eq!(world.accept(&second, "Bert").await.problem(), wrong(), "old");
    owner.sign_in().await;
    assert_eq!(
        owner.post(&format!("{path}/resend"), &Value::Null).await.status,
        200
    );
    let third = world.invitation_code("bert@customer.example");
    assert_eq!(owner.delete(&path, &[]).await.status, 204);
    assert_eq!(
        owner.delete(&path, &[]).await.problem(),
        (404, "not-found".into(), vec![])
    );
    assert_eq!(
        world.accept(&third, "Bert").await.problem(),
        wrong(),
        "taken back"
    );
    assert_eq!(
        invite(&owner, "bert@customer.example", "viewer").await.status,
        201
    );
    let expected = [
        "invitation_resent",
        "invitation_resent",
        "invitation_revoked",
        "member_invited",
        "member_invited",
    ];
    assert_eq!(world.activity().await, expected);
}

#[tokio::test]
async fn i_25_an_invitation_is_sent_five_times_at_most() {
    let (world, owner) = setting().await;
    let reply = invite(&owner, "bert@customer.example", "member").await;
    let path = format!("/v1/invitations/{}/resend", reply.json()["id"].as_str().unwrap());
    for _ in 0..4 {
        assert_eq!(owner.post(&path, &Value::Null).await.status, 200);
    }
    let reply = owner.post(&path, &Value::Null).await;
    assert_eq!(reply.problem(), (409, "conflict".into(), vec![String::new()]));
    assert_eq!(world.subjects("bert@customer.example").len(), 5);
}

#[tokio::test]
async fn an_invitation_says_nothing_of_whether_the_address_has_an_account() {
    let (world, owner) = setting().await;
    let known = world.customer("Known").await;
    invite(&owner, "warm@customer.example", "viewer").await;
    let mut seen = Vec::new();
    for email in ["unknown@customer.example", known.email.as_str()] {
        world.stack.clear_calls();
        let reply = invite(&owner, email, "viewer").await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let names: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
        let headers = reply.anonymised().1;
        seen.push((names, headers, world.operations("invitations-create")));
    }
    assert_eq!(seen[0], seen[1]);
    let subjects = [
        world.subjects("unknown@customer.example"),
        world.subjects(&known.email),
    ];
    assert_eq!(subjects[0].last(), subjects[1].last());
}

#[tokio::test]
async fn who_has_an_account_joins_with_it_and_only_with_that_of_the_address() {
    let (world, owner) = setting().await;
    let (bert, eve) = (world.customer("Bert").await, world.customer("Eve").await);
    assert_eq!(invite(&owner, &bert.email, "viewer").await.status, 201);
    let code = world.invitation_code(&bert.email);
    let body = json!({ "code": code });
    let before = world.everything().await;
    let reply = eve.post("/v1/me/organisations", &body).await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
    let reply = world.accept(&code, "Bert").await;
    assert_eq!(
        reply.problem(),
        (409, "conflict".into(), vec!["/code".into()]),
        "{reply:?}"
    );
    assert_unchanged(&before, &world.everything().await, "another's invitation");
    let reply = bert.post("/v1/me/organisations", &body).await;
    assert_eq!(
        (reply.status, &reply.json()["name"]),
        (201, &json!("Ada Works")),
        "{reply:?}"
    );
    assert_eq!(
        bert.get("/v1/me/organisations").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let reply = bert.get("/v1/organisation").await;
    assert_eq!(
        reply.json()["name"],
        "Bert Works",
        "the session is still for the own one"
    );
}

#[tokio::test]
async fn one_invitation_that_is_accepted_16_times_at_once_makes_one_account() {
    let (world, owner) = setting().await;
    assert_eq!(invite(&owner, "bert@customer.example", "owner").await.status, 201);
    let body = world.acceptance(&world.invitation_code("bert@customer.example"), "Bert");
    let replies = together(16, |_| {
        let (client, body) = (world.anonymous(), body.clone());
        async move { client.post("/v1/auth/accept-invitation", &body).await.status }
    })
    .await;
    let joined = replies.iter().filter(|status| **status == 201).count();
    assert_eq!(joined, 1, "{replies:?}");
    assert!(
        replies
            .iter()
            .all(|status| matches!(status, 201 | 409 | 422 | 503)),
        "{replies:?}"
    );
    assert_eq!(
        world.stored_members().await,
        (vec!["owner".into(), "owner".into()], 2)
    );
    assert_eq!(world.of_type("core", "user").await.len(), 2);
    assert_eq!(world.activity().await, ["member_invited", "member_joined"]);
}

#[tokio::test]
async fn one_invitation_that_a_user_accepts_16_times_at_once_has_one_effect() {
    let (world, owner) = setting().await;
    let bert = world.customer("Bert").await;
    assert_eq!(invite(&owner, &bert.email, "owner").await.status, 201);
    let body = json!({ "code": world.invitation_code(&bert.email) });
    let replies = together(16, |_| {
        let (client, body) = (bert.client.clone(), body.clone());
        async move { client.post("/v1/me/organisations", &body).await.status }
    })
    .await;
    let joined = replies.iter().filter(|status| **status == 201).count();
    assert_eq!(joined, 1, "{replies:?}");
    assert_eq!(world.stored_members().await.1, 3, "two of Ada's, one of Bert's");
    assert_eq!(world.activity().await, ["member_invited", "member_joined"]);
}

#[tokio::test]
async fn one_address_that_is_invited_16_times_at_once_gets_one_invitation() {
    let (world, owner) = setting().await;
    let replies = together(16, |_| {
        let client = owner.client.clone();
        async move { invite(&client, "bert@customer.example", "viewer").await.status }
    })
    .await;
    let invited = replies.iter().filter(|status| **status == 201).count();
    assert_eq!(invited, 1, "{replies:?}");
    assert_eq!(world.subjects("bert@customer.example").len(), 1);
}

#[tokio::test]
async fn invitations_are_listed_page_by_page_and_go_with_the_organisation() {
    let (world, owner) = setting().await;
    for name in ["b", "c", "d"] {
        assert_eq!(
            invite(&owner, &format!("{name}@customer.example"), "viewer")
                .await
                .status,
            201
        );
        world.advance(1);
    }
    let (first, cursor) = listed(&owner, "/v1/invitations?limit=2").await;
    let next = format!("/v1/invitations?limit=2&cursor={}", cursor.unwrap());
    let (second, cursor) = listed(&owner, &next).await;
    let addresses: Vec<_> = [first, second]
        .concat()
        .into_iter()
        .map(|(email, _)| email)
        .collect();
    assert_eq!(
        addresses,
        ["b@customer.example", "c@customer.example", "d@customer.example"]
    );
    assert_eq!(cursor, None);
    let reply = owner.get(&next.replace("invitations", "members")).await;
    assert_eq!(reply.problem(), (422, "invalid".into(), vec!["?cursor".into()]));
    let code = world.invitation_code("b@customer.example");
    assert_eq!(owner.delete("/v1/organisation", &[]).await.status, 202);
    assert_eq!(world.accept(&code, "B").await.problem(), wrong());
    world.settle().await;
    for name in ["invitation", "invitation_guard", "membership"] {
        assert_eq!(world.of_type("core", name).await.len(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_mail_to_somebody_invited_waits_sealed_with_the_organisation_and_goes_with_it() {
    let (world, owner) = setting().await;
    world.stack.mails().throttle(1);
    assert_eq!(
        invite(&owner, "bert@customer.example", "viewer").await.status,
        201
    );
    assert_eq!(world.of_type("core", "mail").await.len(), 1);
    world.advance(120);
    assert_eq!(world.task("mail-retry").await["accepted"], 1);
    assert_eq!(world.of_type("core", "mail").await.len(), 0);
    world.stack.mails().throttle(1);
    assert_eq!(
        invite(&owner, "cleo@customer.example", "viewer").await.status,
        201
    );
    assert_eq!(owner.delete("/v1/organisation", &[]).await.status, 202);
    world.settle().await;
    assert_eq!(world.of_type("core", "mail").await.len(), 0);
    assert_eq!(
        world.subjects("cleo@customer.example").len(),
        0,
        "it was never sent"
    );
}

#[tokio::test]
async fn g_20_g_28_who_may_invite_by_a_custom_role_gives_nothing_above_it() {
    let (world, owner) = setting().await;
    let role = |name: &str, actions: Value, records: &str| {
        let body = json!({ "name": name, "actions": actions, "records": records });
        let client = owner.client.clone();
        async move {
            client.post("/v1/roles", &body).await.json()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        }
    };
    let host = role("Host", json!(["members.invite", "records.read"]), "own").await;
    let reader = role("Reader", json!(["records.read"]), "all").await;
    let guest = role("Guest", json!(["records.read"]), "own").await;
    let bert = world.joined(&owner, "Bert", &host).await;
    let forbidden = (403, "forbidden".to_owned(), vec![]);
    for role in ["owner", "admin", "member", "viewer", &reader] {
        let reply = invite(&bert, "eve@customer.example", role).await;
        assert_eq!(reply.problem(), forbidden, "{role}");
    }
    assert_eq!(invite(&bert, "eve@customer.example", &guest).await.status, 201);
    let reply = invite(&owner, "dora@customer.example", "admin").await;
    let path = format!("/v1/invitations/{}", reply.json()["id"].as_str().unwrap());
    let reply = bert.post(&format!("{path}/resend"), &Value::Null).await;
    assert_eq!(reply.problem(), forbidden);
    assert_eq!(bert.delete(&path, &[]).await.problem(), forbidden);
    let reply = bert.json(Method::GET, "/v1/invitations", &Value::Null, &[]).await;
    assert_eq!(reply.problem(), forbidden, "the role does not say members.read");
}

#[tokio::test]
async fn an_invitation_that_nobody_accepts_is_deleted_30_days_after_its_code_has_ended() {
    let (world, mut owner) = setting().await;
    for n in 0..100 {
        if n == 50 {
            world.advance(3_600);
            owner.sign_in().await;
        }
        let reply = invite(&owner, &format!("bert{n}@customer.example"), "member").await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    let rows = owner.get("/v1/invitations?limit=200").await.json()["data"].clone();
    let resent = rows[0]["id"].as_str().unwrap();
    world.advance(86_400);
    owner.sign_in().await;
    let path = format!("/v1/invitations/{resent}/resend");
    assert_eq!(owner.post(&path, &Value::Null).await.status, 200);
    let path = format!("/v1/invitations/{}", rows[99]["id"].as_str().unwrap());
    assert_eq!(owner.delete(&path, &[]).await.status, 204);
    assert_eq!(world.of_type("control", "invitation_due").await.len(), 99);

    let report = |deleted: u64| json!({ "deleted": deleted, "stale": 0, "failed": 0, "unfinished": false });
    let first: Timestamp = rows[0]["expires_at"].as_str().unwrap().parse().unwrap();
    let kept = SignedDuration::from_hours(30 * 24);
    world.clock.set(first + kept - SignedDuration::from_secs(1));
    assert_eq!(world.task("invitations-expire").await, report(0));
    world.clock.set(first + kept + SignedDuration::from_hours(1));
    let none = SignedDuration::ZERO;
    let cut = world
        .stack
        .run_task("invitations-expire", json!({}), none)
        .await
        .unwrap();
    assert_eq!((&cut["deleted"], &cut["unfinished"]), (&json!(0), &json!(true)));
    // Two runs at one moment delete each once.
    let (one, two) = tokio::join!(world.task("invitations-expire"), world.task("invitations-expire"));
    let sum = |name: &str| one[name].as_u64().unwrap() + two[name].as_u64().unwrap();
    assert_eq!((sum("deleted"), sum("failed")), (98, 0), "{one} {two}");
    owner.sign_in().await;
    let left = owner.get("/v1/invitations").await.json()["data"].clone();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(left, [resent], "it was sent again a day later");
    assert_eq!(world.of_type("core", "invitation_guard").await.len(), 1);
    assert_eq!(world.of_type("control", "invitation_due").await.len(), 1);
    let log = owner.get("/v1/organisation/activity").await.json();
    assert!(kinds(&log).contains(&"invitation_expired"), "{log}");
    // Whoever is invited once more is invited like anybody.
    let again = invite(&owner, rows[1]["email"].as_str().unwrap(), "member").await;
    assert_eq!(again.status, 201, "{again:?}");

    assert_eq!(owner.delete("/v1/organisation", &[]).await.status, 202);
    world.settle().await;
    world.advance(60 * 86_400);
    let report = world.task("invitations-expire").await;
    assert_eq!(
        (&report["deleted"], &report["stale"]),
        (&json!(0), &json!(2)),
        "{report}"
    );
    assert!(world.of_type("control", "invitation_due").await.is_empty());
}
