//! Domains of organisations: proved by a record that only their owner can publish.

use http::Method;
use local::names::Records;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::colleagues::kinds;
use crate::harness::{Client, Customer, Reply, World};
use crate::sign_on::Setting;
use crate::support::{assert_unchanged, together};

const PATH: &str = "/v1/organisation/domains";

/// The path of a domain.
fn path(domain: &Value) -> String {
    format!("{PATH}/{}", domain["id"].as_str().unwrap())
}

/// Adds a domain, which is not proved, and gives it.
pub async fn add(client: &Client, name: &str) -> Value {
    let reply = client.post(PATH, &json!({ "name": name })).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

async fn verify(client: &Client, domain: &Value) -> Reply {
    client
        .send(Method::POST, &format!("{}/verify", path(domain)), &[], "".into())
        .await
}

impl World {
    /// Publishes texts at a name.
    fn publish(&self, name: &str, texts: &[&str]) {
        let txt = texts.iter().map(|text| (*text).to_owned()).collect();
        let addresses = Vec::new();
        self.stack.names().set(name, Records { txt, addresses });
    }

    /// Publishes what proves a domain.
    fn publish_challenge(&self, domain: &Value) {
        let text = |name: &str| domain["record"][name].as_str().unwrap();
        self.publish(text("name"), &[text("value")]);
    }

    /// Adds a domain, and proves it.
    pub async fn prove(&self, client: &Client, name: &str) -> Value {
        let domain = add(client, name).await;
        self.publish_challenge(&domain);
        let reply = verify(client, &domain).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

fn is_conflict(reply: &Reply, part: &str) {
    assert_eq!(
        reply.problem(),
        (409, "conflict".into(), vec![String::new()]),
        "{reply:?}"
    );
    assert!(reply.text("detail").contains(part), "{part}: {reply:?}");
}

async fn setting() -> (World, Customer) {
    let world = World::new(Profile::Trackado).await;
    let customer = world.customer("Ada").await;
    (world, customer)
}

#[tokio::test]
async fn a_domain_is_proved_by_its_own_record_and_by_nothing_else() {
    let (world, customer) = setting().await;
    let domain = add(&customer, " Customer.EXAMPLE ").await;
    let value = domain["record"]["value"].as_str().unwrap().to_owned();
    let token = value.strip_prefix("trackwell-domain-verification=").unwrap();
    assert_eq!(token.len(), 43, "256 bits");
    let mut expected = json!({
        "id": domain["id"], "name": "customer.example", "created_by": customer.user().await,
        "created_at": world.now().to_string(),
        "record": { "name": "_trackwell-challenge.customer.example", "type": "TXT", "value": value },
    });
    assert_eq!(domain, expected);
    is_conflict(
        &verify(&customer, &domain).await,
        "There is no TXT record at _trackwell-challenge.customer.example",
    );

    let near = [
        token,
        &value[..value.len() - 1],
        &value.to_uppercase(),
        &format!("{value} "),
        "v=spf1 -all",
    ];
    world.publish("_trackwell-challenge.customer.example", &near);
    let other = verify(&customer, &domain).await;
    is_conflict(&other, "(5)");
    assert!(
        !other.text("detail").contains("spf1"),
        "strangers wrote it: {other:?}"
    );
    world.publish("customer.example", &[&value]);
    is_conflict(&verify(&customer, &domain).await, "(5)");
    for item in world.of_type("core", "domain").await {
        assert!(item.get("verified_at").is_none(), "{item}");
    }

    let before = [near[4], &value];
    world.publish("_trackwell-challenge.customer.example", &before);
    world.advance(60);
    let proved = verify(&customer, &domain).await;
    expected["verified_at"] = json!(world.now().to_string());
    assert_eq!((proved.status, proved.json()), (200, expected.clone()));
    world.publish("_trackwell-challenge.customer.example", &[]);
    let again = verify(&customer, &domain).await;
    assert_eq!(
        (again.status, again.json()),
        (200, expected.clone()),
        "it was proved once"
    );
    let list = customer.get(PATH).await;
    assert_eq!((list.status, list.json()), (200, json!({ "data": [expected] })));

    for (place, bytes) in world.stack.raw_bytes().await.unwrap() {
        let found = bytes
            .windows(token.len())
            .any(|window| window == token.as_bytes());
        assert!(!found, "{place}");
    }
    world.advance(1);
    assert_eq!(customer.delete(&path(&domain), &[]).await.status, 204);
    assert_eq!(customer.delete(&path(&domain), &[]).await.problem().0, 404);
    assert_eq!(world.of_type("core", "domain_guard").await, [Value::Null; 0]);
    let log = customer.get("/v1/organisation/activity").await.json();
    let kinds: Vec<_> = kinds(&log)
        .into_iter()
        .filter(|kind| kind.starts_with("domain"))
        .collect();
    assert_eq!(
        kinds,
        ["domain_removed", "domain_verified", "domain_added"],
        "{log}"
    );
}

#[tokio::test]
async fn a_domain_is_one_organisations_until_it_lets_it_go_or_is_erased() {
    let (world, ada) = setting().await;
    let grace = world.customer("Grace").await;
    let first = world.prove(&ada, "shared.example").await;
    let second = add(&grace, "shared.example").await;
    world.publish_challenge(&second);
    let before = world.of_type("core", "domain_guard").await;
    is_conflict(&verify(&grace, &second).await, "Another organisation has proved");
    assert_eq!(world.of_type("core", "domain_guard").await, before);
    assert_eq!(ada.delete(&path(&first), &[]).await.status, 204);
    assert_eq!(verify(&grace, &second).await.status, 200);

    let closed = grace.delete("/v1/organisation", &[]).await;
    assert_eq!(closed.status, 202, "{closed:?}");
    assert_eq!(world.of_type("core", "domain_guard").await, [Value::Null; 0]);
    world.prove(&ada, "shared.example").await;
    world.settle().await;
    assert_eq!(world.of_type("core", "domain").await.len(), 1);
    assert_eq!(world.of_type("core", "domain_guard").await.len(), 1);
}

/// How many guards of domains, of passkeys and of identities there are.
async fn guards(world: &World) -> [usize; 3] {
    let of = async |name| world.of_type("core", name).await.len();
    [
        of("domain_guard").await,
        of("passkey_guard").await,
        of("identity_guard").await,
    ]
}

/// A world in which somebody with a passkey and an identity has a proved domain.
async fn guarded(profile: Profile) -> (World, Customer) {
    let world = World::new(profile).await;
    let mut customer = world.customer("Ada").await;
    customer.enrol_passkey().await;
    let setting = Setting::of(world, customer).await;
    setting.link(&setting.owner).await;
    assert_eq!(guards(&setting.world).await, [1; 3]);
    (setting.world, setting.owner)
}

#[tokio::test]
async fn the_guards_of_domains_passkeys_and_identities_go_with_an_account_that_is_deleted() {
    let (world, customer) = guarded(Profile::Trackr).await;
    let deleted = customer.delete("/v1/me", &[]).await;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    assert_eq!(guards(&world).await, [0; 3]);
}

#[tokio::test]
async fn the_guards_of_domains_passkeys_and_identities_go_when_their_period_is_over() {
    let (world, customer) = guarded(Profile::Trackado).await;
    let cancelled = customer.post("/v1/organisation/cancel", &Value::Null).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    world.advance(2 * 366 * 24 * 3_600);
    world.settle().await;
    assert_eq!(guards(&world).await, [0; 3]);
}

#[tokio::test]
async fn the_guards_of_domains_passkeys_and_identities_go_with_the_last_hold() {
    let (world, customer) = guarded(Profile::Trackr).await;
    let units = [
        customer.user().await,
        format!("{}.account", customer.organisation().await),
    ];
    let mut holds = Vec::new();
    for unit in units {
        let placed = json!({ "unit": unit, "reason": "Case 9" });
        let placed = world.task_with("holds-place", placed).await;
        holds.push(json!({ "unit": unit, "hold": placed["hold"] }));
    }
    let deleted = customer.delete("/v1/me", &[]).await;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    assert_eq!(guards(&world).await, [1; 3]);
    for hold in holds {
        world.task_with("holds-release", hold).await;
    }
    world.settle().await;
    assert_eq!(guards(&world).await, [0; 3]);
}

#[tokio::test]
async fn of_two_organisations_that_prove_a_domain_at_one_moment_one_has_it() {
    let (world, ada) = setting().await;
    let grace = world.customer("Grace").await;
    for round in 0..4 {
        let name = format!("shared{round}.example");
        let mut tries = Vec::new();
        let mut texts = Vec::new();
        for client in [&ada.client, &grace.client] {
            let domain = add(client, &name).await;
            texts.push(domain["record"]["value"].as_str().unwrap().to_owned());
            tries.push((client.clone(), domain));
        }
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        world.publish(&format!("_trackwell-challenge.{name}"), &texts);
        let mut statuses = together(4, |index| {
            let (client, domain) = tries[index % 2].clone();
            async move { verify(&client, &domain).await.status }
        })
        .await;
        // Who asks twice at one moment is told that it changed meanwhile, and finds it proved.
        let second = [
            verify(&tries[0].0, &tries[0].1).await.status,
            verify(&tries[1].0, &tries[1].1).await.status,
        ];
        assert!(matches!(second, [200, 409] | [409, 200]), "{round}: {second:?}");
        statuses.retain(|status| !matches!(status, 200 | 409 | 412));
        assert_eq!(statuses, [0; 0], "{round}");
        assert_eq!(world.of_type("core", "domain_guard").await.len(), round + 1);
    }
}

#[tokio::test]
async fn a_domain_stands_once_in_an_organisation_however_it_is_spelled_and_twenty_are_enough() {
    let (_world, customer) = setting().await;
    add(&customer, "bücher.example").await;
    for name in ["xn--bcher-kva.example", "BÜCHER.example"] {
        let reply = customer.post(PATH, &json!({ "name": name })).await;
        assert_eq!(
            reply.problem(),
            (409, "conflict".into(), vec!["/name".into()]),
            "{name}"
        );
    }
    for name in ["com", "127.0.0.1", "https://a.example", "a_b.example", ""] {
        let reply = customer.post(PATH, &json!({ "name": name })).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["/name".into()]),
            "{name}"
        );
    }
    for index in 0..18 {
        add(&customer, &format!("d{index}.example")).await;
    }
    let mut statuses = together(2, |index| {
        let (client, name) = (customer.client.clone(), format!("last{index}.example"));
        async move { client.post(PATH, &json!({ "name": name })).await.status }
    })
    .await;
    statuses.sort_unstable();
    assert!(matches!(statuses[..], [201, 409 | 412]), "{statuses:?}");
    let listed = customer.get(PATH).await.json()["data"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(listed.len(), 20);
    is_conflict(
        &customer.post(PATH, &json!({ "name": "more.example" })).await,
        "at most 20",
    );
    assert_eq!(customer.delete(&path(&listed[7]), &[]).await.status, 204);
    add(&customer, "more.example").await;
}

#[tokio::test]
async fn name_servers_that_do_not_answer_prove_nothing_and_thirty_tries_an_hour_are_enough() {
    let (world, customer) = setting().await;
    let domain = add(&customer, "customer.example").await;
    for _ in 0..29 {
        is_conflict(&verify(&customer, &domain).await, "There is no TXT record");
    }
    let silent = tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    world
        .stack
        .redeploy_with("DNS_SERVER", &silent.local_addr().unwrap().to_string());
    is_conflict(&verify(&customer, &domain).await, "do not answer");
    let limited = verify(&customer, &domain).await;
    assert_eq!(
        limited.problem(),
        (429, "too-many-requests".into(), vec![]),
        "{limited:?}"
    );
    assert!(limited.header("retry-after").is_some());
    let grace = world.customer("Grace").await;
    let other = add(&grace, "other.example").await;
    is_conflict(&verify(&grace, &other).await, "do not answer");
}

#[tokio::test]
async fn a_domain_of_another_organisation_is_not_there() {
    let (world, customer) = setting().await;
    let domain = add(&customer, "customer.example").await;
    world.publish_challenge(&domain);
    let mallory = world.customer("Mallory").await;
    let before = world.everything().await;
    for domain in [domain, json!({ "id": "domain_00000000000000000000000001" })] {
        assert_eq!(
            verify(&mallory, &domain).await.problem(),
            (404, "not-found".into(), vec![]),
            "{domain}"
        );
        let reply = mallory.delete(&path(&domain), &[]).await;
        assert_eq!(reply.problem(), (404, "not-found".into(), vec![]), "{domain}");
    }
    assert_eq!(mallory.get(PATH).await.json(), json!({ "data": [] }));
    assert_unchanged(&before, &world.everything().await, "a stranger");
}
