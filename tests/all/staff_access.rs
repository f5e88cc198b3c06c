//! Exceptional access of staff to an organisation's records: asked for, allowed, used, ended, and seen by the owners.

use local::Fault;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Customer, Reply, World};
use crate::support::{ALWAYS, assert_unchanged, refusal, together};

/// A customer with two assets and an employee, somebody of the support and two leads.
struct Desk {
    world: World,
    customer: Customer,
    organisation: String,
    assets: Vec<String>,
    employee: String,
    sam: Customer,
    lou: Customer,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new(Profile::Trackado).await;
        let customer = world.customer("Ada").await;
        let mut assets = vec![customer.asset(json!({ "asset_tag": "LT-1" })).await];
        // Records of one millisecond lie in no order.
        world.advance(1);
        assets.push(customer.asset(json!({ "asset_tag": "LT-2" })).await);
        let employee = json!({ "kind": "employee", "fields": { "first_name": "Grace" } });
        let employee = customer.post("/v1/records", &employee).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            organisation: customer.organisation().await,
            sam: world.staff("Sam", "support").await,
            lou: world.staff("Lou", "lead").await,
            world,
            customer,
            assets,
            employee,
        }
    }

    fn path(&self, access: &str, rest: &str) -> String {
        format!(
            "/v1/staff/organisations/{}/access/{access}{rest}",
            self.organisation
        )
    }

    async fn asked(&self, wanted: Value) -> String {
        self.sam.ask_for_access(&self.organisation, &wanted).await
    }

    async fn approved(&self, wanted: Value) -> String {
        let id = self.asked(wanted).await;
        let reply = self.customer.decide(&id, "approve").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        id
    }

    async fn approve(&self, staff: &Customer, access: &str) -> Reply {
        staff.post(&self.path(access, "/approve"), &Value::Null).await
    }

    async fn record(&self, access: &str, record: &str) -> Reply {
        let path = self.path(access, &format!("/records/{record}"));
        self.sam.get(&path).await
    }

    /// Kind, actor and object of the entries of the organisation's log that are about access, in the order of their ids.
    async fn log(&self) -> Vec<(String, String, String)> {
        let partition = json!(format!("ACTIVITY#{}", self.organisation));
        let mut items = self.world.of_type("ephemeral", "organisation_activity").await;
        items.sort_by_key(|item| item["sk"].as_str().unwrap().to_owned());
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        items
            .iter()
            .filter(|item| item["pk"] == partition)
            .map(|item| (text(item, "kind"), text(item, "actor"), text(item, "object")))
            .filter(|(kind, ..)| kind.starts_with("access_"))
            .collect()
    }

    async fn sign_in(&mut self) {
        self.customer.sign_in().await;
        for staff in [&mut self.sam, &mut self.lou] {
            staff.sign_in().await;
        }
    }
}

fn wanted() -> Value {
    json!({ "reason": "Ticket 7: the tag of a laptop is wrong." })
}

fn forbidden(reply: &Reply) {
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
}

#[tokio::test]
async fn g_30_q_02_a_second_lead_allows_access_and_the_owner_sees_who_asked_why_and_each_record_that_was_read()
 {
    let desk = Desk::new().await;
    let id = desk.asked(wanted()).await;
    forbidden(&desk.record(&id, &desk.assets[0]).await);
    forbidden(&desk.approve(&desk.sam, &id).await);
    let reply = desk.lou.get(&desk.path(&id, "")).await;
    assert_eq!(
        (reply.status, &reply.json()["reason"]),
        (200, &wanted()["reason"])
    );
    let reply = desk.approve(&desk.lou, &id).await;
    assert_eq!(
        (reply.status, &reply.json()["state"], &reply.json()["expires_at"]),
        (200, &json!("approved"), &json!("2026-11-23T13:00:01Z"))
    );
    let reply = desk.record(&id, &desk.assets[0]).await;
    assert_eq!(
        (reply.status, &reply.json()["fields"]["asset_tag"]),
        (200, &json!("LT-1"))
    );
    desk.world.advance(1);
    let reply = desk.sam.get(&desk.path(&id, "/records?kind=asset")).await;
    assert_eq!(
        (reply.status, reply.json()["data"].as_array().unwrap().len()),
        (200, 2)
    );
    desk.world.advance(1);
    let reply = desk.sam.get(&desk.path(&id, "/records?kind=domain")).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "data": [] })));

    let (sam, lou) = (desk.sam.user().await, desk.lou.user().await);
    let list = desk.customer.get("/v1/organisation/access").await;
    let expected = json!({ "data": [{
        "id": id, "state": "approved", "requested_by": sam, "requested_at": "2026-11-23T12:00:01Z",
        "reason": wanted()["reason"], "minutes": 60, "decided_by": lou, "decided_at": "2026-11-23T12:00:01Z",
        "expires_at": "2026-11-23T13:00:01Z",
    }] });
    assert_eq!((list.status, list.json()), (200, expected));
    let mut log = desk.log().await;
    // Entries of one millisecond have no order.
    log.sort();
    let entry =
        |kind: &str, actor: &str, object: &str| (kind.to_owned(), actor.to_owned(), object.to_owned());
    let mut expected = vec![
        entry("access_requested", &sam, &id),
        entry("access_approved", &lou, &id),
        entry("access_used", &sam, &desk.assets[0]),
        entry("access_used", &sam, &desk.assets[0]),
        entry("access_used", &sam, &desk.assets[1]),
        entry("access_used", &sam, &id),
    ];
    expected.sort();
    assert_eq!(log, expected);
    let mails: Vec<_> = desk.world.subjects(&desk.customer.email).split_off(1);
    assert_eq!(
        mails,
        [
            "Our staff ask for access to your records",
            "Our staff have access to your records"
        ]
    );
    for mail in &desk.world.stack.mails().messages()[..] {
        if mail.is_for(&desk.customer.email) && mail.subject.starts_with("Our staff") {
            let text = mail.text.as_deref().unwrap();
            assert!(
                text.contains("Ticket 7: the tag") && text.contains(&id) && text.contains(&sam),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn g_30_nobody_allows_their_own_request_and_nobody_uses_somebody_elses() {
    let desk = Desk::new().await;
    let path = format!("/v1/staff/organisations/{}/access", desk.organisation);
    let own = desk.lou.post(&path, &wanted()).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = desk.world.everything().await;
    forbidden(&desk.approve(&desk.lou, &own).await);
    assert_unchanged(&before, &desk.world.everything().await, "one's own request");
    assert_eq!(desk.customer.decide(&own, "approve").await.status, 200);
    let before = desk.world.everything().await;
    for rest in ["/records?kind=asset", &format!("/records/{}", desk.assets[0])] {
        forbidden(&desk.sam.get(&desk.path(&own, rest)).await);
    }
    forbidden(&desk.sam.post(&desk.path(&own, "/end"), &Value::Null).await);
    assert_unchanged(&before, &desk.world.everything().await, "somebody else's access");
    // In another organisation there is no such access.
    let mallory = desk.world.customer("Mallory").await;
    let other = mallory.organisation().await;
    let path = format!("/v1/staff/organisations/{other}/access/{own}/records?kind=asset");
    assert_eq!(
        desk.lou.get(&path).await.problem(),
        (404, "not-found".into(), vec![])
    );
    let reply = mallory.decide(&own, "end").await;
    assert_eq!(reply.problem(), (404, "not-found".into(), vec![]));
}

#[tokio::test]
async fn g_30_access_is_over_when_it_was_refused_ended_or_its_time_has_come() {
    let mut desk = Desk::new().await;
    let record = desk.assets[0].clone();
    let refused = desk.asked(wanted()).await;
    assert_eq!(desk.customer.decide(&refused, "refuse").await.status, 200);
    forbidden(&desk.record(&refused, &record).await);

    let ended = desk.approved(wanted()).await;
    assert_eq!(desk.record(&ended, &record).await.status, 200);
    assert_eq!(desk.customer.decide(&ended, "end").await.status, 200);
    forbidden(&desk.record(&ended, &record).await);

    let given_back = desk.approved(wanted()).await;
    let end = desk.path(&given_back, "/end");
    assert_eq!(desk.sam.post(&end, &Value::Null).await.status, 200);
    forbidden(&desk.record(&given_back, &record).await);

    let by_lead = desk.approved(wanted()).await;
    let end = desk.path(&by_lead, "/end");
    assert_eq!(desk.lou.post(&end, &Value::Null).await.status, 200);
    forbidden(&desk.record(&by_lead, &record).await);

    let short = desk
        .approved(json!({ "reason": "Ticket 8.", "minutes": 1 }))
        .await;
    let waits = desk.asked(wanted()).await;
    desk.world.advance(59);
    assert_eq!(desk.record(&short, &record).await.status, 200);
    desk.world.advance(1);
    forbidden(&desk.record(&short, &record).await);
    let expired = (409, "conflict".to_owned(), vec![String::new()]);
    assert_eq!(desk.customer.decide(&short, "end").await.problem(), expired);

    desk.world.advance(72 * 3_600);
    desk.sign_in().await;
    for id in [&refused, &ended, &given_back, &by_lead, &short, &waits] {
        let before = desk.world.everything().await;
        assert_eq!(desk.approve(&desk.lou, id).await.problem(), expired, "{id}");
        for decision in ["approve", "refuse", "end"] {
            let reply = desk.customer.decide(id, decision).await;
            assert_eq!(reply.problem(), expired, "{id} {decision}: {reply:?}");
        }
        assert_unchanged(&before, &desk.world.everything().await, "what is over");
    }
    let subjects = desk.world.subjects(&desk.customer.email);
    let count = |subject: &str| subjects.iter().filter(|found| found.ends_with(subject)).count();
    assert_eq!((count("was refused"), count("has ended")), (1, 3), "{subjects:?}");
    let list = desk.customer.get("/v1/organisation/access").await.json();
    let mut states: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["state"].clone())
        .collect();
    states.sort_by_key(Value::to_string);
    assert_eq!(
        states,
        ["ended", "ended", "ended", "expired", "expired", "refused"]
    );
}

#[tokio::test]
async fn g_30_access_is_for_what_was_asked_only() {
    let desk = Desk::new().await;
    let assets = desk
        .approved(json!({ "reason": "Ticket.", "kinds": ["asset"] }))
        .await;
    let one = desk
        .approved(json!({ "reason": "Ticket.", "record_id": desk.assets[1] }))
        .await;
    assert_eq!(desk.record(&assets, &desk.assets[0]).await.status, 200);
    assert_eq!(desk.record(&one, &desk.assets[1]).await.status, 200);
    let before = desk.world.everything().await;
    forbidden(&desk.record(&assets, &desk.employee).await);
    forbidden(&desk.record(&one, &desk.assets[0]).await);
    forbidden(&desk.record(&one, &desk.employee).await);
    for (access, kind) in [(&assets, "employee"), (&one, "asset"), (&one, "employee")] {
        forbidden(
            &desk
                .sam
                .get(&desk.path(access, &format!("/records?kind={kind}")))
                .await,
        );
    }
    let absent = "asset_7zzzzzzzzzzzzzzzzzzzzzzzzz";
    let reply = desk.record(&assets, absent).await;
    assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{reply:?}");
    assert_unchanged(&before, &desk.world.everything().await, "what was not asked for");
    for (body, pointers) in [
        (json!({ "reason": "x", "minutes": 0 }), vec!["/minutes"]),
        (json!({ "reason": "x", "minutes": 481 }), vec!["/minutes"]),
        (json!({ "reason": "x", "kinds": [] }), vec!["/kinds"]),
        (
            json!({ "reason": "x", "kinds": ["asset"], "record_id": desk.employee }),
            vec!["/record_id"],
        ),
        (json!({ "reason": "" }), vec!["/reason"]),
        (json!({}), vec!["/reason"]),
    ] {
        let path = format!("/v1/staff/organisations/{}/access", desk.organisation);
        let reply = desk.sam.post(&path, &body).await;
        let pointers: Vec<_> = pointers.into_iter().map(str::to_owned).collect();
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), pointers),
            "{body}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn q_02_what_cannot_be_logged_is_not_shown_and_what_ends_meanwhile_neither() {
    let desk = Desk::new().await;
    let id = desk.approved(wanted()).await;
    let list = desk.path(&id, "/records?kind=asset");
    let before = desk.world.everything().await;
    for function in ["access-records-get", "access-records-list"] {
        let refused = || refusal(400, "AccessDeniedException", &Value::Null);
        for fault in [refused as fn() -> Fault, || Fault::DropBefore] {
            let _failed = desk.world.fail(function, "TransactWriteItems", ALWAYS, fault);
            let reply = if function == "access-records-get" {
                desk.record(&id, &desk.assets[0]).await
            } else {
                desk.sam.get(&list).await
            };
            desk.world.stack.clear_fault();
            assert!(matches!(reply.problem().0, 500 | 503), "{reply:?}");
            assert!(!String::from_utf8_lossy(&reply.body).contains("LT-1"));
        }
    }
    assert_unchanged(&before, &desk.world.everything().await, "what was not logged");
    let (reached, go_on) = desk.world.pause_at("access-records-get", "TransactWriteItems");
    let (reply, ()) = tokio::join!(desk.record(&id, &desk.assets[0]), async {
        reached.notified().await;
        assert_eq!(desk.customer.decide(&id, "end").await.status, 200);
        go_on.notify_one();
    });
    forbidden(&reply);
    assert!(desk.log().await.iter().all(|(kind, ..)| kind != "access_used"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_decisions_at_once_one_happens() {
    let desk = Desk::new().await;
    let id = desk.asked(wanted()).await;
    let path = format!("/v1/organisation/access/{id}/decision");
    let replies = together(16, |n| {
        let (client, path) = (desk.customer.client.clone(), path.clone());
        let decision = if n % 2 == 0 { "approve" } else { "refuse" };
        async move { client.post(&path, &json!({ "decision": decision })).await }
    })
    .await;
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(done, 1, "{replies:?}");
    assert!(
        replies.iter().all(|reply| matches!(reply.status, 200 | 409)),
        "{replies:?}"
    );
    assert_eq!(desk.log().await.len(), 2, "the request and one decision");
    assert_eq!(desk.world.subjects(&desk.customer.email).len(), 3);
}

#[tokio::test]
async fn lists_of_access_and_under_access_come_in_pages_and_each_page_is_logged_alone() {
    let desk = Desk::new().await;
    let first = desk.approved(wanted()).await;
    desk.world.advance(1);
    let second = desk.approved(wanted()).await;
    let path = "/v1/organisation/access?limit=1";
    let page = desk.customer.get(path).await;
    assert_eq!(page.json()["data"][0]["id"], json!(second), "newest first");
    assert!(page.header("link").unwrap().contains("cursor="));
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    let page = desk.customer.get(&format!("{path}&cursor={cursor}")).await;
    assert_eq!(page.json()["data"][0]["id"], json!(first));

    let path = desk.path(&first, "/records?kind=asset&limit=1");
    let page = desk.sam.get(&path).await;
    let used = |log: Vec<(String, String, String)>| -> Vec<String> {
        let used = log.into_iter().filter(|(kind, ..)| kind == "access_used");
        used.map(|(.., object)| object).collect()
    };
    assert_eq!(used(desk.log().await), [desk.assets[0].clone()]);
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    desk.world.advance(1);
    let page = desk.sam.get(&format!("{path}&cursor={cursor}")).await;
    assert_eq!(page.json()["data"][0]["id"], json!(desk.assets[1]));
    assert_eq!(used(desk.log().await), desk.assets);
    for other in [
        desk.path(&second, &format!("/records?kind=asset&cursor={cursor}")),
        desk.path(&first, &format!("/records?kind=employee&cursor={cursor}")),
        desk.path(&first, "/records?kind=asset&cursor=AAAA"),
    ] {
        let reply = desk.sam.get(&other).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["?cursor".into()]),
            "{reply:?}"
        );
    }
    for limit in ["0", "51", "x", ""] {
        let reply = desk
            .sam
            .get(&desk.path(&first, &format!("/records?kind=asset&limit={limit}")))
            .await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["?limit".into()]),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn to_ask_and_to_decide_takes_a_recent_sign_in() {
    let mut desk = Desk::new().await;
    let id = desk.asked(wanted()).await;
    desk.world.advance(301);
    let stale = (403, "step-up-required".to_owned(), vec![]);
    let path = format!("/v1/staff/organisations/{}/access", desk.organisation);
    assert_eq!(desk.sam.post(&path, &wanted()).await.problem(), stale);
    assert_eq!(desk.approve(&desk.lou, &id).await.problem(), stale);
    assert_eq!(desk.customer.decide(&id, "approve").await.problem(), stale);
    desk.sign_in().await;
    assert_eq!(desk.approve(&desk.lou, &id).await.status, 200);
}

#[tokio::test]
async fn g_30_with_the_organisation_its_access_is_gone() {
    let desk = Desk::new().await;
    let id = desk.approved(wanted()).await;
    assert_eq!(desk.world.of_type("core", "access_grant").await.len(), 1);
    let closed = desk.customer.delete("/v1/organisation", &[]).await;
    assert_eq!(closed.status, 202, "{closed:?}");
    let record = format!("/records/{}", desk.assets[0]);
    for rest in ["", "/records?kind=asset", &record] {
        let reply = desk.sam.get(&desk.path(&id, rest)).await;
        assert_eq!(reply.problem().0, 410, "{reply:?}");
        let erasure = closed.json()["erasure_id"].as_str().unwrap().to_owned();
        assert!(reply.json()["detail"].as_str().unwrap().contains(&erasure));
    }
    let path = format!("/v1/staff/organisations/{}", desk.organisation);
    assert_eq!(desk.lou.get(&path).await.problem().0, 410);
    let reply = desk.sam.post(&format!("{path}/access"), &wanted()).await;
    assert_eq!(reply.problem().0, 410, "{reply:?}");
    desk.world.settle().await;
    assert_eq!(desk.world.of_type("core", "access_grant").await.len(), 0);
    let left = desk.world.of_type("ephemeral", "organisation_activity").await;
    let partition = json!(format!("ACTIVITY#{}", desk.organisation));
    assert!(left.iter().all(|item| item["pk"] != partition));
}
