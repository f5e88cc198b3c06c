//! TDO-2 and the erasure engine, by the bytes: unique words in every personal field, looked for in everything at rest.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use local::Storage;
use serde_json::json;
use shared::policy::Profile;
use shared::stored::{Data, REGISTRY};

use crate::connections::connect;
use crate::harness::World;

/// Everything that any test of this binary logs.
static LOG: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let writer = move || Sink(Arc::clone(&sink));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE);
    let filter = "trace,s3s=off,hyper=off,aws_smithy_runtime=off,aws_smithy_runtime_api=off,aws_runtime=off,aws_sdk_s3=off,aws_sigv4=off,hickory_resolver=off,hickory_net=off,hickory_proto=off";
    subscriber.with_env_filter(filter).with_writer(writer).init();
    log
});

struct Sink(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The forms in which a word could lie somewhere.
fn forms(word: &str) -> Vec<Vec<u8>> {
    let lower = word.to_lowercase();
    let mut forms = vec![
        word.as_bytes().to_vec(),
        lower.as_bytes().to_vec(),
        word.to_uppercase().into_bytes(),
    ];
    forms.push(hex::encode(word).into_bytes());
    forms.push(hex::encode_upper(word).into_bytes());
    forms.push(
        word.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
            .into_bytes(),
    );
    for text in [word, &lower] {
        // In base64 a text looks different at each of three offsets; its middle is the same whatever stands around.
        for offset in 0..3 {
            let padded = [vec![b'x'; offset], text.as_bytes().to_vec()].concat();
            let encoded = STANDARD_NO_PAD.encode(&padded);
            let start = [0, 2, 3][offset];
            forms.push(encoded.as_bytes()[start..encoded.len() - 2].to_vec());
        }
    }
    forms
}

/// Where any form of any word is.
fn sightings(words: &[String], places: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in places {
        for word in words {
            for form in forms(word) {
                if bytes.windows(form.len()).any(|window| window == form) {
                    found.push(format!("{word} in {place} as {}", String::from_utf8_lossy(&form)));
                }
            }
        }
    }
    found
}

/// Everything at rest: every file of the data directory, every table, every object version; not the outside world.
async fn at_rest(world: &World) -> Vec<(String, Vec<u8>)> {
    let places = world.stack.raw_bytes().await.unwrap();
    places
        .into_iter()
        .filter(|(place, _)| !place.contains("mailbox"))
        .collect()
}

#[tokio::test]
async fn nothing_personal_is_ever_stored_in_plain_text_and_nothing_is_left_after_erasure() {
    let log = Arc::clone(&LOG);
    let directory = tempfile::tempdir().unwrap();
    let world = World::stored(Profile::Trackr, Storage::Directory(directory.path().to_owned())).await;
    let mut words = Vec::new();
    let mut word = |what: &str| {
        let word = format!("Kanari{what}{:04}Vogel", words.len());
        words.push(word.clone());
        word
    };
    let person = word("Person");
    let mut customer = world.customer(&person).await;
    let invited = format!("{}@customer.example", word("Invited").to_lowercase());
    let reply = crate::members::invite(&customer, &invited, "viewer").await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let rename = json!({ "name": word("Name") });
    assert_eq!(
        customer
            .json(http::Method::PATCH, "/v1/me", &rename, &[])
            .await
            .status,
        200
    );
    let other = json!({ "email": format!("{}@customer.example", word("Other").to_lowercase()) });
    assert_eq!(customer.post("/v1/me/email", &other).await.status, 202);
    let rename = json!({ "name": word("Firma") });
    assert_eq!(
        customer
            .json(http::Method::PATCH, "/v1/organisation", &rename, &[])
            .await
            .status,
        200
    );
    let billing = json!({
        "name": word("Rechnung"), "address": word("Strasse"), "vat_number": "GB123456789", "reference": word("Zeichen"),
    });
    assert_eq!(
        customer
            .json(http::Method::PUT, "/v1/organisation/billing", &billing, &[])
            .await
            .status,
        200
    );
    let record = customer
        .asset(json!({
            "asset_tag": word("Tag"), "name": word("Geraet"), "serial": word("Serie"), "model": word("Modell"),
            "manufacturer": word("Werk"), "category": word("Art"), "location": word("Ort"), "supplier": word("Haendler"),
            "order_number": word("Auftrag"), "notes": word("Notiz"),
        }))
        .await;
    for (kind, fields) in [
        (
            "licence",
            json!({ "name": word("Lizenz"), "product_key": word("Schluessel"), "license_name": word("Nehmer"),
            "license_email": format!("{}@works.example", word("Lizenzpost")) }),
        ),
        (
            "employee",
            json!({ "first_name": word("Vor"), "last_name": word("Nach"), "email": format!("{}@works.example", word("Post")),
            "employee_num": word("Nummer"), "jobtitle": word("Beruf"), "department": word("Amt"), "phone": word("Ruf"), "notes": word("Akte") }),
        ),
        (
            "domain",
            json!({ "domain_name": format!("{}.example", word("Netz")), "registrar": word("Register"), "notes": word("Zettel") }),
        ),
    ] {
        let body = json!({ "kind": kind, "fields": fields });
        let reply = customer
            .post_with(
                "/v1/records",
                &body,
                &[("idempotency-key", &format!("key-{kind}"))],
            )
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    let patch = json!({ "fields": { "name": word("Neu") } });
    let path = format!("/v1/records/{record}");
    assert_eq!(
        customer
            .json(http::Method::PATCH, &path, &patch, &[("if-match", "\"1\"")])
            .await
            .status,
        200
    );
    customer
        .attach(
            &record,
            &format!("{}.txt", word("Datei")),
            &format!("Inhalt {}\n", word("Inhalt")),
        )
        .await;
    let link = json!({ "name": word("Verweis"), "url": format!("https://files.example/{}", word("Pfad")) });
    assert_eq!(
        customer.post(&format!("{path}/attachments"), &link).await.status,
        201
    );
    let csv = format!(
        "asset_tag,notes,warranty_months\n{},{},x\n{},{},3\n",
        word("Eins"),
        word("Falsch"),
        word("Zwei"),
        word("Richtig")
    );
    let headers = [("content-type", "text/csv"), ("idempotency-key", "canary")];
    let reply = customer
        .send(http::Method::POST, "/v1/imports?kind=asset", &headers, csv.into())
        .await;
    assert_eq!(
        (reply.status, &reply.json()["created"]),
        (201, &json!(1)),
        "{reply:?}"
    );
    let service = json!({ "name": word("Dienst") });
    let service = customer.post("/v1/service-accounts", &service).await.text("id");
    let key = json!({
        "name": word("Zugang"), "scopes": { "actions": ["records.read"] }, "expires_at": "2027-06-01T00:00:00Z",
    });
    let keys = format!("/v1/service-accounts/{service}/keys");
    let secret = customer.post(&keys, &key).await.text("key");
    let reply = world.with_token(&secret).get("/v1/records?kind=asset").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let staff = world.staff(&word("Personal"), "support").await;
    let organisation = customer.organisation().await;
    let wanted = json!({ "reason": word("Grund") });
    let access = staff.ask_for_access(&organisation, &wanted).await;
    let reply = customer.decide(&access, "approve").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let read = format!("/v1/staff/organisations/{organisation}/access/{access}/records/{record}");
    let reply = staff.get(&read).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let provider = world.provider().await;
    let connection = json!({
        "provider": { "kind": "oidc" }, "issuer": format!("{}/{}", provider.issuer, word("Aussteller").to_lowercase()),
        "client_id": word("Kennung"), "client_secret": word("Geheimnis"),
    });
    let connected = customer.post("/v1/organisation/connections", &connection).await;
    assert_eq!(connected.status, 201, "{connected:?}");
    let domain = format!("{}.example", word("Domain").to_lowercase());
    world.prove(&customer, &domain).await;
    provider.says("sub", json!(word("Subjekt")));
    provider.says("email", json!(format!("{}@customer.example", word("Anbieter"))));
    let connection = connect(&customer, &provider).await;
    let wanted = json!({ "connection_id": connection["id"] });
    let begun = customer.post("/v1/me/identities", &wanted).await;
    let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap();
    let back = provider
        .visit(&begun.text("authorization_url").parse().unwrap())
        .unwrap();
    let path = format!("{}?{}", back.path(), back.query().unwrap());
    let headers = [("cookie", cookie)];
    let linked = world
        .anonymous()
        .send(http::Method::GET, &path, &headers, "".into())
        .await;
    assert_eq!(linked.status, 303, "{linked:?}");
    customer.enrol_passkey().await;
    let secret_of_app = customer
        .post("/v1/me/factors/totp", &serde_json::Value::Null)
        .await;
    assert_eq!(secret_of_app.status, 201, "{secret_of_app:?}");
    let codes = customer
        .post("/v1/me/factors/recovery-codes", &serde_json::Value::Null)
        .await;
    assert_eq!(codes.status, 201, "{codes:?}");
    let codes = codes.json()["codes"].clone();
    // A mail that waits, and a request that fails with personal data in it.
    let again = json!({ "name": word("Doppelt"), "email": customer.email, "company": "x", "password": crate::harness::PASSWORD,
        "age_confirmed": 18, "policy_version": Profile::Trackr.policy().version().to_string() });
    world.stack.mails().throttle(1);
    assert_eq!(
        world.anonymous().post("/v1/auth/register", &again).await.status,
        202
    );
    let broken = json!({ "kind": "asset", "fields": { word("Feld"): word("Wert") } });
    assert_eq!(customer.post("/v1/records", &broken).await.status, 422);

    // What of a key is secret is nowhere, either.
    words.push(secret.split_at(46).1.to_owned());
    words.push(secret_of_app.json()["secret"].as_str().unwrap().to_owned());
    words.push(codes[0].as_str().unwrap().to_owned());

    let mut types = BTreeSet::new();
    for table in ["core", "keys", "ephemeral", "control"] {
        types.extend(
            world
                .items(table)
                .await
                .iter()
                .map(|item| item["t"].as_str().unwrap().to_owned()),
        );
    }
    for info in REGISTRY
        .iter()
        .filter(|info| matches!(info.data, Data::Personal { .. }))
    {
        // A code or a ceremony is used up when it is used; every other type must be there for the test to mean anything.
        let elsewhere = [
            "verification_code",
            "passkey_registration",
            "passkey_check",
            "pending_sign_in",
            "factors_reset",
        ];
        assert!(
            types.contains(info.name) || elsewhere.contains(&info.name),
            "no {} was stored: {types:?}",
            info.name
        );
    }

    let mut planted = tempfile::NamedTempFile::new_in(directory.path()).unwrap();
    planted.write_all(hex::encode(&words[3]).as_bytes()).unwrap();
    planted.flush().unwrap();
    assert_eq!(
        sightings(&words, &at_rest(&world).await).len(),
        1,
        "the search finds a planted word"
    );
    planted.close().unwrap();
    assert_eq!(
        sightings(&words, &at_rest(&world).await),
        Vec::<String>::new(),
        "before erasure: sealed before stored"
    );

    let leaver = staff.user().await;
    let reply = customer.delete("/v1/me", &[]).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    world
        .task_with("staff-remove", json!({ "user_id": leaver }))
        .await;
    world.settle().await;
    let years = world.now() + jiff::SignedDuration::from_hours(24 * 366 * 6);
    world.clock.set(years);
    world.settle().await;
    assert_eq!(
        sightings(&words, &at_rest(&world).await),
        Vec::<String>::new(),
        "after erasure"
    );
    for table in ["core", "ephemeral", "keys"] {
        let mut items = world.items(table).await;
        // Counts of tries name nobody: their keys are keyed hashes, and TTL removes them.
        items.retain(|item| item["t"] != "counter" && item["t"] != "softlock");
        assert!(items.is_empty(), "{table}: {items:?}");
    }
    assert_eq!(world.object_versions().await, 0);
    let control = world.items("control").await;
    let waiting = control.iter().filter(|item| item["t"] == "mail_head").count();
    assert_eq!(waiting, 0, "the outbox is empty");

    let logged = vec![("the log".to_owned(), log.lock().unwrap().clone())];
    assert!(logged[0].1.len() > 100, "something was logged");
    assert_eq!(sightings(&words, &logged), Vec::<String>::new(), "in the log");
}
