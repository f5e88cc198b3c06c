//! The authorization matrix: every actor on every route, with objects of their own, of others, and of nobody.
//!
//! What must come out follows from `authorization.csv`, which `decide()` reads, too, and from the list below. Nothing is
//! changed while the matrix is walked: each write to AWS is refused, so whoever is let through shows it by another answer
//! than 401, 403 or 404, and the same state serves all of them.

use std::collections::{BTreeMap, BTreeSet};

use functions::gateway::Body;
use functions::registry::{Access, ROUTES, Route};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Client, Customer, Reply, World};
use crate::http::{Site, api_key, content_type, sample};
use crate::members::{change, id_of, invite, remove};
use crate::support::{assert_unchanged, refusal};

/// The action that each route is about; `public` needs none. A route that is not here fails the tests.
#[rustfmt::skip]
const ACTIONS: &[(&str, &[&str])] = &[
    ("public", &[
        "auth-register", "auth-verify-email", "auth-resend-verification", "auth-login", "auth-refresh", "jwks-get",
        "openapi-get", "security-contact", "security-get", "policy-get", "erasures-get", "ledger-get",
        "invitations-accept", "fallback-answer", "auth-forgot-password", "auth-reset-password", "auth-confirm-email",
        "auth-mfa", "auth-passkey-begin", "auth-passkey-finish", "auth-sso-begin", "auth-sso-callback",
    ]),
    ("own-account.use", &[
        "auth-logout", "me-get", "me-update", "me-activity", "me-organisations", "me-join", "me-switch", "members-leave",
        "sessions-list", "sessions-delete", "sessions-delete-all", "me-email-cancel", "me-step-up", "me-step-up-begin",
        "factors-list", "me-step-up-sso", "identities-list",
    ]),
    ("own-account.secure", &[
        "me-password", "me-email", "factors-totp-create", "factors-totp-confirm", "factors-totp-delete",
        "factors-passkey-create", "factors-passkey-confirm", "factors-passkey-delete", "factors-recovery-create",
        "identities-create", "identities-delete",
    ]),
    ("security.read", &["organisation-get-security", "sso-connections-list", "sso-domains-list"]),
    ("security.manage", &[
        "organisation-put-security", "sso-connections-create", "sso-connections-update", "sso-connections-delete",
        "sso-domains-create", "sso-domains-verify", "sso-domains-delete",
    ]),
    ("own-account.delete", &["me-delete"]),
    ("organisation.read", &["organisation-get"]),
    ("organisation.update", &["organisation-update"]),
    ("organisation.close", &["organisation-delete"]),
    ("ownership.transfer", &["organisation-transfer"]),
    ("subscription.manage", &["organisation-cancel", "organisation-resume"]),
    ("billing.read", &["billing-get"]),
    ("billing.update", &["billing-put"]),
    ("records.read", &[
        "records-list", "records-get", "records-timeline", "attachments-list", "attachments-get", "imports-get",
    ]),
    ("records.write", &[
        "records-create", "records-update", "attachments-create", "attachments-complete", "imports-create",
    ]),
    ("records.delete", &["records-delete", "attachments-delete"]),
    ("members.read", &["members-list", "members-get", "roles-list", "invitations-list"]),
    ("members.invite", &["invitations-create", "invitations-resend", "invitations-delete"]),
    ("members.manage", &[
        "members-update", "members-delete", "members-sessions-delete", "members-reset-password", "members-reset-factors",
    ]),
    ("roles.manage", &["roles-create", "roles-update", "roles-delete"]),
    ("api-keys.read", &["services-list", "keys-list"]),
    ("api-keys.manage", &["services-create", "services-update", "services-delete", "keys-create", "keys-delete"]),
    ("activity.read", &["activity-list"]),
    ("activity.export", &["activity-export"]),
    ("access.read", &["access-list"]),
    ("access.decide", &["access-decide"]),
    ("staff.organisations.read", &["staff-lookup", "staff-organisations", "access-get"]),
    ("staff.access.request", &["access-request"]),
    ("staff.access.approve", &["access-approve"]),
    ("staff.access.use", &["access-end", "access-records-list", "access-records-get"]),
];

/// The table, read here once more and by other means than the code's.
struct Table(BTreeMap<String, BTreeMap<String, bool>>);

impl Table {
    fn read() -> Self {
        let mut lines = shared::auth::TABLE.lines().filter(|line| !line.starts_with('#'));
        let columns: Vec<_> = lines.next().unwrap().split(',').skip(1).collect();
        let row = |line: &str| {
            let (action, cells) = line.split_once(',').unwrap();
            let cells = columns.iter().zip(cells.split(','));
            (
                action.to_owned(),
                cells
                    .map(|(column, cell)| ((*column).to_owned(), cell == "yes"))
                    .collect(),
            )
        };
        Self(lines.map(row).collect())
    }

    fn says(&self, action: &str, column: &str) -> bool {
        self.0[action][column]
    }
}

/// Who asks, as far as it decides what comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Nobody that is known: without a credential, or with one that is no good.
    Nobody,
    /// A member with a role of the table.
    Role(&'static str),
    /// A member with a custom role of these actions.
    Custom(&'static [&'static str]),
    /// A member who is suspended.
    Suspended,
    /// Somebody who was removed and belongs to no organisation.
    Outsider,
    /// An API key with these scopes.
    Key(&'static [&'static str]),
    /// Staff with a role of the table.
    Staff(&'static str),
}

/// What must come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Unauthenticated,
    NotFound,
    Forbidden,
    Allowed,
}

fn expected(table: &Table, who: Who, action: &str) -> Expected {
    let staff_only = action.starts_with("staff.");
    let allowed = |yes: bool| {
        if yes {
            Expected::Allowed
        } else {
            Expected::Forbidden
        }
    };
    match who {
        _ if action == "public" => Expected::Allowed,
        Who::Nobody => Expected::Unauthenticated,
        Who::Staff(role) if staff_only => allowed(table.says(action, role)),
        _ if staff_only => Expected::NotFound,
        Who::Key(scopes) => allowed(table.says(action, "service") && scopes.contains(&action)),
        // Staff leave by the operator's hand.
        Who::Staff(_) if action == "own-account.delete" => Expected::Forbidden,
        _ if table.says(action, "person") => Expected::Allowed,
        Who::Role(role) => allowed(table.says(action, role)),
        Who::Custom(actions) => allowed(table.says(action, "custom") && actions.contains(&action)),
        Who::Suspended => Expected::Forbidden,
        Who::Outsider | Who::Staff(_) => Expected::NotFound,
    }
}

fn action_of(route: &Route) -> &'static str {
    let mut found = ACTIONS
        .iter()
        .filter(|(_, routes)| routes.contains(&route.name))
        .map(|(action, _)| *action);
    let action = found
        .next()
        .unwrap_or_else(|| panic!("{} is missing in the matrix", route.name));
    assert!(found.next().is_none(), "{} is in the matrix twice", route.name);
    action
}

#[test]
fn g_01_every_route_is_in_the_matrix_with_the_action_that_it_asks_for() {
    let named: BTreeSet<_> = ACTIONS
        .iter()
        .flat_map(|(_, routes)| routes.iter().copied())
        .collect();
    let known: BTreeSet<_> = ROUTES.iter().map(|route| route.name).collect();
    assert_eq!(named, known);
    for route in ROUTES {
        let asked = match route.access {
            Access::Public(_) => "public",
            Access::Member { action, .. } | Access::Staff { action, .. } => action.as_str(),
        };
        assert_eq!(asked, action_of(route), "{}", route.name);
        let for_staff = matches!(route.access, Access::Staff { .. });
        assert_eq!(for_staff, asked.starts_with("staff."), "{}", route.name);
    }
}

struct Matrix {
    site: Site,
    actors: Vec<(&'static str, Who, Client)>,
    mallory: Customer,
}

const READER: &[&str] = &["records.read", "activity.read"];
const WIDE: &[&str] = &[
    "organisation.read",
    "records.read",
    "records.write",
    "records.delete",
    "members.read",
];
const NARROW: &[&str] = &["organisation.read"];

impl Matrix {
    async fn new() -> Self {
        let site = Site::with_staff().await;
        let (world, owner) = (&site.world, &site.customer);
        let mut actors = vec![("anonymous", Who::Nobody, world.anonymous())];
        actors.push(("owner", Who::Role("owner"), owner.client.clone()));
        for role in ["admin", "member", "viewer"] {
            let person = world.joined(owner, &format!("{role}Person"), role).await;
            actors.push((role, Who::Role(role), person.client.clone()));
        }
        let auditor = world.joined(owner, "Auditor", &site.role).await;
        actors.push(("custom role", Who::Custom(READER), auditor.client.clone()));
        let mut suspended = world.joined(owner, "Suspended", "member").await;
        let reply = change(owner, &id_of(&suspended).await, &json!({ "suspended": true })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        actors.push(("suspended, old session", Who::Nobody, suspended.client.clone()));
        suspended.sign_in().await;
        actors.push(("suspended", Who::Suspended, suspended.client.clone()));
        let mut removed = world.joined(owner, "Removed", "admin").await;
        assert_eq!(remove(owner, &id_of(&removed).await).await.status, 204);
        actors.push(("removed, old session", Who::Nobody, removed.client.clone()));
        removed.sign_in().await;
        actors.push(("removed", Who::Outsider, removed.client.clone()));
        let invited = invite(owner, "pending@customer.example", "owner").await;
        assert_eq!(invited.status, 201, "{invited:?}");
        actors.push((
            "invited",
            Who::Nobody,
            world.with_token(&world.invitation_code("pending@customer.example")),
        ));
        for (name, who, scopes) in [
            ("key", Who::Key(WIDE), WIDE),
            ("narrow key", Who::Key(NARROW), NARROW),
        ] {
            actors.push((name, who, key(world, owner, scopes).await));
        }
        let support = world.staff("Sam", "support").await;
        actors.push(("support", Who::Staff("support"), support.client.clone()));
        let lead = &site.access.as_ref().unwrap().staff;
        actors.push(("lead", Who::Staff("lead"), lead.client.clone()));
        let mallory = world.customer("Mallory").await;
        Self {
            actors,
            mallory,
            site,
        }
    }

    /// Asks for a route as it would work, if one may.
    async fn ask(&self, client: &Client, route: &Route, path: &str) -> Reply {
        let body = match route.body {
            Body::None => String::new(),
            Body::Csv(_) => "asset_tag\nX\n".to_owned(),
            Body::Json(_) | Body::MergePatch(_) => sample(route).to_string(),
        };
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let headers = [
            ("content-type", content_type(route)),
            ("if-match", "*"),
            ("idempotency-key", "matrix"),
        ];
        client.send(method, path, &headers, body.into()).await
    }
}

/// From here on nothing can be changed but what the function `sign_in` writes, and single attributes: the last use of a
/// session.
fn freeze(world: &World, sign_in: &'static str) {
    world.stack.set_fault(move |call| {
        let reads = ["BatchGetItem", "Query", "Decrypt", "UpdateItem"];
        let reading = ["Get", "Head", "List"]
            .iter()
            .any(|word| call.operation.starts_with(word));
        if call.function == sign_in || reading || reads.contains(&call.operation.as_ref()) {
            local::Fault::None
        } else {
            refusal(400, "ValidationException", &Value::Null)
        }
    });
}

/// A client with a new API key.
async fn key(world: &World, owner: &Customer, scopes: &[&str]) -> Client {
    let (_, created) = api_key(owner, &json!({ "actions": scopes })).await;
    let client = world.with_token(created["key"].as_str().unwrap());
    // Its first use is noted now.
    client.get("/v1/organisation").await;
    client
}

/// Routes on objects that are each person's own: what the owner has is foreign to everybody else.
const OWN: &[&str] = &["sessions-delete"];

#[tokio::test(flavor = "multi_thread")]
async fn g_01_every_actor_gets_on_every_route_what_the_table_says() {
    let (matrix, table) = (Matrix::new().await, Table::read());
    freeze(&matrix.site.world, "");
    let before = matrix.site.world.everything().await;
    let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
    for route in ROUTES.iter().filter(|route| route.method != "ANY") {
        let action = action_of(route);
        let path = matrix.site.full_path(route);
        for (name, who, client) in &matrix.actors {
            let reply = matrix.ask(client, route, &path).await;
            let mut expected = expected(&table, *who, action);
            if OWN.contains(&route.name) && expected == Expected::Allowed && *name != "owner" {
                expected = Expected::NotFound;
            }
            *counts.entry(format!("{expected:?}")).or_insert(0) += 1;
            let outcome = match reply.status {
                401 if action != "public" => Expected::Unauthenticated,
                403 => Expected::Forbidden,
                404 if action != "public" => Expected::NotFound,
                _ => Expected::Allowed,
            };
            if let Some(reason) = rule(route, *who) {
                if !matches!(reply.status, 403 | 404 | 409) {
                    wrong.push(format!("{name} on {}: {reason}: {reply:?}", route.name));
                }
                continue;
            }
            if outcome != expected {
                wrong.push(format!(
                    "{name} on {} ({action}): {expected:?}, not {reply:?}",
                    route.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    matrix.site.world.stack.clear_fault();
    assert_unchanged(&before, &matrix.site.world.everything().await, "the matrix");
    assert!(counts.values().all(|&count| count >= 20), "{counts:?}");
}

/// What a rule of the domain refuses although the table allows the action.
fn rule(route: &Route, who: Who) -> Option<&'static str> {
    match (route.name, who) {
        ("access-approve", Who::Staff("lead")) => Some("nobody approves their own request"),
        ("access-end" | "access-records-list" | "access-records-get", Who::Staff("support")) => {
            Some("access is its requester's alone")
        }
        (
            "factors-totp-delete" | "factors-passkey-delete" | "identities-create" | "identities-delete",
            Who::Role(_) | Who::Custom(_) | Who::Suspended | Who::Outsider | Who::Staff(_),
        ) => Some("they have no such factor or connection"),
        ("members-leave", Who::Outsider | Who::Staff(_)) => Some("there is nothing to leave"),
        ("me-switch", Who::Suspended | Who::Outsider | Who::Staff(_)) => {
            Some("it is no organisation of theirs")
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g_02_g_15_what_is_another_organisations_looks_to_its_owner_like_what_is_not_there() {
    let matrix = Matrix::new().await;
    freeze(&matrix.site.world, "");
    let mut asked = 0;
    for route in ROUTES
        .iter()
        .filter(|route| route.parameters().next().is_some() && route.method != "ANY")
    {
        let path = matrix.site.full_path(route);
        let absent = route.parameters().fold(path.clone(), |absent, name| {
            let at = route
                .path
                .split('/')
                .position(|part| part == format!("{{{name}}}"))
                .unwrap();
            let id = path.split(['/', '?']).nth(at).unwrap();
            absent.replace(id, &absent_id(id))
        });
        let foreign = matrix.ask(&matrix.mallory, route, &path).await;
        let nothing = matrix.ask(&matrix.mallory, route, &absent).await;
        if route.name == "erasures-get" {
            continue;
        }
        assert_eq!(foreign.status, 404, "{}: {foreign:?}", route.name);
        assert_eq!(
            foreign.anonymised(),
            nothing.anonymised(),
            "{} {path}",
            route.name
        );
        asked += 1;
    }
    assert!(asked >= 25, "{asked}");
}

fn absent_id(id: &str) -> String {
    let (start, end) = id.split_at(id.len() - 6);
    let other = if end == "zzzzzz" { "yyyyyy" } else { "zzzzzz" };
    format!("{start}{other}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensitive_route_wants_a_step_up_after_five_minutes_and_no_other_does() {
    let (matrix, table) = (Matrix::new().await, Table::read());
    freeze(&matrix.site.world, "");
    matrix.site.world.advance(301);
    let owner = &matrix.site.customer.client;
    for route in ROUTES
        .iter()
        .filter(|route| matches!(route.access, Access::Member { .. }))
    {
        let reply = matrix.ask(owner, route, &matrix.site.full_path(route)).await;
        let asks = reply.status == 403 && reply.problem().1 == "step-up-required";
        assert_eq!(
            asks,
            table.says(action_of(route), "step_up"),
            "{}: {reply:?}",
            route.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_session_reaches_what_tokens_reach_and_its_use_is_noted() {
    let matrix = Matrix::new().await;
    let site = &matrix.site;
    freeze(&site.world, "auth-login");
    let login =
        json!({ "email": site.customer.email, "password": crate::harness::PASSWORD, "session": "cookie" });
    for route in ROUTES
        .iter()
        .filter(|route| matches!(route.access, Access::Member { .. }))
    {
        let reply = site.world.anonymous().post("/v1/auth/login", &login).await;
        let cookie = reply
            .header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let client = site.world.anonymous().with_cookie(&cookie);
        site.world.advance(61);
        let reply = matrix.ask(&client, route, &site.full_path(route)).await;
        assert!(!matches!(reply.status, 401 | 403), "{}: {reply:?}", route.name);
        let noted = site
            .world
            .stack
            .calls()
            .iter()
            .any(|call| call.function == route.name && call.operation == "UpdateItem");
        assert!(noted, "{} notes no use", route.name);
    }
}
