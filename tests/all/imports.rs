//! CSV import: an answer per line, the same whenever it is asked again, whole whatever cuts it off.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Customer, World};
use crate::http::import;
use crate::records::setting;
use crate::support::{assert_unchanged, together};

/// Every asset of a customer, in the order of the list.
async fn assets(customer: &Customer) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), "/v1/records?kind=asset&limit=200".to_owned());
    loop {
        let page = customer.get(&path).await.json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/records?kind=asset&limit=200&cursor={cursor}"),
            None => return all,
        }
    }
}

fn tags(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["fields"]["asset_tag"].as_str().unwrap())
        .collect()
}

/// What lines of an import failed, with the pointers of their violations.
fn failures(answer: &Value) -> Vec<(u64, Vec<String>)> {
    let lines = answer["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line.get("id").is_none());
    lines
        .map(|line| {
            let violations = line["violations"].as_array().unwrap();
            let pointers = violations
                .iter()
                .map(|violation| violation["pointer"].as_str().unwrap().to_owned());
            (line["line"].as_u64().unwrap(), pointers.collect())
        })
        .collect()
}

/// 300 lines, of which each 50th is wrong in a way of its own.
fn long_file() -> String {
    let mut csv = "asset_tag,name,serial,warranty_months,status\n".to_owned();
    for n in 2..=301 {
        csv += &match n {
            50 => ",no tag,,,\n".to_owned(),
            100 => "T-100,x,,many,\n".to_owned(),
            150 => "t-60,the tag of line 60,,,\n".to_owned(),
            200 => "T-200,x,,,new\n".to_owned(),
            250 => "TAKEN,x,,,\n".to_owned(),
            300 => "T-300,x,S,12,ready,one cell too many\n".to_owned(),
            n => format!("T-{n},Laptop {n},S-{n},12,Ready\n"),
        };
    }
    csv
}

#[tokio::test]
async fn an_import_answers_for_each_line_and_creates_the_others_in_their_order() {
    let (world, customer) = setting().await;
    customer.asset(json!({ "asset_tag": "taken" })).await;
    world.advance(1);
    let reply = import(&customer, "k1", &long_file()).await;
    let answer = reply.json();
    assert_eq!(reply.status, 201, "{reply:?}");
    let summary = json!([
        answer["kind"],
        answer["done"],
        answer["total"],
        answer["created"],
        answer["failed"]
    ]);
    assert_eq!(summary, json!(["asset", true, 300, 294, 6]));
    let expected = [
        (50, vec!["/asset_tag"]),
        (100, vec!["/warranty_months"]),
        (150, vec!["/asset_tag"]),
        (200, vec!["/status"]),
        (250, vec!["/asset_tag"]),
        (300, vec![""]),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(line, of)| (line, of.into_iter().map(str::to_owned).collect()))
        .collect();
    assert_eq!(failures(&answer), expected);
    let lines = answer["lines"].as_array().unwrap();
    let numbers: Vec<_> = lines.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (2..=301).collect::<Vec<_>>());
    let detail = |line: usize| lines[line - 2]["violations"][0]["detail"].as_str().unwrap();
    assert!(detail(150).contains("Line 60"), "{}", detail(150));
    assert!(
        detail(250).contains("Another asset has this asset_tag"),
        "{}",
        detail(250)
    );

    let stored = assets(&customer).await;
    let ids: Vec<_> = lines.iter().filter_map(|line| line["id"].as_str()).collect();
    let listed: Vec<_> = stored
        .iter()
        .skip(1)
        .map(|record| record["id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ids, "the list has them in the order of the file");
    let reply = customer.get(&format!("/v1/records/{}", ids[0])).await;
    let fields = json!({ "asset_tag": "T-2", "name": "Laptop 2", "serial": "S-2", "warranty_months": 12, "status": "ready" });
    assert_eq!(
        (reply.header("etag"), &reply.json()["fields"]),
        (Some("\"1\""), &fields)
    );
    let events = customer
        .get(&format!("/v1/records/{}/events", ids[0]))
        .await
        .json();
    assert_eq!(
        (
            events["data"].as_array().unwrap().len(),
            &events["data"][0]["action"]
        ),
        (1, &json!("created"))
    );
    assert_eq!(world.of_type("core", "event").await.len(), 295);
}

#[tokio::test]
async fn o_02_o_03_the_same_import_again_gets_the_same_answer_and_another_file_is_refused() {
    let (world, mut customer) = setting().await;
    let file = "asset_tag,serial\nA,1\n,2\nB,3\n";
    let first = import(&customer, "k1", file).await;
    assert_eq!(
        (first.status, &first.json()["created"]),
        (201, &json!(2)),
        "{first:?}"
    );
    let before = world.everything().await;
    let again = import(&customer, "k1", file).await;
    assert_eq!(
        (again.status, again.json(), again.header("location")),
        (201, first.json(), first.header("location"))
    );
    let read = customer.get(first.header("location").unwrap()).await;
    assert_eq!((read.status, read.json()), (200, first.json()));
    for other in [
        "asset_tag,serial\nA,1\n,2\nC,3\n",
        "asset_tag,serial\r\nA,1\r\n,2\r\nB,3\r\n",
    ] {
        let reply = import(&customer, "k1", other).await;
        assert_eq!(
            reply.problem(),
            (422, "idempotency-mismatch".into(), vec![]),
            "{reply:?}"
        );
    }
    assert_unchanged(&before, &world.everything().await, "repeated imports");
    let second = import(&customer, "k2", file).await;
    assert_eq!(
        (second.status, &second.json()["created"]),
        (201, &json!(0)),
        "the records are there already"
    );
    assert_eq!(failures(&second.json()).len(), 3);
    // An import has no end: its records must not be created again on the next day.
    world.advance(25 * 3_600);
    customer.sign_in().await;
    assert_eq!(import(&customer, "k1", file).await.json(), first.json());
    assert_eq!(assets(&customer).await.len(), 2);
}

#[tokio::test]
async fn o_01_a_file_that_cannot_be_imported_as_a_whole_creates_nothing() {
    let (world, customer) = setting().await;
    let before = world.everything().await;
    let headers = [("content-type", "text/csv")];
    let reply = customer
        .send(
            Method::POST,
            "/v1/imports?kind=asset",
            &headers,
            Bytes::from("asset_tag\nA\n"),
        )
        .await;
    assert_eq!(
        reply.problem(),
        (400, "unreadable".into(), vec!["Idempotency-Key".into()]),
        "{reply:?}"
    );
    let headers = [("content-type", "text/csv"), ("idempotency-key", "k")];
    for path in [
        "/v1/imports",
        "/v1/imports?kind=licence",
        "/v1/imports?kind=",
        "/v1/imports?kind=car",
    ] {
        let reply = customer
            .send(Method::POST, path, &headers, Bytes::from("asset_tag\nA\n"))
            .await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["?kind".into()]),
            "{reply:?}"
        );
    }
    let too_many = (0..=5_000).fold("asset_tag\n".to_owned(), |csv, n| csv + &format!("T-{n}\n"));
    let all_wrong = (0..=1_000).fold("asset_tag\n".to_owned(), |csv, _| csv + "\"\"\n");
    for (file, pointers) in [
        (b"".as_slice(), vec![""]),
        (b"\n\n", vec![""]),
        (b"\xef\xbb\xbf", vec![""]),
        (b"asset_tag\n\xff\n", vec![""]),
        (b"asset_tag,colour\nA,red\n", vec!["/1/1"]),
        (b"asset_tag,name,asset_tag\nA,B,C\n", vec!["/1/2"]),
        (b"asset_tag,purchase_cost.colour\nA,B\n", vec!["/1/1"]),
        (b"asset_tag,Name,SERIAL\nA,B,C\n", vec!["/1/1", "/1/2"]),
        (b"asset_tag,\nA,B\n", vec!["/1/1"]),
        (too_many.as_bytes(), vec![""]),
    ] {
        let reply = customer
            .send(
                Method::POST,
                "/v1/imports?kind=asset",
                &headers,
                Bytes::copy_from_slice(file),
            )
            .await;
        let pointers = pointers.into_iter().map(str::to_owned).collect();
        let shown = String::from_utf8_lossy(&file[..file.len().min(60)]);
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), pointers),
            "{shown:?}: {reply:?}"
        );
    }
    let reply = import(&customer, "k", &all_wrong).await;
    let (status, _, pointers) = reply.problem();
    assert_eq!(
        (status, pointers.len(), pointers[0].as_str()),
        (422, 50, "/2/asset_tag"),
        "{reply:?}"
    );
    assert_unchanged(&before, &world.everything().await, "files that are none");
    assert_eq!(
        import(&customer, "k", "asset_tag\nA\n").await.status,
        201,
        "the key was not used up"
    );
}

#[tokio::test]
async fn cells_keep_commas_quotes_line_breaks_and_formulas_as_text() {
    let (_, customer) = setting().await;
    let file = "\u{feff}asset_tag,name,notes,purchase_cost.amount,purchase_cost.currency\r\n\
        \"A,1\",\"say \"\"hi\"\"\",\"line one\r\nline two\",129900,EUR\r\n\
        \r\n\
        =1+1,+SUM(A1),@cmd,,\r\n\
        -2,\"=HYPERLINK(\"\"http://x\"\")\",\tx,,\r\n\
        B,0012,TRUE,,\r\n\
        C\r\n\
        D,,,1.5,EUR\r\n\
        E,,,5,\r\n";
    let reply = import(&customer, "k1", file).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let lines: Vec<_> = reply.json()["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(
        lines,
        [2, 5, 6, 7, 8, 9, 10],
        "the numbers of the lines in the file"
    );
    let expected = vec![
        (9, vec!["/purchase_cost/amount".to_owned()]),
        (10, vec!["/purchase_cost/currency".to_owned()]),
    ];
    assert_eq!(failures(&reply.json()), expected);
    let fields: Vec<_> = assets(&customer)
        .await
        .into_iter()
        .map(|mut record| record["fields"].take())
        .collect();
    let expected = [
        json!({ "asset_tag": "A,1", "name": "say \"hi\"", "notes": "line one\nline two", "status": "ready",
            "purchase_cost": { "amount": 129_900, "currency": "EUR" } }),
        json!({ "asset_tag": "=1+1", "name": "+SUM(A1)", "notes": "@cmd", "status": "ready" }),
        json!({ "asset_tag": "-2", "name": "=HYPERLINK(\"http://x\")", "notes": "x", "status": "ready" }),
        json!({ "asset_tag": "B", "name": "0012", "notes": "TRUE", "status": "ready" }),
        json!({ "asset_tag": "C", "status": "ready" }),
    ];
    assert_eq!(fields, expected);
}

/// What an import of the long file has left when it is done.
async fn assert_whole(world: &World, customer: &Customer, answer: &Value) {
    let stored = assets(customer).await;
    assert_eq!((answer["created"].as_u64(), stored.len()), (Some(295), 295));
    assert_eq!((tags(&stored)[0], tags(&stored)[294]), ("T-2", "T-301"));
    let ids: Vec<_> = answer["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line["id"].as_str())
        .collect();
    let listed: Vec<_> = stored
        .iter()
        .map(|record| record["id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ids);
    for (of, count) in [
        ("record", 295),
        ("event", 295),
        ("unique_guard", 295 + 294),
        ("import", 1),
    ] {
        assert_eq!(world.of_type("core", of).await.len(), count, "{of}");
    }
}

#[tokio::test]
async fn o_08_an_import_that_was_cut_off_anywhere_is_finished_by_repeating_it_after_its_lease() {
    // The first transaction takes the lease, the last notes the result, the others create.
    for passed in [0, 1, 2, 5, 9, 13] {
        let (world, customer) = setting().await;
        world
            .killed_at(
                "imports-create",
                "TransactWriteItems",
                passed,
                import(&customer, "k1", &long_file()),
            )
            .await;
        if passed > 0 {
            let before = world.everything().await;
            let early = import(&customer, "k1", &long_file()).await;
            assert_eq!(
                early.problem(),
                (409, "conflict".into(), vec!["Idempotency-Key".into()]),
                "{early:?}"
            );
            let other = import(&customer, "k1", "asset_tag\nX\n").await;
            assert_eq!(other.problem().1, "idempotency-mismatch");
            assert_unchanged(&before, &world.everything().await, "an import at work");
            world.advance(61);
        }
        let reply = import(&customer, "k1", &long_file()).await;
        assert_eq!(reply.status, 201, "cut off behind {passed}: {reply:?}");
        assert_whole(&world, &customer, &reply.json()).await;
        assert_eq!(import(&customer, "k1", &long_file()).await.json(), reply.json());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_times_the_same_import_at_one_moment_is_one_import() {
    let (world, customer) = setting().await;
    world.meet("imports-create", "TransactWriteItems", 8);
    let replies = together(8, |_| {
        let (client, file) = (customer.client.clone(), long_file());
        let headers = [("content-type", "text/csv"), ("idempotency-key", "k1")];
        async move {
            client
                .send(Method::POST, "/v1/imports?kind=asset", &headers, file.into())
                .await
        }
    })
    .await;
    world.stack.clear_fault();
    let won: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    assert!(
        replies
            .iter()
            .all(|reply| reply.status == 201 || reply.problem().0 == 409),
        "{replies:?}"
    );
    assert_whole(&world, &customer, &won[0].json()).await;
}

#[tokio::test]
async fn o_11_a_request_that_outlives_its_lease_cannot_undo_what_its_successor_did() {
    let (world, customer) = setting().await;
    let file = "asset_tag\nA\nB\n";
    let (client, body) = (customer.client.clone(), file.to_owned());
    let headers = [("content-type", "text/csv"), ("idempotency-key", "k1")];
    // The second transaction creates the records; the first one took the lease.
    let (reached, go_on) = world.pause_after("imports-create", "TransactWriteItems", 1);
    let first = tokio::spawn(async move {
        client
            .send(Method::POST, "/v1/imports?kind=asset", &headers, body.into())
            .await
    });
    reached.notified().await;
    world.advance(61);
    let second = import(&customer, "k1", file).await;
    assert_eq!((second.status, &second.json()["created"]), (201, &json!(2)));
    go_on.notify_one();
    let first = first.await.unwrap();
    assert_eq!(
        (first.status, first.json()),
        (201, second.json()),
        "it finds what its successor did"
    );
    assert_eq!(
        customer.get(second.header("location").unwrap()).await.json(),
        second.json()
    );
    assert_eq!(assets(&customer).await.len(), 2);
}
