//! Access tokens as attackers make them: every one of them is 401, changes nothing, and is not echoed.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::accounts::token::{Issuer, PublicKeys};
use shared::policy::Profile;

use crate::harness::{Customer, World};
use crate::support::assert_unchanged;

const SEED: [u8; 32] = [9; 32];

/// A deployment whose signing key the attacker has not, but the test has.
struct Setting {
    world: World,
    customer: Customer,
    kid: String,
    claims: Value,
}

impl Setting {
    async fn new() -> Self {
        let world = World::new(Profile::Trackado).await;
        let customer = world.customer("Ada").await;
        let issuer = Issuer::new(&SEED, world.stack.origin()).unwrap();
        let mut keys = public_keys(&world);
        keys.keys.push(issuer.public().clone());
        world
            .stack
            .redeploy_with("TOKEN_PUBLIC_KEYS", &serde_json::to_string(&keys).unwrap());
        let claims = decoded(customer.token.as_deref().unwrap(), 1);
        Self {
            kid: issuer.public().kid.clone(),
            world,
            customer,
            claims,
        }
    }

    fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid })
    }

    /// A token that is signed well, whatever it says.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        self.signed_text(&header.to_string(), &claims.to_string())
    }

    fn signed_text(&self, header: &str, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
        format!(
            "{message}.{}",
            URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()))
        )
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.signed(&self.header(), &claims)
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header();
        header[name] = value;
        self.signed(&header, &self.claims)
    }

    async fn status(&self, token: &str) -> u16 {
        self.world.with_token(token).get("/v1/me").await.status
    }

    /// Each is 401 with one and the same body, and nothing of it comes back.
    async fn assert_refused(&self, tokens: &[(String, String)]) {
        let before = self.world.everything().await;
        let plain = self.world.with_token("x.y.z").get("/v1/me").await;
        for (what, token) in tokens {
            let Ok(value) = http::HeaderValue::from_str(&format!("Bearer {token}")) else {
                continue;
            };
            let headers = [("authorization", value.to_str().unwrap())];
            let reply = self
                .world
                .anonymous()
                .send(Method::GET, "/v1/me", &headers, Bytes::new())
                .await;
            assert_eq!(reply.status, 401, "{what}: {reply:?}");
            // A good signature over somebody else's ids is a token of a session that there is not.
            let of_others = ["sub = \"user", "sid = \"session", "org = \"org"];
            if token.contains('.') && !of_others.iter().any(|start| what.starts_with(start)) {
                assert_eq!(reply.anonymised(), plain.anonymised(), "{what}");
            }
        }
        assert_unchanged(&before, &self.world.everything().await, "forged tokens");
    }
}

fn public_keys(world: &World) -> PublicKeys {
    serde_json::from_str(&world.stack.environment("me-get")["TOKEN_PUBLIC_KEYS"]).unwrap()
}

fn decoded(token: &str, part: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(part).unwrap())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn named(cases: impl IntoIterator<Item = (impl ToString, String)>) -> Vec<(String, String)> {
    cases
        .into_iter()
        .map(|(what, token)| (what.to_string(), token))
        .collect()
}

#[tokio::test]
async fn d_01_d_02_d_03_d_32_d_35_a_token_that_is_cut_changed_or_spelt_otherwise_is_refused() {
    let setting = Setting::new().await;
    let good = setting.signed(&setting.header(), &setting.claims);
    assert_eq!(setting.status(&good).await, 200, "the forgery itself is sound");
    let parts: Vec<_> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let standard = |part: &str| STANDARD.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut cases = named([
        ("empty", String::new()),
        ("null", "null".into()),
        ("undefined", "undefined".into()),
        ("cut", good[..good.len() - 4].into()),
        ("no signature", format!("{header}.{claims}")),
        ("an empty signature", format!("{header}.{claims}.")),
        (
            "zeros",
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        ),
        ("psychic DER", format!("{header}.{claims}.MAYCAQACAQA")),
        ("five parts", format!("{good}.{claims}.{signature}")),
        ("four parts", format!("{good}.{signature}")),
        (
            "nested",
            setting.signed(
                &json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": setting.kid, "cty": "JWT" }),
                &setting.claims,
            ),
        ),
        (
            "standard base64",
            format!(
                "{}.{}.{}",
                standard(header),
                standard(claims),
                standard(signature)
            ),
        ),
        ("padding", format!("{header}.{claims}.{}", padded(signature))),
        ("padding of the header", format!("{header}=.{claims}.{signature}")),
        ("a space", format!("{header}. {claims}.{signature}")),
        ("a tab", format!("{header}.{claims}\t.{signature}")),
        ("trailing", format!("{good} ")),
    ]);
    let bytes: Vec<_> = parts
        .iter()
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    for part in 0..3 {
        for bit in [0, 5, bytes[part].len() * 8 - 1] {
            let mut changed = bytes.clone();
            changed[part][bit / 8] ^= 1 << (bit % 8);
            let token: Vec<_> = changed.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            cases.push((format!("bit {bit} of part {part}"), token.join(".")));
        }
    }
    setting.assert_refused(&cases).await;
}

#[tokio::test]
async fn d_04_d_05_d_07_d_29_another_algorithm_opens_nothing_whatever_key_it_is_signed_with() {
    let setting = Setting::new().await;
    let mut cases = Vec::new();
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("noNE"),
        json!(""),
        json!(null),
        json!(0),
        json!(["EdDSA"]),
        json!("ES256"),
        json!("RS256"),
        json!("eddsa"),
        json!("Ed25519"),
    ] {
        let mut header = setting.header();
        header["alg"] = alg.clone();
        let signed = setting.signed(&header, &setting.claims);
        let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
        cases.extend([(format!("{alg}"), signed), (format!("{alg} unsigned"), unsigned)]);
    }
    let mut without = setting.header();
    without.as_object_mut().unwrap().remove("alg");
    cases.push(("no alg".into(), setting.signed(&without, &setting.claims)));
    let public = Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
    let public = public.public_key().as_ref().to_vec();
    let der = [
        &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ][..],
        &public,
    ]
    .concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&public) }).to_string();
    let mut secrets: Vec<Vec<u8>> = vec![
        public.clone(),
        der,
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        jwk.into_bytes(),
        URL_SAFE_NO_PAD.encode(&public).into_bytes(),
        Vec::new(),
    ];
    let known = [
        "secret",
        "password",
        "key",
        "changeme",
        "your-256-bit-secret",
        "jwt_secret",
        "1",
        "test",
        "AllYourBase",
    ];
    secrets.extend(known.map(|secret| secret.as_bytes().to_vec()));
    for (alg, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        for (index, secret) in secrets.iter().enumerate() {
            let header = json!({ "alg": alg, "typ": "at+jwt", "kid": setting.kid });
            let message = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header.to_string()),
                URL_SAFE_NO_PAD.encode(setting.claims.to_string())
            );
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
            cases.push((
                format!("{alg} with secret {index}"),
                format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())),
            ));
        }
    }
    setting.assert_refused(&cases).await;
}

#[tokio::test]
async fn d_08_d_09_d_11_d_13_d_37_a_header_that_names_a_key_of_its_own_is_refused_and_nobody_is_asked() {
    let setting = Setting::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let x = URL_SAFE_NO_PAD.encode(
        Ed25519KeyPair::from_seed_unchecked(&SEED)
            .unwrap()
            .public_key()
            .as_ref(),
    );
    let mut cases = named([
        (
            "jwk",
            setting.with_header("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": x })),
        ),
        ("jku", setting.with_header("jku", json!(url))),
        ("x5u", setting.with_header("x5u", json!(url))),
        ("x5c", setting.with_header("x5c", json!(["MIIB"]))),
        ("crit", setting.with_header("crit", json!(["exp"]))),
        (
            "alg twice",
            setting.signed_text(
                &format!(
                    r#"{{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#,
                    setting.kid
                ),
                &setting.claims.to_string(),
            ),
        ),
        (
            "no kid",
            setting.signed(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &setting.claims),
        ),
    ]);
    for kid in [
        "",
        "0000000000000000",
        "../../../../dev/null",
        "/dev/null",
        "/invalid_path",
        "|sleep 10",
        "x' UNION SELECT '1';--",
        "\u{0}",
    ] {
        cases.push((format!("kid {kid:?}"), setting.with_header("kid", json!(kid))));
    }
    setting.assert_refused(&cases).await;
    assert!(listener.accept().is_err(), "no connection was made");
}

#[tokio::test]
async fn d_16_d_17_d_20_d_22_d_23_d_25_a_claim_that_is_wrong_or_missing_makes_the_token_worthless() {
    let setting = Setting::new().await;
    let mallory = setting.world.customer("Mallory").await;
    let foreign = decoded(mallory.token.as_deref().unwrap(), 1);
    let now = setting.world.now().as_second();
    let origin = setting.world.stack.origin().to_owned();
    let mut cases = Vec::new();
    for name in ["iss", "aud", "sub", "org", "sid", "iat", "nbf", "exp", "jti"] {
        let mut claims = setting.claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        cases.push((format!("no {name}"), setting.signed(&setting.header(), &claims)));
    }
    for (name, value) in [
        ("exp", json!(now - 6)),
        ("exp", json!("never")),
        ("exp", json!(null)),
        ("exp", json!(-1)),
        ("exp", json!(now + 86_400)),
        ("exp", json!(1.5)),
        ("nbf", json!(now + 6)),
        ("iat", json!(now + 3_600)),
        ("iat", json!(now - 86_400)),
        ("aud", json!("")),
        ("aud", json!("trackwell")),
        ("aud", json!("trackwell-api-2")),
        ("aud", json!("Trackwell-API")),
        ("aud", json!(["other"])),
        ("aud", json!(["other", "trackwell-api"])),
        ("aud", json!(null)),
        ("iss", json!(format!("{origin}/"))),
        ("iss", json!(origin.to_uppercase())),
        ("iss", json!(origin.replace("http", "ftp"))),
        ("iss", json!("")),
        ("iss", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", foreign["sub"].clone()),
        ("sid", foreign["sid"].clone()),
        ("org", foreign["org"].clone()),
        ("admin", json!(true)),
    ] {
        cases.push((format!("{name} = {value}"), setting.with_claim(name, value)));
    }
    let huge = setting
        .claims
        .to_string()
        .replace(&setting.claims["exp"].to_string(), "1e400");
    cases.push((
        "exp = 1e400".into(),
        setting.signed_text(&setting.header().to_string(), &huge),
    ));
    for typ in ["JWT", "at+JWT2", "id_token", "logout+jwt", ""] {
        cases.push((format!("typ {typ}"), setting.with_header("typ", json!(typ))));
    }
    cases.push(("a refresh token".into(), setting.customer.refresh_token.clone()));
    setting.assert_refused(&cases).await;
    let access = setting.customer.token.clone().unwrap();
    for (path, body) in [
        ("/v1/auth/refresh", json!({ "refresh_token": access })),
        ("/v1/auth/verify-email", json!({ "code": access })),
    ] {
        let reply = setting.world.anonymous().post(path, &body).await;
        assert!(matches!(reply.status, 401 | 422), "{path}: {reply:?}");
    }
    assert_eq!(
        setting.status(&setting.with_claim("jti", json!("another"))).await,
        200,
        "the forgery itself is sound"
    );
}

#[tokio::test]
async fn d_38_d_39_a_payload_that_is_no_claims_is_refused_quickly_and_never_echoed() {
    let setting = Setting::new().await;
    let header = setting.header().to_string();
    let canary = "canary-in-a-claim";
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let mut cases = named([
        (
            "BOM",
            setting.signed_text(&header, &format!("\u{feff}{}", setting.claims)),
        ),
        ("deep", setting.signed_text(&header, &deep)),
        ("array", setting.signed_text(&header, "[]")),
        ("canary", setting.with_claim("name", json!(canary))),
        (
            "canary unsigned",
            format!("{}x", setting.with_claim("sub", json!(canary))),
        ),
    ]);
    let not_utf8 = format!(
        "{}.{}.x",
        URL_SAFE_NO_PAD.encode(&header),
        URL_SAFE_NO_PAD.encode(b"{\"sub\":\"\xff\"}")
    );
    cases.push(("not UTF-8".into(), not_utf8));
    cases.push(("long".into(), format!("a.{}.b", "A".repeat(9_000))));
    setting.assert_refused(&cases).await;
    let reply = setting
        .world
        .with_token(&setting.with_claim("sub", json!(canary)))
        .get("/v1/me")
        .await;
    assert!(!format!("{reply:?}").contains(canary));
}

#[tokio::test]
async fn d_27_s_11_two_keys_are_live_while_one_replaces_the_other_and_a_removed_key_kills_its_tokens() {
    let setting = Setting::new().await;
    let old = setting.customer.token.clone().unwrap();
    let new = setting.signed(&setting.header(), &setting.claims);
    assert_eq!(
        (setting.status(&old).await, setting.status(&new).await),
        (200, 200),
        "both are live"
    );
    let published = setting
        .world
        .anonymous()
        .get("/.well-known/jwks.json")
        .await
        .json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    let mut keys = public_keys(&setting.world);
    keys.keys = vec![Issuer::new(&SEED, "").unwrap().public().clone()];
    setting
        .world
        .stack
        .redeploy_with("TOKEN_PUBLIC_KEYS", &serde_json::to_string(&keys).unwrap());
    assert_eq!(setting.status(&old).await, 401, "its key is retired");
    assert_eq!(setting.status(&new).await, 200);
    let published = setting
        .world
        .anonymous()
        .get("/.well-known/jwks.json")
        .await
        .json();
    assert_eq!(published["keys"][0]["kid"], json!(setting.kid));
}
