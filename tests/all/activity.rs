//! Activity logs: who reads which, in what order and for how long, and the export.

use serde_json::{Value, json};
use shared::policy::Profile;

use crate::colleagues::{ROLE, define_role, join, kinds, organisation_of};
use crate::harness::{Customer, PASSWORD, Reply, World};
use crate::http::api_key;
use crate::support::assert_unchanged;

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

/// All pages of a list.
async fn walk(customer: &Customer, path: &str) -> (Vec<Value>, usize) {
    let (mut entries, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
    while let Some(path) = next {
        let reply = customer.get(&path).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        entries.extend(reply.json()["data"].as_array().unwrap().iter().cloned());
        pages += 1;
        let link = reply.header("link").map(str::to_owned);
        assert_eq!(link.is_some(), reply.json()["next_cursor"].is_string());
        next = link.map(|link| {
            let path = link.strip_prefix('<').unwrap();
            path.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
    }
    (entries, pages)
}

/// Makes so many entries, a second apart.
async fn renamed(world: &World, customer: &Customer, times: usize) {
    for n in 0..times {
        world.advance(1);
        let body = json!({ "name": format!("Account {n}") });
        let reply = customer.post("/v1/service-accounts", &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
}

fn instants(entries: &[Value]) -> Vec<String> {
    let at = entries
        .iter()
        .map(|entry| entry["at"].as_str().unwrap().to_owned());
    at.collect()
}

#[tokio::test]
async fn a_log_of_several_pages_has_every_entry_once_newest_first() {
    let (world, customer) = setting().await;
    renamed(&world, &customer, 5).await;
    let (all, pages) = walk(&customer, "/v1/organisation/activity").await;
    assert_eq!((all.len(), pages), (6, 1));
    let mut sorted = instants(&all);
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(instants(&all), sorted);
    let me = customer.get("/v1/me").await.text("id");
    assert_eq!(
        (&all[5]["kind"], &all[5]["actor"]),
        (&json!("signed_in"), &json!(me))
    );
    let (paged, pages) = walk(&customer, "/v1/organisation/activity?limit=2").await;
    assert_eq!((paged, pages > 2), (all, true));
}

#[tokio::test]
async fn kinds_actors_and_times_filter_a_log_across_pages() {
    let (world, ada) = setting().await;
    let org = organisation_of(&ada).await;
    let mut bob = world.customer("Bob").await;
    join(&world, &mut bob, &org, "admin").await;
    renamed(&world, &ada, 2).await;
    renamed(&world, &bob, 3).await;
    api_key(&bob, &json!({ "actions": ["records.read"] })).await;
    let id = bob.get("/v1/me").await.text("id");
    let path = |query: &str| format!("/v1/organisation/activity?{query}");
    for (query, expected) in [
        ("kind=service_account_created", 6),
        ("kind=signed_in", 2),
        ("kind=signed_in,api_key_created", 3),
        (&format!("actor={id}"), 6),
        (&format!("actor={id}&kind=service_account_created"), 4),
        ("at=2026-11-23T12:00:03Z..", 5),
        ("at=..2026-11-23T12:00:02Z", 4),
        ("at=2026-11-23T12:00:02Z..2026-11-23T12:00:03Z", 2),
        ("at=2026-11-23T12:00:02Z..2026-11-23T12:00:02Z", 1),
        ("at=..", 9),
        ("at=2027-01-01T00:00:00Z..", 0),
        ("at=1960-01-01T00:00:00Z..9999-01-01T00:00:00Z", 9),
        ("at=..1960-01-01T00:00:00Z", 0),
        ("kind=role_changed", 0),
        ("actor=service_00000000000000000000000001", 0),
    ] {
        let (found, _) = walk(&ada, &path(query)).await;
        assert_eq!(found.len(), expected, "{query}: {found:?}");
        let (paged, _) = walk(&ada, &path(&format!("{query}&limit=1"))).await;
        assert_eq!(paged, found, "{query}");
    }
    for (query, pointer) in [
        ("kind=", "?kind"),
        ("kind=nothing", "?kind"),
        ("kind=signed_in,", "?kind"),
        ("actor=Ada", "?actor"),
        ("at=2026-11-23", "?at"),
        ("at=x..y", "?at"),
        ("at=2026-11-24T00:00:00Z..2026-11-23T00:00:00Z", "?at"),
        ("limit=0", "?limit"),
        ("cursor=x", "?cursor"),
    ] {
        let (status, _, pointers) = ada.get(&path(query)).await.problem();
        assert!(
            status == 422 && pointers.iter().all(|found| found == pointer),
            "{query}"
        );
    }
    let cursor = ada.get(&path("limit=1")).await.text("next_cursor");
    let other = ada.get(&path(&format!("kind=signed_in&cursor={cursor}"))).await;
    assert_eq!(other.problem().2, ["?cursor"], "a cursor belongs to its filter");
}

#[tokio::test]
async fn what_is_older_than_18_months_is_not_shown_whether_the_table_has_deleted_it_or_not() {
    let (world, mut customer) = setting().await;
    let month = 30 * 24 * 3_600;
    world.advance(month);
    customer.sign_in().await;
    world.advance(548 * 24 * 3_600 - month - 1);
    customer.sign_in().await;
    let lists = ["/v1/organisation/activity", "/v1/me/activity"];
    for path in lists {
        assert_eq!(walk(&customer, path).await.0.len(), 3, "{path}");
    }
    let cursor = customer.get("/v1/me/activity?limit=2").await.text("next_cursor");
    world.advance(1);
    for path in lists {
        assert_eq!(walk(&customer, path).await.0.len(), 2, "{path}");
    }
    assert_eq!(world.of_type("ephemeral", "account_activity").await.len(), 3);
    let path = format!("/v1/me/activity?limit=2&cursor={cursor}");
    let reply = customer.get(&path).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "data": [] })));
    // A cursor that was kept until everything behind it was too old.
    world.advance(600 * 24 * 3_600);
    customer.sign_in().await;
    let reply = customer.get(&path).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "data": [] })));
}

#[tokio::test]
async fn q_09_each_sees_the_own_log_and_only_who_may_the_organisations() {
    let (world, ada) = setting().await;
    let org = organisation_of(&ada).await;
    let bob = world.customer("Bob").await;
    let own = bob.get("/v1/organisation/activity").await.json();
    assert_eq!(kinds(&own), ["signed_in"], "nothing of Ada's");
    assert_eq!(kinds(&bob.get("/v1/me/activity").await.json()), ["signed_in"]);
    let mut bob = bob;
    define_role(&world, &org, &["activity.read"]).await;
    for (role, read, export) in [
        ("viewer", 403, 403),
        ("member", 403, 403),
        (ROLE, 200, 403),
        ("admin", 200, 200),
        ("owner", 200, 200),
    ] {
        join(&world, &mut bob, &org, role).await;
        assert_eq!(bob.get("/v1/organisation/activity").await.status, read, "{role}");
        let reply = bob.post("/v1/organisation/activity/exports", &Value::Null).await;
        assert_eq!(reply.status, export, "{role}: {reply:?}");
        assert_eq!(bob.get("/v1/me/activity").await.status, 200, "{role}");
    }
    let cursor = bob.get("/v1/me/activity?limit=1").await.text("next_cursor");
    let stolen = ada.get(&format!("/v1/me/activity?cursor={cursor}")).await;
    assert_eq!(stolen.problem().2, ["?cursor"], "another person's cursor");
}

#[tokio::test]
async fn the_own_log_says_from_where() {
    let (world, mut customer) = setting().await;
    let body = json!({ "email": customer.email, "password": PASSWORD });
    let agent = [("user-agent", "Lynx/2.9"), ("x-forwarded-for", "203.0.113.9")];
    world.advance(1);
    let reply = world.anonymous().post_with("/v1/auth/login", &body, &agent).await;
    assert_eq!(reply.status, 200);
    let newest = customer.get("/v1/me/activity").await.json()["data"][0].clone();
    assert_eq!(
        (&newest["kind"], &newest["user_agent"]),
        (&json!("signed_in"), &json!("Lynx/2.9"))
    );
    assert_ne!(newest["address"], json!("203.0.113.9"), "a header is no address");
    assert!(newest["address"].is_string(), "{newest}");
    customer.sign_in().await;
    let (paged, pages) = walk(&customer, "/v1/me/activity?limit=1").await;
    assert!(pages >= 3, "{pages}");
    assert_eq!(paged, walk(&customer, "/v1/me/activity").await.0);
}

/// The lines of a CSV file in which every cell is quoted and none holds a quote.
fn rows(reply: &Reply) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(&reply.body).unwrap();
    let cells = |line: &str| {
        let inner = line.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        inner.split("\",\"").map(str::to_owned).collect()
    };
    text.split_terminator("\r\n").map(cells).collect()
}

#[tokio::test]
async fn q_10_an_export_is_a_file_of_the_whole_log_and_is_logged_itself() {
    let (world, customer) = setting().await;
    renamed(&world, &customer, 3).await;
    let log = walk(&customer, "/v1/organisation/activity").await.0;
    let path = "/v1/organisation/activity/exports";
    world.advance(1);
    let reply = customer.post(path, &Value::Null).await;
    assert_eq!(
        (
            reply.status,
            reply.header("content-type"),
            reply.header("content-disposition")
        ),
        (
            200,
            Some("text/csv; charset=utf-8"),
            Some("attachment; filename=\"activity.csv\"")
        )
    );
    reply.assert_hardened();
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let names = ["id", "at", "kind", "actor", "object"];
    let rows = rows(&reply);
    assert_eq!(rows[0], names);
    let expected: Vec<Vec<_>> = log
        .iter()
        .map(|entry| {
            names
                .map(|name| entry[name].as_str().unwrap_or_default().to_owned())
                .to_vec()
        })
        .collect();
    assert_eq!(rows[1..], expected);
    let newest = customer.get("/v1/organisation/activity").await.json();
    assert_eq!(kinds(&newest)[0], "activity_exported");
    let part = customer
        .post(&format!("{path}?kind=signed_in"), &Value::Null)
        .await;
    assert_eq!(crate::activity::rows(&part).len(), 2);
    let wrong = customer.post(&format!("{path}?kind=x"), &Value::Null).await;
    assert_eq!(wrong.problem().2, ["?kind"]);
    world.advance(301);
    let before = world.everything().await;
    let late = customer.post(path, &Value::Null).await;
    assert_eq!(
        (late.status, late.problem().1.as_str()),
        (403, "step-up-required")
    );
    assert_unchanged(&before, &world.everything().await, "an export that was refused");
}

#[tokio::test]
async fn a_log_that_is_too_long_for_one_file_says_so_and_a_filter_that_empties_pages_ends_no_list() {
    let (world, customer) = setting().await;
    let org = organisation_of(&customer).await;
    let start = world.now();
    let template = world.stack.export("ephemeral").unwrap();
    let template = template
        .iter()
        .find(|item| item.contains("organisation_activity"))
        .unwrap();
    let template: Value = serde_json::from_str(template).unwrap();
    let items = (0..10_000).map(|n: u64| {
        let mut item = template.clone();
        let at = start - jiff::SignedDuration::from_secs(1) - jiff::SignedDuration::from_millis(n as i64);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&n.to_be_bytes());
        let id = shared::ids::ActivityId::new(at, random);
        item["sk"] = json!({ "S": id.to_string() });
        item["at"] = json!({ "S": at.to_string() });
        item["kind"] = json!({ "S": "member_joined" });
        item.to_string()
    });
    assert!(template["pk"]["S"].as_str().unwrap().contains(&org));
    world
        .stack
        .import("ephemeral", &items.collect::<Vec<_>>())
        .unwrap();
    let path = "/v1/organisation/activity/exports";
    let before = world.everything().await;
    let reply = customer.post(path, &Value::Null).await;
    assert_eq!(reply.problem(), (422, "invalid".into(), vec!["?at".into()]));
    assert_unchanged(&before, &world.everything().await, "an export that is too long");
    let part = format!("{path}?at=..{}", start - jiff::SignedDuration::from_millis(500));
    let reply = customer.post(&part, &Value::Null).await;
    assert_eq!((reply.status, rows(&reply).len()), (200, 10_001));
    // Behind ten thousand others lies the one entry that is wanted.
    let oldest = "/v1/organisation/activity?kind=activity_exported&at=..2026-11-23T11:00:00Z&limit=1";
    assert_eq!(walk(&customer, oldest).await.0.len(), 0);
    world.stack.clear_calls();
    let reply = customer
        .get("/v1/organisation/activity?kind=role_changed&limit=50")
        .await;
    assert_eq!(reply.json()["data"], json!([]));
    assert!(reply.json()["next_cursor"].is_string(), "{reply:?}");
    let calls = world.operations("activity-list").len();
    assert!(calls <= 21, "{calls} calls for one request");
    let (found, pages) = walk(&customer, "/v1/organisation/activity?kind=signed_in&limit=200").await;
    assert!(found.len() == 1 && pages > 2, "{found:?} {pages}");
}

#[tokio::test]
async fn an_organisation_exports_its_log_ten_times_an_hour() {
    let (world, mut customer) = setting().await;
    let path = "/v1/organisation/activity/exports";
    for _ in 0..10 {
        assert_eq!(customer.post(path, &Value::Null).await.status, 200);
    }
    let reply = customer.post(path, &Value::Null).await;
    assert_eq!(reply.problem(), (429, "too-many-requests".into(), vec![]));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&seconds), "{seconds}");
    world.advance(seconds);
    customer.sign_in().await;
    assert_eq!(customer.post(path, &Value::Null).await.status, 200);
}
