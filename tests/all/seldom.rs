//! What happens seldom works too, and with no more permissions than the function has for it.

use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::erasure::furnished;
use crate::harness::{Customer, World};
use crate::http::{Site, api_key, content_type, sample};
use crate::support::{ALWAYS, answer};
use functions::gateway::Body;
use functions::registry::ROUTES;

/// The partition keys in a table that begin with one of these words.
async fn with(world: &World, table: &str, words: &[&str]) -> Vec<String> {
    let items = world.items(table).await;
    let keys = items.iter().map(|item| item["pk"].as_str().unwrap().to_owned());
    keys.filter(|key| words.iter().any(|word| key.starts_with(word)))
        .collect()
}

async fn cancel(customer: &Customer) -> Vec<Value> {
    let reply = customer.post("/v1/organisation/cancel", &Value::Null).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["retention"].as_array().unwrap().clone()
}

/// Creates a record with an idempotency key, whose row stays.
async fn keyed(customer: &Customer) {
    let body = json!({ "kind": "asset", "fields": { "asset_tag": "KEYED-1" } });
    let headers = [("idempotency-key", "seldom")];
    let reply = customer.json(Method::POST, "/v1/records", &body, &headers).await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[tokio::test]
async fn when_the_organisation_is_closed_every_route_of_it_says_what_was_erased() {
    let site = Site::new().await;
    keyed(&site.customer).await;
    assert_eq!(with(&site.world, "ephemeral", &["IDEMPOTENCY#"]).await.len(), 1);
    let closed = site.customer.delete("/v1/organisation", &[]).await;
    assert_eq!(closed.status, 202, "{closed:?}");
    let erasure = closed.json()["erasure_id"].as_str().unwrap().to_owned();
    assert_eq!(with(&site.world, "ephemeral", &["IDEMPOTENCY#"]).await, [""; 0]);
    let of_organisation = |path: &str| {
        let starts = [
            "/v1/organisation",
            "/v1/records",
            "/v1/imports",
            "/v1/members",
            "/v1/invitations",
            "/v1/roles",
        ];
        // Leaving is about the person: it works without the organisation's key, and there is nothing to leave.
        starts.iter().any(|start| path.starts_with(start)) && path != "/v1/organisation/leave"
    };
    let mut asked = 0;
    for route in ROUTES.iter().filter(|route| of_organisation(route.path)) {
        let body = match route.body {
            Body::Json(_) | Body::MergePatch(_) => sample(route).to_string(),
            _ if content_type(route) == "text/csv" => "asset_tag\nLATE-1\n".to_owned(),
            _ => String::new(),
        };
        let reply = site
            .ask(route, &site.full_path(route), content_type(route), body)
            .await;
        assert_eq!(reply.problem().0, 410, "{}: {reply:?}", route.name);
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&erasure), "{}: {detail}", route.name);
        asked += 1;
    }
    assert!(asked >= 20, "{asked}");
}

#[tokio::test]
async fn the_schedule_also_purges_imports_idempotency_rows_and_mails_that_were_never_sent() {
    let site = Site::new().await;
    let world = &site.world;
    keyed(&site.customer).await;
    world.fail("organisation-cancel", "SendEmail", ALWAYS, || {
        answer(400, "application/json", "{}".to_owned())
    });
    let retention = cancel(&site.customer).await;
    let words = ["MAIL#", "IMPORT#", "RECORD#"];
    assert_eq!(with(world, "core", &["MAIL#"]).await.len(), 1);
    for class in retention {
        let until = class["not_after"].as_str().unwrap_or_default();
        if let Ok(until) = until.parse() {
            world.clock.set(until);
            world.task("retention-plan").await;
            world.task("erasure-purge").await;
        }
    }
    assert_eq!(with(world, "core", &words).await, [""; 0]);
    assert_eq!(
        with(world, "ephemeral", &["IDEMPOTENCY#", "SESSION#"]).await,
        [""; 0]
    );
}

#[tokio::test]
async fn who_cancels_closes_and_leaves_leaves_no_date_but_that_of_billing() {
    let world = World::new(Profile::Trackado).await;
    let customer = furnished(&world, "Numbat").await;
    cancel(&customer).await;
    let dates = async || {
        let mut dates = with(&world, "control", &["DUE#"]).await;
        for date in &mut dates {
            // Behind the class is the shard.
            date.truncate(date.rfind('#').unwrap());
        }
        dates.sort();
        dates
    };
    let [account, billing, content] = ["DUE#account", "DUE#billing", "DUE#content"];
    assert_eq!(dates().await, [account, account, billing, content]);
    let reply = customer.delete("/v1/organisation", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(dates().await, [account, billing], "the person's own is left");
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(dates().await, [billing]);
}

#[tokio::test]
async fn ctk_6_every_class_on_hold_stays_restricted_when_the_person_or_the_organisation_goes() {
    for (profile, path) in [
        (Profile::Trackr, "/v1/me"),
        (Profile::Casetrakr, "/v1/organisation"),
    ] {
        let world = World::new(profile).await;
        let customer = furnished(&world, "Numbat").await;
        let organisation = customer.get("/v1/organisation").await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut holds = Vec::new();
        for class in ["account", "content"] {
            let unit = format!("{organisation}.{class}");
            let place = json!({ "unit": unit, "reason": "Case 9 before the court" });
            holds.push((unit, world.task_with("holds-place", place).await["hold"].clone()));
        }
        let reply = customer.delete(path, &[]).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        world.settle().await;
        for (unit, hold) in &holds {
            let keys = world.items("keys").await;
            let key = keys
                .iter()
                .find(|key| key["pk"] == format!("UNIT#{unit}").as_str());
            let key = key.unwrap_or_else(|| panic!("{path}: {unit} has lost its key"));
            assert_eq!(key["state"], "restricted", "{path}: {unit}");
            let release = json!({ "unit": unit, "hold": hold });
            world.task_with("holds-release", release).await;
        }
        world.settle().await;
        let keys = with(&world, "keys", &[&format!("UNIT#{organisation}")]).await;
        assert!(
            keys.iter().all(|key| key.ends_with(".billing")),
            "{path}: {keys:?}"
        );
    }
}

#[tokio::test]
async fn who_resumes_while_the_schedule_looks_at_the_organisation_keeps_everything() {
    let world = World::new(Profile::Trackado).await;
    let mut customer = furnished(&world, "Numbat").await;
    let retention = cancel(&customer).await;
    let content = retention
        .iter()
        .find(|class| class["class"] == "content")
        .unwrap();
    world
        .clock
        .set(content["erase_at"].as_str().unwrap().parse().unwrap());
    customer.sign_in().await;
    // The schedule has read which rows are due, and has not yet looked at the first unit.
    let (reached, go_on) = world.pause_at("retention-plan", "GetItem");
    let resume = async {
        reached.notified().await;
        let reply = customer.post("/v1/organisation/resume", &Value::Null).await;
        go_on.notify_one();
        reply
    };
    let (report, resumed) = tokio::join!(world.task("retention-plan"), resume);
    assert_eq!(resumed.status, 200, "{resumed:?}");
    assert_eq!(
        (&report["erased"], &report["stale"]),
        (&json!(0), &json!(1)),
        "{report}"
    );
    let records = customer.get("/v1/records?kind=asset").await;
    assert_eq!(
        (records.status, records.json()["data"].as_array().unwrap().len()),
        (200, 1)
    );
}

/// An organisation of which there is everything that is seldom there when it goes: an API key that was used, access of
/// staff, a mail of the organisation's own that was never sent, and an owner with a passkey.
async fn seldom(profile: Profile) -> (World, Customer) {
    let world = World::new(profile).await;
    let mut customer = world.customer("Ada").await;
    let (_, key) = api_key(&customer, &json!({ "actions": ["records.read"] })).await;
    let reader = world.with_token(key["key"].as_str().unwrap());
    assert_eq!(reader.get("/v1/records?kind=asset").await.status, 200);
    let staff = world.staff("Sam", "support").await;
    let organisation = customer.organisation().await;
    staff
        .ask_for_access(&organisation, &json!({ "reason": "A ticket." }))
        .await;
    world.fail("invitations-create", "SendEmail", ALWAYS, || {
        answer(400, "application/json", "{}".to_owned())
    });
    let reply = crate::members::invite(&customer, "unsent@customer.example", "viewer").await;
    assert_eq!(reply.status, 201, "{reply:?}");
    customer.enrol_passkey().await;
    assert_eq!(seldom_left(&world).await.len(), 6);
    (world, customer)
}

async fn seldom_left(world: &World) -> Vec<String> {
    let mut left = with(world, "core", &["ACCESS#", "APIKEY#", "MAIL#org_"]).await;
    left.extend(with(world, "ephemeral", &["KEYUSE#"]).await);
    left
}

#[tokio::test]
async fn an_organisation_takes_keys_access_and_unsent_mail_along_whichever_way_it_goes() {
    for (profile, path) in [
        (Profile::Trackr, "/v1/me"),
        (Profile::Trackado, "/v1/organisation"),
    ] {
        let (world, customer) = seldom(profile).await;
        let reply = customer.delete(path, &[]).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        assert_eq!(seldom_left(&world).await, [""; 0], "{path}");
    }
    let (world, customer) = seldom(Profile::Trackado).await;
    for class in cancel(&customer).await {
        if let Some(Ok(until)) = class["not_after"].as_str().map(str::parse) {
            world.clock.set(until);
            world.task("retention-plan").await;
            world.task("erasure-purge").await;
        }
    }
    assert_eq!(seldom_left(&world).await, [""; 0], "the schedule");
}
