//! Bad input: every route, every way in which a request can be wrong; each gets its problem and changes nothing.

use std::collections::BTreeSet;

use bytes::Bytes;
use functions::gateway::Body;
use functions::registry::{ROUTES, Route};
use http::Method;
use serde_json::{Value, json};
use shared::policy::Profile;

use crate::connections::connect;
use crate::domains::add;
use crate::harness::{Customer, PASSWORD, Reply, World, announcement};
use crate::members::{id_of, invite};
use crate::support::assert_unchanged;

/// A world with one customer who has one of everything.
pub struct Site {
    pub world: World,
    pub customer: Customer,
    pub record: String,
    pub employee: String,
    pub attachment: String,
    pub import: String,
    pub access: Option<Access>,
    pub member: String,
    pub invitation: String,
    pub role: String,
    pub organisation: String,
    pub session: String,
    pub service: String,
    pub key: String,
    pub connection: String,
    pub domain: String,
}

/// What routes for staff need: somebody of the staff, and access that runs.
pub struct Access {
    pub staff: Customer,
    pub id: String,
}

impl Site {
    pub async fn new() -> Self {
        let world = World::new(Profile::Trackado).await;
        let customer = world.customer("Ada").await;
        Self::of(world, customer).await
    }

    async fn of(world: World, customer: Customer) -> Self {
        let record = customer
            .asset(json!({ "asset_tag": "LT-1", "serial": "S-1" }))
            .await;
        let employee = json!({ "kind": "employee", "fields": { "first_name": "Grace" } });
        let employee = customer.post("/v1/records", &employee).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let attachment = customer.attach(&record, "note.txt", "a note\n").await;
        let billing = json!({ "name": "Ada Works" });
        assert_eq!(
            customer
                .json(Method::PUT, "/v1/organisation/billing", &billing, &[])
                .await
                .status,
            200
        );
        let import = import(&customer, "site", "asset_tag\nIMPORTED-1\n").await;
        assert_eq!(import.status, 201, "{import:?}");
        let import = import.json()["id"].as_str().unwrap().to_owned();
        let member = world.joined(&customer, "Grace", "member").await;
        let invitation = invite(&customer, "hedy@customer.example", "viewer").await;
        assert_eq!(invitation.status, 201, "{invitation:?}");
        let role = json!({ "name": "Auditor", "actions": ["records.read", "activity.read"] });
        let role = customer.post("/v1/roles", &role).await;
        assert_eq!(role.status, 201, "{role:?}");
        let organisation = customer.get("/v1/organisation").await;
        let session = customer.get("/v1/me/sessions").await.json()["data"][0]["id"].clone();
        let (service, created) = api_key(&customer, &json!({ "actions": ["records.read"] })).await;
        let connection = connect(&customer, world.provider().await.as_ref()).await;
        let domain = add(&customer, "customer.example").await;
        Self {
            member: id_of(&member).await,
            invitation: invitation.json()["id"].as_str().unwrap().to_owned(),
            role: role.json()["id"].as_str().unwrap().to_owned(),
            organisation: organisation.json()["id"].as_str().unwrap().to_owned(),
            session: session.as_str().unwrap().to_owned(),
            service,
            key: created["id"].as_str().unwrap().to_owned(),
            connection: connection["id"].as_str().unwrap().to_owned(),
            domain: domain["id"].as_str().unwrap().to_owned(),
            world,
            customer,
            record,
            employee,
            attachment,
            import,
            access: None,
        }
    }

    /// The same with one of the operator's staff, who has access to the customer's records.
    pub async fn with_staff() -> Self {
        let mut site = Self::new().await;
        let staff = site.world.staff("Lou", "lead").await;
        let id = staff
            .ask_for_access(&site.organisation, &json!({ "reason": "A ticket." }))
            .await;
        let decision = site.customer.decide(&id, "approve").await;
        assert_eq!(decision.status, 200, "{decision:?}");
        site.access = Some(Access { staff, id });
        site
    }

    /// The path of a route with the ids of what is there.
    pub fn path(&self, route: &Route) -> String {
        let path = route
            .path
            .replace("{record_id}", &self.record)
            .replace("{attachment_id}", &self.attachment)
            .replace("{session_id}", &self.session)
            .replace("{service_account_id}", &self.service)
            .replace("{key_id}", &self.key)
            .replace("{connection_id}", &self.connection)
            .replace("{domain_id}", &self.domain);
        let access = self.access.as_ref();
        let access = access.map_or("access_00000000000000000000000001", |access| &access.id);
        path.replace("{access_id}", access)
            .replace("{import_id}", &self.import)
            .replace("{user_id}", &self.member)
            .replace("{invitation_id}", &self.invitation)
            .replace("{passkey_id}", "passkey_00000000000000000000000001")
            .replace("{identity_id}", "identity_00000000000000000000000001")
            .replace("{role_id}", &self.role)
            .replace("{organisation_id}", &self.organisation)
            .replace("{erasure_id}", "erasure_00000000000000000000000001")
    }

    /// The same with what the query must have.
    pub fn full_path(&self, route: &Route) -> String {
        let path = self.path(route);
        if route.query.iter().any(|parameter| parameter.required) {
            path + "?kind=asset"
        } else {
            path
        }
    }

    /// Asks for a route with the customer's token, or with that of staff if there are some and the route is theirs.
    pub async fn ask(&self, route: &Route, path: &str, content_type: &str, body: impl Into<Bytes>) -> Reply {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let mut headers = vec![("if-match", "\"1\""), ("idempotency-key", "http")];
        if !content_type.is_empty() {
            headers.push(("content-type", content_type));
        }
        let client = match (&self.access, route.access) {
            (Some(access), functions::registry::Access::Staff { .. }) => &access.staff,
            _ => &self.customer,
        };
        let reply = client.send(method, path, &headers, body.into()).await;
        reply.assert_hardened();
        reply
    }
}

/// Creates a service account with a key of these scopes that ends after 100 days, and gives the account's id and the
/// answer that shows the key.
pub async fn api_key(customer: &Customer, scopes: &Value) -> (String, Value) {
    let service = customer
        .post("/v1/service-accounts", &json!({ "name": "Importer" }))
        .await;
    assert_eq!(service.status, 201, "{service:?}");
    let service = service.text("id");
    let body = json!({ "name": "first", "scopes": scopes, "expires_at": "2027-03-03T12:00:00Z" });
    let key = customer
        .post(&format!("/v1/service-accounts/{service}/keys"), &body)
        .await;
    assert_eq!(key.status, 201, "{key:?}");
    (service, key.json())
}

/// Sends a file of assets.
pub async fn import(customer: &Customer, key: &str, csv: &str) -> Reply {
    let headers = [("content-type", "text/csv"), ("idempotency-key", key)];
    customer
        .send(
            Method::POST,
            "/v1/imports?kind=asset",
            &headers,
            Bytes::from(csv.to_owned()),
        )
        .await
}

/// A body that the route takes. A route that is not here yet has to come here.
pub fn sample(route: &Route) -> Value {
    match route.name {
        "auth-register" => json!({
            "name": "Ada", "email": "new@customer.example", "company": "Works", "password": PASSWORD,
            "age_confirmed": 18, "policy_version": "1",
        }),
        "auth-verify-email" => json!({ "code": "user_x.y" }),
        "auth-resend-verification" => json!({ "email": "ada@customer.example" }),
        "auth-login" => json!({ "email": "ada@customer.example", "password": PASSWORD }),
        "auth-refresh" => json!({ "refresh_token": "x" }),
        "me-update" | "organisation-update" => json!({ "name": "Other" }),
        "billing-put" => {
            json!({ "name": "Works", "address": "1 Street", "vat_number": "GB1", "reference": "7" })
        }
        "records-create" => json!({ "kind": "asset", "fields": { "asset_tag": "LT-2" } }),
        "records-update" => json!({ "fields": { "name": "Other" } }),
        "attachments-create" => announcement("other.txt", "other"),
        "auth-mfa" => json!({ "mfa_token": "x", "code": "123456" }),
        "auth-passkey-finish" => json!({ "ceremony": "x", "answer": passkey_answer("authenticatorData") }),
        "me-step-up" => json!({ "password": PASSWORD }),
        "factors-totp-confirm" => json!({ "code": "123456" }),
        "factors-passkey-confirm" => json!({ "name": "Key", "answer": passkey_answer("attestationObject") }),
        "organisation-put-security" => json!({ "mfa": "optional" }),
        "staff-lookup" => json!({ "email": "ada@customer.example" }),
        "access-request" => json!({ "reason": "A ticket.", "minutes": 30, "kinds": ["asset"] }),
        "access-decide" => json!({ "decision": "end" }),
        "members-update" => json!({ "role": "viewer" }),
        "organisation-transfer" => json!({ "user_id": "user_00000000000000000000000001" }),
        "invitations-create" => json!({ "email": "other@customer.example", "role": "viewer" }),
        "invitations-accept" => json!({
            "code": "x", "name": "Ada", "password": PASSWORD, "age_confirmed": 18, "policy_version": "1",
        }),
        "auth-forgot-password" | "me-email" => json!({ "email": "other@customer.example" }),
        "auth-reset-password" => json!({ "code": "x", "new_password": PASSWORD }),
        "auth-confirm-email" => json!({ "code": "x" }),
        "me-password" => json!({ "current_password": PASSWORD, "new_password": PASSWORD }),
        "me-join" => json!({ "code": "x" }),
        "roles-create" | "roles-update" => {
            json!({ "name": "Reader", "actions": ["records.read"], "records": "own" })
        }
        "services-create" | "services-update" => json!({ "name": "Other" }),
        "sso-connections-create" => json!({
            "provider": { "kind": "oidc" }, "issuer": "https://id.customer.example", "client_id": "a",
            "client_secret": "b",
        }),
        "sso-connections-update" => json!({ "client_id": "other" }),
        "auth-sso-begin" => json!({ "email": "ada@customer.example", "return_to": "/records" }),
        "me-step-up-sso" => json!({ "return_to": "/records" }),
        "identities-create" => json!({
            "connection_id": "connection_00000000000000000000000001", "return_to": "/records",
        }),
        "sso-domains-create" => json!({ "name": "other.example" }),
        "keys-create" => json!({
            "name": "other", "scopes": { "actions": ["records.read"] }, "expires_at": "2027-01-01T00:00:00Z",
        }),
        other => panic!("{other} has a body and no sample"),
    }
}

/// What has the form of a browser's answer to the options of a passkey.
fn passkey_answer(part: &str) -> Value {
    let mut response = json!({ "clientDataJSON": "AA", "signature": "AA" });
    response[part] = json!("AA");
    json!({ "id": "AA", "rawId": "AA", "type": "public-key", "response": response })
}

fn with_json() -> impl Iterator<Item = &'static Route> {
    ROUTES
        .iter()
        .copied()
        .filter(|route| matches!(route.body, Body::Json(_) | Body::MergePatch(_)))
}

pub fn content_type(route: &Route) -> &'static str {
    route.body.content_type().unwrap_or_default()
}

#[tokio::test]
async fn i_01_i_02_i_04_a_body_that_is_no_json_object_is_refused_by_every_route_and_changes_nothing() {
    let site = Site::with_staff().await;
    let before = site.world.everything().await;
    for route in with_json() {
        let good = sample(route).to_string();
        let first = good
            .split_once(':')
            .unwrap()
            .0
            .trim_start_matches('{')
            .trim_matches('"')
            .to_owned();
        let twice = format!("{{\"{first}\":1,{}", &good[1..]);
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: [(&str, Vec<u8>); 16] = [
            ("empty", Vec::new()),
            ("blank", b" \n".to_vec()),
            ("null", b"null".to_vec()),
            ("array", b"[]".to_vec()),
            ("text", b"\"x\"".to_vec()),
            ("cut off", good.as_bytes()[..good.len() - 1].to_vec()),
            ("trailing garbage", format!("{good}x").into_bytes()),
            ("two objects", format!("{good}{good}").into_bytes()),
            ("byte order mark", format!("\u{feff}{good}").into_bytes()),
            ("UTF-16", utf16),
            ("not UTF-8", b"{\"name\":\"\xff\"}".to_vec()),
            ("lone surrogate", b"{\"name\":\"\\ud800\"}".to_vec()),
            ("10,000 arrays deep", "[".repeat(10_000).into_bytes()),
            (
                "5,000 objects deep",
                (r#"{"a":"#.repeat(5_000) + "1" + &"}".repeat(5_000)).into_bytes(),
            ),
            ("the same name twice", twice.into_bytes()),
            ("a number that is none", br#"{"size":1e400}"#.to_vec()),
        ];
        for (what, body) in bodies {
            let reply = site
                .ask(route, &site.path(route), content_type(route), body)
                .await;
            let expected = (400, "unreadable".to_owned(), vec![String::new()]);
            assert_eq!(reply.problem(), expected, "{} {what}: {reply:?}", route.name);
        }
    }
    assert_unchanged(
        &before,
        &site.world.everything().await,
        "bodies that are no JSON object",
    );
}

#[tokio::test]
async fn i_07_k_07_unknown_fields_and_wrong_types_are_named_by_every_route_and_change_nothing() {
    let site = Site::with_staff().await;
    let before = site.world.everything().await;
    for route in with_json() {
        let good = sample(route);
        for name in ["colour", "tenant_id", "role", "is_admin", "__proto__", "a/b~c"] {
            let mut body = good.clone();
            body[name] = json!("x");
            let reply = site
                .ask(route, &site.path(route), content_type(route), body.to_string())
                .await;
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            assert_eq!(
                reply.problem(),
                (422, "invalid".into(), vec![pointer]),
                "{}: {reply:?}",
                route.name
            );
        }
        for (name, value) in good.as_object().unwrap() {
            let mut wrongs = vec![
                json!({ "S": "x" }),
                json!({ "$gt": "" }),
                json!(["x"]),
                json!(17.5),
                json!(true),
            ];
            wrongs.push(if value.is_number() { json!("18") } else { json!(18) });
            // Where a member may be absent, null says the same.
            if route.name != "billing-put" || name == "name" {
                wrongs.push(Value::Null);
            }
            for wrong in wrongs {
                let mut body = good.clone();
                body[name] = wrong.clone();
                let reply = site
                    .ask(route, &site.path(route), content_type(route), body.to_string())
                    .await;
                let (status, kind, pointers) = reply.problem();
                let pointer = format!("/{name}");
                assert_eq!(
                    (status, kind.as_str()),
                    (422, "invalid"),
                    "{} {name} {wrong}: {reply:?}",
                    route.name
                );
                assert!(
                    pointers.iter().all(|found| found.starts_with(&pointer)),
                    "{} {wrong}: {reply:?}",
                    route.name
                );
                assert!(!pointers.is_empty());
            }
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "wrong fields");
}

#[tokio::test]
async fn every_violation_of_a_body_is_named_at_once() {
    let site = Site::new().await;
    let body = json!({
        "name": "", "email": "nobody", "company": "x\u{202e}y", "password": "short", "age_confirmed": -1, "extra": 1,
    });
    let reply = site.world.anonymous().post("/v1/auth/register", &body).await;
    let (status, _, pointers) = reply.problem();
    let found: BTreeSet<_> = pointers.iter().map(String::as_str).collect();
    let expected = [
        "/name",
        "/email",
        "/company",
        "/age_confirmed",
        "/extra",
        "/policy_version",
    ];
    assert_eq!((status, found), (422, BTreeSet::from(expected)), "{reply:?}");
    let fields = json!({ "kind": "asset", "fields": { "serial": "", "status": "new", "purchase_date": "2026-02-30" } });
    let reply = site.customer.post("/v1/records", &fields).await;
    let (status, _, pointers) = reply.problem();
    let found: BTreeSet<_> = pointers.iter().map(String::as_str).collect();
    let expected = [
        "/fields/asset_tag",
        "/fields/serial",
        "/fields/status",
        "/fields/purchase_date",
    ];
    assert_eq!((status, found), (422, BTreeSet::from(expected)), "{reply:?}");
}

#[tokio::test]
async fn i_08_c_20_another_content_type_is_415_and_a_body_over_its_limit_413_on_every_route() {
    let site = Site::with_staff().await;
    let before = site.world.everything().await;
    for route in ROUTES.iter().copied().filter(|route| route.method != "ANY") {
        let path = site.full_path(route);
        let large = vec![b' '; route.body.limit() + 1];
        let reply = site.ask(route, &path, content_type(route), large).await;
        assert_eq!(
            reply.problem(),
            (413, "too-large".into(), vec![]),
            "{}: {reply:?}",
            route.name
        );
        if route.body == Body::None {
            continue;
        }
        let body = match route.body {
            Body::Csv(_) => "asset_tag\nX\n".to_owned(),
            _ => sample(route).to_string(),
        };
        for wrong in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "application/xml",
            "text/csv; charset=utf-16",
            "application/json; charset=latin1",
            "application/json, text/plain",
        ] {
            let reply = site.ask(route, &path, wrong, body.clone()).await;
            let expected = (415, "unsupported-media-type".into(), vec![]);
            assert_eq!(reply.problem(), expected, "{} {wrong}: {reply:?}", route.name);
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "wrong types and sizes");
}

#[tokio::test]
async fn i_09_unknown_and_repeated_parameters_are_named_by_every_route_and_change_nothing() {
    let site = Site::with_staff().await;
    let before = site.world.everything().await;
    for route in ROUTES.iter().copied().filter(|route| route.method != "ANY") {
        let path = site.full_path(route);
        let joint = if path.contains('?') { '&' } else { '?' };
        let body = match route.body {
            Body::None => String::new(),
            Body::Csv(_) => "asset_tag\nX\n".to_owned(),
            Body::Json(_) | Body::MergePatch(_) => sample(route).to_string(),
        };
        let token = site.customer.token.clone().unwrap();
        // Providers may send browsers back with whatever they like.
        let unknown = ["colour", "access_token", "tenant_id", "Limit"];
        for name in unknown.into_iter().filter(|_| !route.other_parameters) {
            let path = format!("{path}{joint}{name}={token}");
            let reply = site.ask(route, &path, content_type(route), body.clone()).await;
            let expected = (422, "invalid".to_owned(), vec![format!("?{name}")]);
            assert_eq!(reply.problem(), expected, "{}: {reply:?}", route.name);
            assert!(
                !reply.json().to_string().contains(&token),
                "a value is not reflected: {reply:?}"
            );
        }
        for parameter in route.query {
            let path = format!(
                "{}?{name}=asset&{name}=asset",
                site.path(route),
                name = parameter.name
            );
            let reply = site.ask(route, &path, content_type(route), body.clone()).await;
            let expected = (422, "invalid".to_owned(), vec![format!("?{}", parameter.name)]);
            assert_eq!(reply.problem(), expected, "{}: {reply:?}", route.name);
        }
    }
    assert_unchanged(&before, &site.world.everything().await, "wrong parameters");
}
