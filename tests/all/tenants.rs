//! What belongs to another organisation is not there: by id, by cursor, by path, in lists.

use functions::registry::{Access, ROUTES, Route};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Client, Reply, announcement};
use crate::http::{Site, api_key, sample};
use crate::support::assert_unchanged;

/// Another id of the same type: the id with other random digits.
fn absent(id: &str) -> String {
    let (start, end) = id.split_at(id.len() - 6);
    let other = if end == "zzzzzz" { "yyyyyy" } else { "zzzzzz" };
    format!("{start}{other}")
}

/// Asks for a route in the way that would work if the ids were one's own.
async fn ask(client: &Client, route: &Route, path: &str) -> Reply {
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    let body = match route.name {
        "records-update" => json!({ "fields": { "name": "stolen" } }),
        "members-update" => json!({ "role": "viewer" }),
        "roles-update" => json!({ "name": "stolen" }),
        "attachments-create" => announcement("stolen.txt", "stolen"),
        "access-decide" => json!({ "decision": "end" }),
        "services-update" | "keys-create" => sample(route),
        _ => Value::Null,
    };
    client.json(method, path, &body, &[("if-match", "\"1\"")]).await
}

#[tokio::test]
async fn g_02_g_03_g_06_g_15_by_a_foreign_id_every_route_answers_as_if_there_were_nothing() {
    let site = Site::with_staff().await;
    let access = site.access.as_ref().unwrap().id.clone();
    let mallory = site.world.customer("Mallory").await;
    let own = mallory.asset(json!({ "asset_tag": "M-1" })).await;
    let own_attachment = mallory.attach(&own, "own.txt", "own\n").await;
    let (own_service, own_key) = api_key(&mallory, &json!({ "actions": ["records.read"] })).await;
    let own_key = own_key["id"].as_str().unwrap();
    let before = site.world.everything().await;
    let routes = ROUTES
        .iter()
        .copied()
        .filter(|route| matches!(route.access, Access::Member { .. }));
    let mut asked = 0;
    for route in routes.filter(|route| route.parameters().next().is_some()) {
        let fill = |record: &str, attachment: &str, import: &str| {
            let path = route
                .path
                .replace("{record_id}", record)
                .replace("{attachment_id}", attachment);
            let ids = [
                ("{user_id}", &site.member),
                ("{invitation_id}", &site.invitation),
                ("{role_id}", &site.role),
                ("{organisation_id}", &site.organisation),
            ];
            // Where there is no foreign import, there is nothing of the others either.
            let foreign = import == site.import;
            ids.into_iter()
                .fold(path.replace("{import_id}", import), |path, (name, id)| {
                    path.replace(name, &if foreign { id.clone() } else { absent(id) })
                })
        };
        let others = |path: String, [user, session, service, key]: [&str; 4]| {
            let path = path.replace("{user_id}", user).replace("{session_id}", session);
            path.replace("{service_account_id}", service)
                .replace("{key_id}", key)
        };
        let theirs = [&site.member, &site.session, &site.service, &site.key].map(String::as_str);
        let nobodys = theirs.map(absent);
        let nothing = fill(
            &absent(&site.record),
            &absent(&site.attachment),
            &absent(&site.import),
        );
        let nothing = others(nothing, nobodys.each_ref().map(String::as_str));
        let nothing = nothing.replace("{access_id}", &absent(&access));
        let nothing = ask(&mallory, route, &nothing).await;
        assert_eq!(
            nothing.problem(),
            (404, "not-found".into(), vec![]),
            "{}: {nothing:?}",
            route.name
        );
        let mut foreign = vec![
            fill(&site.record, &site.attachment, &site.import),
            fill(&site.employee, &site.attachment, &site.import),
            fill(&site.record, &own_attachment, &site.import),
        ];
        if route.path.contains("{attachment_id}") {
            foreign.push(fill(&own, &site.attachment, &site.import));
        }
        let mut foreign: Vec<_> = foreign.into_iter().map(|path| others(path, theirs)).collect();
        if route.path.contains("{key_id}") {
            foreign.push(others(route.path.to_owned(), ["", "", &own_service, &site.key]));
            foreign.push(others(route.path.to_owned(), ["", "", &site.service, own_key]));
        }
        for path in foreign {
            let path = path.replace("{access_id}", &access);
            let reply = ask(&mallory, route, &path).await;
            assert_eq!(reply.anonymised(), nothing.anonymised(), "{} {path}", route.name);
            asked += 1;
        }
    }
    assert!(asked >= 30, "{asked}");
    assert_unchanged(&before, &site.world.everything().await, "foreign ids");
    let reply = site.customer.get(&format!("/v1/records/{}", site.record)).await;
    assert_eq!(
        (reply.status, &reply.json()["fields"]["asset_tag"]),
        (200, &json!("LT-1"))
    );
}

#[tokio::test]
async fn g_10_g_11_no_list_header_or_unique_value_tells_of_another_organisation() {
    let site = Site::new().await;
    let mallory = site.world.customer("Mallory").await;
    for kind in ["asset", "licence", "employee", "domain"] {
        for sort in ["created_at", "-created_at", "updated_at", "-updated_at"] {
            let reply = mallory.get(&format!("/v1/records?kind={kind}&sort={sort}")).await;
            assert_eq!(
                (reply.status, reply.json()),
                (200, json!({ "data": [] })),
                "{kind} {sort}"
            );
        }
    }
    let organisation = site.customer.get("/v1/organisation").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let headers = [
        ("x-tenant-id", organisation.as_str()),
        ("x-organisation", &organisation),
    ];
    let reply = mallory
        .send(
            Method::GET,
            "/v1/records?kind=asset",
            &headers,
            bytes::Bytes::new(),
        )
        .await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "data": [] })));
    // The same tag and serial are free in another organisation, and the same import key names another import.
    mallory
        .asset(json!({ "asset_tag": "LT-1", "serial": "S-1" }))
        .await;
    let reply = crate::http::import(&mallory, "site", "asset_tag\nIMPORTED-1\n").await;
    assert_eq!((reply.status, &reply.json()["created"]), (201, &json!(1)));
    assert_ne!(reply.json()["id"], site.import);
    let tags = |reply: Reply| {
        let data = reply.json()["data"].as_array().unwrap().clone();
        data.iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let theirs = tags(site.customer.get("/v1/records?kind=asset").await);
    let own = tags(mallory.get("/v1/records?kind=asset").await);
    assert_eq!((theirs.len(), own.len()), (2, 2));
    assert!(theirs.iter().all(|id| !own.contains(id)));
}

#[tokio::test]
async fn k_08_a_cursor_that_is_forged_or_of_another_organisation_or_query_is_refused() {
    let site = Site::new().await;
    let mallory = site.world.customer("Mallory").await;
    for n in 0..3 {
        for customer in [&site.customer, &mallory] {
            customer.asset(json!({ "asset_tag": format!("P-{n}") })).await;
        }
    }
    let path = "/v1/records?kind=asset&limit=1";
    let cursor = site.customer.get(path).await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        site.customer.get(&format!("{path}&cursor={cursor}")).await.status,
        200,
        "it is a good one"
    );
    let foreign = mallory.get(path).await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut wrongs: Vec<String> = Vec::new();
    for index in 0..cursor.len() {
        let other = if cursor.as_bytes()[index] == b'A' {
            "B"
        } else {
            "A"
        };
        wrongs.push(format!("{}{other}{}", &cursor[..index], &cursor[index + 1..]));
    }
    wrongs.extend([
        foreign,
        String::new(),
        "x".into(),
        "AAAA".into(),
        format!("{cursor}A"),
        cursor[4..].to_owned(),
    ]);
    let refused = (422, "invalid".to_owned(), vec!["?cursor".to_owned()]);
    for wrong in wrongs {
        let reply = site.customer.get(&format!("{path}&cursor={wrong}")).await;
        // The last character of a cursor may carry bits that mean nothing; then it is another spelling of none.
        assert_eq!(reply.problem(), refused, "{wrong}: {reply:?}");
    }
    for other in [
        "/v1/records?kind=employee&limit=1",
        "/v1/records?kind=asset&limit=1&sort=-created_at",
        "/v1/records?kind=asset&limit=1&sort=updated_at",
        "/v1/records?kind=asset&limit=1&status=ready",
    ] {
        let reply = site.customer.get(&format!("{other}&cursor={cursor}")).await;
        assert_eq!(reply.problem(), refused, "{other}: {reply:?}");
    }
    let timeline = format!("/v1/records/{}/events?limit=1", site.record);
    let of_timeline = site.customer.get(&timeline).await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        site.customer
            .get(&format!("{timeline}&cursor={cursor}"))
            .await
            .problem(),
        refused
    );
    let other = format!(
        "/v1/records/{}/events?limit=1&cursor={of_timeline}",
        site.employee
    );
    assert_eq!(site.customer.get(&other).await.problem(), refused);
    assert_eq!(
        site.customer
            .get(&format!("{path}&cursor={of_timeline}"))
            .await
            .problem(),
        refused
    );
}

#[tokio::test]
async fn k_09_a_limit_that_is_no_number_from_1_to_200_is_refused() {
    let site = Site::new().await;
    for list in [
        "/v1/records?kind=asset&".to_owned(),
        format!("/v1/records/{}/events?", site.record),
    ] {
        for limit in [
            "0",
            "-1",
            "1000000000",
            "201",
            "99999999999999999999",
            "ten",
            "",
            "1e1",
            "1.0",
            "0x1",
            "%20",
            "1,2",
        ] {
            let reply = site.customer.get(&format!("{list}limit={limit}")).await;
            let expected = (422, "invalid".to_owned(), vec!["?limit".to_owned()]);
            assert_eq!(reply.problem(), expected, "{list}limit={limit}: {reply:?}");
        }
        for limit in ["1", "200"] {
            assert_eq!(
                site.customer.get(&format!("{list}limit={limit}")).await.status,
                200
            );
        }
    }
    for (query, pointer) in [
        ("", "?kind"),
        ("kind=", "?kind"),
        ("kind=car", "?kind"),
        ("kind=Asset", "?kind"),
        ("kind=asset&sort=name", "?sort"),
        ("kind=asset&sort=", "?sort"),
        ("kind=asset&status=new", "?status"),
        ("kind=asset&status=ready,", "?status"),
        ("kind=licence&status=ready", "?status"),
    ] {
        let reply = site.customer.get(&format!("/v1/records?{query}")).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec![pointer.into()]),
            "{query}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn k_01_k_02_i_17_g_40_ids_and_paths_with_tricks_in_them_lead_nowhere() {
    let site = Site::new().await;
    let before = site.world.everything().await;
    let (record, digits) = (&site.record, site.record.split_once('_').unwrap().1);
    let other_kind = format!("employee_{digits}");
    let long = "a".repeat(2_048);
    let upper = record.to_uppercase();
    let ids = [
        ".",
        "..",
        "%2e%2e",
        "%23",
        "%EF%BC%83",
        "%00",
        "%0a",
        "%F0%9F%98%80",
        "%E2%80%AE",
        "%ff",
        "x%2Fy",
        "..%2F..%2Fme",
        "%7B%7D",
        "%3F%3F",
        "a%3Fx=1",
        "asset_",
        "_",
        "asset",
        "ORG%23x",
        &long,
        &upper,
        &other_kind,
        &format!("{record}%23A"),
        &format!("{record}%00"),
        &format!("{record}%20"),
        &format!("{record};a=b"),
        &format!("{record}%2Fevents"),
        &format!("{record}%2e"),
        &format!("Asset_{digits}"),
    ];
    for id in ids {
        for path in [
            format!("/v1/records/{id}"),
            format!("/v1/records/{id}/events"),
            format!("/v1/records/{id}/attachments"),
            format!("/v1/records/{record}/attachments/{id}"),
            format!("/v1/imports/{id}"),
            format!("/v1/erasures/{id}"),
        ] {
            for method in [Method::GET, Method::DELETE] {
                let reply = site
                    .customer
                    .json(method.clone(), &path, &Value::Null, &[("if-match", "*")])
                    .await;
                let (status, kind, _) = reply.problem();
                let nothing = (status, kind.as_str()) == (404, "not-found");
                let no_method = method == Method::DELETE && status == 405;
                assert!(nothing || no_method, "{method} {path}: {reply:?}");
            }
        }
    }
    for path in [
        format!("/v1/records/{record}/"),
        format!("//v1/records/{record}"),
        format!("/v1//records/{record}"),
        format!("/V1/records/{record}"),
        format!("/v1/Records/{record}"),
        format!("/v1/./records/{record}"),
        format!("/v1/x/../records/{record}"),
        format!("/v1/%72ecords/{record}"),
        format!("/v1/records;a=b/{record}"),
        format!("/v1/records%2F{record}"),
        format!("/v1/records/{record}/events/"),
        format!("/v0/records/{record}"),
    ] {
        let reply = site.customer.get(&path).await;
        assert_eq!(
            reply.problem(),
            (404, "not-found".into(), vec![]),
            "{path}: {reply:?}"
        );
    }
    assert_unchanged(&before, &site.world.everything().await, "tricks");
}
