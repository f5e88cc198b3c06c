//! The operator's staff: who they are, what they see, and what they do not.

use bytes::Bytes;
use functions::gateway::Body;
use functions::registry::{Access, ROUTES, Route};
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::harness::{Client, PASSWORD, Reply, World};
use crate::http::{Site, content_type, sample};
use crate::support::assert_unchanged;

fn body(route: &Route) -> String {
    match route.body {
        Body::None => String::new(),
        Body::Csv(_) => "asset_tag\nX\n".to_owned(),
        Body::Json(_) | Body::MergePatch(_) => sample(route).to_string(),
    }
}

async fn ask(client: &Client, route: &Route, path: &str, body: impl Into<Bytes>) -> Reply {
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    let headers = [
        ("content-type", content_type(route)),
        ("if-match", "\"1\""),
        ("idempotency-key", "staff"),
    ];
    client.send(method, path, &headers, body.into()).await
}

fn of_staff() -> impl Iterator<Item = &'static Route> {
    let all = ROUTES.iter().copied();
    all.filter(|route| matches!(route.access, Access::Staff { .. }))
}

async fn invite(world: &World, email: &str, role: &str) -> Result<Value, String> {
    let input = json!({ "email": email, "name": "Sam Staff", "role": role });
    let budget = jiff::SignedDuration::from_secs(20);
    let done = world.stack.run_task("staff-invite", input, budget).await;
    done.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn g_30_staff_with_one_factor_are_refused_by_every_route_of_theirs() {
    let site = Site::with_staff().await;
    let staff = site.world.recruit("Max", "lead").await;
    let before = site.world.everything().await;
    let mut asked = 0;
    for route in of_staff() {
        let reply = ask(&staff, route, &site.full_path(route), body(route)).await;
        assert_eq!(
            reply.problem(),
            (403, "mfa-required".into(), vec![]),
            "{}: {reply:?}",
            route.name
        );
        asked += 1;
    }
    assert!(asked >= 8, "{asked}");
    assert_unchanged(&before, &site.world.everything().await, "one factor");
}

#[tokio::test]
async fn g_30_staff_are_strangers_to_every_route_of_members() {
    let site = Site::with_staff().await;
    let staff = &site.access.as_ref().unwrap().staff;
    let nothing = staff.get("/v1/nothing").await.anonymised();
    assert_eq!(nothing.0, 404);
    let before = site.world.everything().await;
    let mut asked = 0;
    for route in ROUTES.iter().copied() {
        let Access::Member { action, .. } = route.access else {
            continue;
        };
        if action.is_personal() {
            continue;
        }
        let reply = ask(staff, route, &site.full_path(route), body(route)).await;
        assert_eq!(reply.anonymised(), nothing, "{}: {reply:?}", route.name);
        asked += 1;
    }
    assert!(asked >= 20, "{asked}");
    let reply = staff.delete("/v1/me", &[]).await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
    assert_unchanged(&before, &site.world.everything().await, "strangers");
    assert_eq!(staff.get("/v1/me").await.status, 200);
}

#[tokio::test]
async fn g_30_to_everybody_else_no_route_of_staff_exists_whatever_they_send() {
    let site = Site::with_staff().await;
    let before = site.world.everything().await;
    for route in of_staff() {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let nothing = site
            .customer
            .send(method, "/v1/staff/x/y/z", &[], Bytes::new())
            .await;
        assert_eq!(nothing.problem(), (404, "not-found".into(), vec![]));
        let path = site.full_path(route);
        let large = vec![b'x'; route.body.limit() + 1];
        for (path, body) in [
            (path.clone(), body(route).into_bytes()),
            (path.clone(), Vec::new()),
            (path.clone(), b"{\"x\":1}".to_vec()),
            (path.clone(), large),
            (site.path(route), body(route).into_bytes()),
            (format!("{}?colour=x", site.path(route)), Vec::new()),
        ] {
            let reply = ask(&site.customer, route, &path, body).await;
            assert_eq!(
                reply.anonymised(),
                nothing.anonymised(),
                "{} {path}: {reply:?}",
                route.name
            );
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "routes of staff");
}

#[tokio::test]
async fn staff_find_an_organisation_by_a_members_address_and_see_its_subscription_and_no_person() {
    let site = Site::with_staff().await;
    let (access, organisation) = (site.access.as_ref().unwrap(), &site.organisation);
    let lookup = |email: &str| {
        let (staff, body) = (access.staff.client.clone(), json!({ "email": email }));
        async move { staff.post("/v1/staff/lookup", &body).await.json() }
    };
    assert_eq!(
        lookup("ADA@customer.example").await,
        json!({ "organisations": [organisation] })
    );
    let nobody = json!({ "organisations": [] });
    assert_eq!(lookup("nobody@customer.example").await, nobody);
    assert_eq!(lookup(&access.staff.email).await, nobody, "staff have none");
    let path = format!("/v1/staff/organisations/{organisation}");
    let reply = access.staff.get(&path).await;
    let expected = json!({
        "id": organisation, "name": "Ada Works", "subscription": "trialing", "owners": 1,
        "created_at": crate::harness::START,
    });
    assert_eq!((reply.status, reply.json()), (200, expected));
    for absent in [
        "org_00000000000000000000000000",
        "org_7zzzzzzzzzzzzzzzzzzzzzzzzz",
        "x",
    ] {
        let reply = access
            .staff
            .get(&format!("/v1/staff/organisations/{absent}"))
            .await;
        assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{reply:?}");
    }
}

#[tokio::test]
async fn staff_are_made_by_the_operator_with_a_code_by_mail_and_no_password() {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    let email = "sam@operator.example";
    let invited = invite(&world, email, "support").await.unwrap();
    let user = invited["user"].as_str().unwrap().to_owned();
    assert_eq!(world.subjects(email), ["You are on the staff"]);
    assert!(world.code(email).starts_with(&user));
    let staff = world.of_type("core", "staff_member").await;
    assert_eq!(
        (staff.len(), &staff[0]["role"], &staff[0]["pk"]),
        (1, &json!("support"), &json!(format!("USER#{user}")))
    );
    let belonging = world.of_type("core", "belonging").await;
    let membership = world.of_type("core", "membership").await;
    assert_eq!((belonging.len(), membership.len()), (1, 1), "Ada's alone");
    for password in [PASSWORD, "nobody", ""] {
        let credentials = json!({ "email": email, "password": password });
        let reply = world.anonymous().post("/v1/auth/login", &credentials).await;
        assert_eq!(reply.problem().0, 401, "{reply:?}");
    }
    let before = world.everything().await;
    let twice = invite(&world, email, "lead").await.unwrap_err();
    assert!(twice.contains("staff already"), "{twice}");
    let taken = invite(&world, &customer.email, "lead").await.unwrap_err();
    assert!(taken.contains("customer's account"), "{taken}");
    let wrong = invite(&world, "lou@operator.example", "owner").await.unwrap_err();
    assert!(wrong.contains("/role"), "{wrong}");
    assert_unchanged(&before, &world.everything().await, "refusals");
}

#[tokio::test]
async fn c_09_who_is_removed_from_the_staff_is_out_with_the_next_request_and_finds_no_old_access_again() {
    let mut site = Site::with_staff().await;
    let mut access = site.access.take().unwrap();
    let records = format!(
        "/v1/staff/organisations/{}/access/{}/records?kind=asset",
        site.organisation, access.id
    );
    assert_eq!(access.staff.get(&records).await.status, 200);
    let user = access.staff.user().await;
    let removed = site
        .world
        .task_with("staff-remove", json!({ "user_id": user }))
        .await;
    assert_eq!(removed["removed"], json!(user));
    for path in [records.as_str(), "/v1/me"] {
        assert_eq!(access.staff.get(path).await.problem().0, 401);
    }
    // The person still has an account, and it is nobody's.
    access.staff.sign_in().await;
    let reply = access.staff.get(&records).await;
    assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{reply:?}");
    site.world.advance(1);
    invite(&site.world, &access.staff.email, "lead").await.unwrap();
    let reply = access.staff.get(&records).await;
    assert_eq!(reply.problem(), (403, "forbidden".into(), vec![]), "{reply:?}");
    let budget = jiff::SignedDuration::from_secs(20);
    let customer = site.customer.user().await;
    for nobody in [customer.as_str(), "user_00000000000000000000000001"] {
        let input = json!({ "user_id": nobody });
        let done = site.world.stack.run_task("staff-remove", input, budget).await;
        assert!(format!("{:?}", done.unwrap_err()).contains("NotFound"));
    }
    assert_eq!(site.customer.get("/v1/me").await.status, 200);
}

#[tokio::test]
async fn the_account_of_who_left_the_staff_goes_when_the_policy_says_and_stays_for_who_came_back() {
    for profile in Profile::ALL {
        leaves_and_comes_back(profile).await;
    }
}

async fn leaves_and_comes_back(profile: Profile) {
    let world = World::new(profile).await;
    let sam = world.staff("Sam", "support").await;
    let user = sam.user().await;
    world.task_with("staff-remove", json!({ "user_id": user })).await;
    let unit = |world: &World| {
        let (user, items) = (user.clone(), world.stack.clone());
        async move {
            let items = items.items("control").await.unwrap();
            let row = items
                .into_iter()
                .find(|item| item["unit"] == json!(user) && item["t"] == "unit");
            row.unwrap()["erase_at"].clone()
        }
    };
    assert!(unit(&world).await.is_string(), "{profile}");
    invite(&world, &sam.email, "support").await.unwrap();
    assert!(!unit(&world).await.is_string());
}
