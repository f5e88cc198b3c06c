//! Lists: pages in every order without duplicates and gaps, links, filters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Customer, World};
use crate::records::{create, setting};

/// Walks through a list by its links, checks each page, and gives the records.
async fn walk(customer: &Customer, path: &str, limit: usize) -> (Vec<Value>, usize) {
    let mut next = Some(format!("{path}&limit={limit}"));
    let (mut all, mut pages) = (Vec::new(), 0);
    while let Some(path) = next {
        let reply = customer.get(&path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        let body = reply.json();
        let data = body["data"].as_array().unwrap();
        assert!(data.len() <= limit, "{path}: {}", data.len());
        all.extend(data.iter().cloned());
        pages += 1;
        assert!(pages < 100, "it does not end");
        next = reply.header("link").map(|link| {
            let path = link
                .strip_prefix('<')
                .unwrap()
                .strip_suffix(">; rel=\"next\"")
                .unwrap();
            assert!(
                path.contains(&format!("cursor={}", body["next_cursor"].as_str().unwrap())),
                "{path}"
            );
            path.to_owned()
        });
        assert_eq!(next.is_some(), body.get("next_cursor").is_some());
    }
    (all, pages)
}

fn tags(records: &[Value]) -> Vec<String> {
    records
        .iter()
        .map(|record| record["fields"]["asset_tag"].as_str().unwrap().to_owned())
        .collect()
}

/// Ten assets a second apart, of which some were changed later.
async fn filled() -> (World, Customer, Vec<String>) {
    let (world, customer) = setting().await;
    let mut paths = Vec::new();
    for n in 0..10 {
        world.advance(1);
        let status = if n < 7 { "archived" } else { "ready" };
        let reply = create(
            &customer,
            "asset",
            json!({ "asset_tag": format!("T-{n}"), "status": status }),
        )
        .await;
        paths.push(reply.header("location").unwrap().to_owned());
    }
    for n in [4, 0, 8] {
        world.advance(1);
        let body = json!({ "fields": { "notes": "changed" } });
        let reply = customer
            .json(http::Method::PATCH, &paths[n], &body, &[("if-match", "\"1\"")])
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    (world, customer, paths)
}

const CREATED: [usize; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const UPDATED: [usize; 10] = [1, 2, 3, 5, 6, 7, 9, 4, 0, 8];

fn expected(order: &[usize], backwards: bool) -> Vec<String> {
    let forwards = order.iter().map(|n| format!("T-{n}"));
    if backwards {
        forwards.rev().collect()
    } else {
        forwards.collect()
    }
}

#[tokio::test]
async fn k_10_pages_in_every_order_have_every_record_once() {
    let (_, customer, _) = filled().await;
    for (sort, order, backwards) in [
        ("created_at", CREATED, false),
        ("-created_at", CREATED, true),
        ("updated_at", UPDATED, false),
        ("-updated_at", UPDATED, true),
    ] {
        for limit in [1, 2, 3, 5, 9, 10, 11, 200] {
            let (records, pages) =
                walk(&customer, &format!("/v1/records?kind=asset&sort={sort}"), limit).await;
            assert_eq!(tags(&records), expected(&order, backwards), "{sort} by {limit}");
            assert!(limit > 9 || pages > 1, "{sort} by {limit}: {pages} pages");
        }
    }
    let reply = customer.get("/v1/records?kind=asset").await;
    assert_eq!(
        tags(reply.json()["data"].as_array().unwrap()),
        expected(&CREATED, false),
        "by default"
    );
}

#[tokio::test]
async fn k_10_a_filter_that_empties_whole_pages_is_not_the_end_of_the_list() {
    let (_, customer, _) = filled().await;
    for (sort, order) in [
        ("created_at", CREATED),
        ("-created_at", CREATED),
        ("updated_at", UPDATED),
        ("-updated_at", UPDATED),
    ] {
        for (status, takes) in [
            ("ready", (|n: &usize| *n >= 7) as fn(&usize) -> bool),
            ("archived", |n| *n < 7),
            ("pending", |_| false),
            ("ready,archived", |_| true),
            ("archived,ready,archived", |_| true),
        ] {
            let order: Vec<_> = order.into_iter().filter(takes).collect();
            for limit in [1, 2, 4, 50] {
                let path = format!("/v1/records?kind=asset&status={status}&sort={sort}");
                let (records, _) = walk(&customer, &path, limit).await;
                assert_eq!(
                    tags(&records),
                    expected(&order, sort.starts_with('-')),
                    "{path} by {limit}"
                );
            }
        }
    }
    // The first page has something although what is read first does not fit.
    let reply = customer.get("/v1/records?kind=asset&status=ready&limit=2").await;
    assert!(!reply.json()["data"].as_array().unwrap().is_empty(), "{reply:?}");
}

#[tokio::test]
async fn what_is_deleted_between_two_pages_neither_breaks_nor_shortens_the_rest() {
    let (_, customer, paths) = filled().await;
    for (sort, behind) in [
        ("created_at", ["T-4", "T-5", "T-6", "T-7", "T-8", "T-9"]),
        ("-created_at", ["T-5", "T-4", "T-3", "T-2", "T-1", "T-0"]),
    ] {
        let first = customer
            .get(&format!("/v1/records?kind=asset&limit=4&sort={sort}"))
            .await
            .json();
        let cursor = first["next_cursor"].as_str().unwrap();
        // The record at which the cursor stands goes.
        let last = first["data"][3]["id"].as_str().unwrap();
        let reply = customer
            .delete(&format!("/v1/records/{last}"), &[("if-match", "*")])
            .await;
        assert_eq!(reply.status, 204);
        let rest = customer
            .get(&format!(
                "/v1/records?kind=asset&limit=50&sort={sort}&cursor={cursor}"
            ))
            .await
            .json();
        let rest: BTreeSet<_> = tags(rest["data"].as_array().unwrap()).into_iter().collect();
        let gone = if sort == "created_at" { "" } else { "T-3" };
        let expected = behind
            .into_iter()
            .filter(|tag| *tag != gone)
            .map(str::to_owned)
            .collect();
        assert_eq!(rest, expected, "{sort}");
    }
    drop(paths);
}

#[tokio::test]
async fn each_kind_has_its_own_list() {
    let (_, customer) = setting().await;
    for (kind, fields) in [
        ("asset", json!({ "asset_tag": "a" })),
        ("licence", json!({ "name": "b" })),
        ("employee", json!({ "first_name": "c" })),
        ("domain", json!({ "domain_name": "d.example" })),
    ] {
        assert_eq!(create(&customer, kind, fields).await.status, 201);
    }
    for kind in ["asset", "licence", "employee", "domain"] {
        let listed = customer.get(&format!("/v1/records?kind={kind}")).await.json();
        let kinds: Vec<_> = listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["kind"].clone())
            .collect();
        assert_eq!(kinds, [json!(kind)]);
    }
}

#[tokio::test]
async fn a_timeline_of_several_pages_has_every_event_once_oldest_first() {
    let (world, customer) = setting().await;
    let reply = create(&customer, "licence", json!({ "name": "0" })).await;
    let path = reply.header("location").unwrap().to_owned();
    for n in 1..8 {
        world.advance(1);
        let (body, etag) = (json!({ "fields": { "name": n.to_string() } }), format!("\"{n}\""));
        assert_eq!(
            customer
                .json(http::Method::PATCH, &path, &body, &[("if-match", &etag)])
                .await
                .status,
            200
        );
    }
    for limit in [1, 3, 7, 8, 9] {
        let (events, pages) = walk(&customer, &format!("{path}/events?"), limit).await;
        let versions: Vec<_> = events
            .iter()
            .map(|event| event["record_version"].as_u64().unwrap())
            .collect();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7, 8], "by {limit}");
        assert!(limit > 7 || pages > 1, "by {limit}: {pages} pages");
        let ids: BTreeSet<_> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 8);
    }
}
