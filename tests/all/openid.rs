//! Signing in with a provider: one that works, and one that gets one thing wrong at a time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::clock::{Clock, ManualClock};
use shared::egress::dns::Domain;
use shared::egress::{Egress, EgressConfig, Limits, public_roots};
use shared::entropy::SystemEntropy;
use shared::ids::{ConnectionId, SessionId, UserId};
use shared::sso::model::{
    Asker, Callback, ClientId, ClientSecret, Connection, Kind, Purpose, SignedIn, TenantId,
};
use shared::sso::provider::Providers;
use shared::sso::rules::{self, Begun, Refused};
use shared::sso::{Attempt, Failure, ReturnTo, finish};
use tests::openid::{Algorithm, CLIENT_ID, CLIENT_SECRET, Fault, Provider};
use url::Url;

const REDIRECT: &str = "https://api.example/v1/sso/callback";
const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const OTHER_TENANT: &str = "99999999-2222-4333-8444-555555555555";

/// A relying party and its provider.
struct Party {
    clock: Arc<ManualClock>,
    provider: Arc<Provider>,
    connection: Connection,
    egress: Egress,
    providers: Providers,
    id: ConnectionId,
}

impl Party {
    async fn new(algorithm: Algorithm, kind: Kind) -> Self {
        let start: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let provider = Provider::start(clock.clone(), algorithm).await;
        let issuer = match kind {
            Kind::Microsoft { .. } => format!("{}/{{tenantid}}/v2.0", provider.issuer),
            _ => provider.issuer.clone(),
        };
        let config = EgressConfig {
            loopback: true,
            dns_server: None,
        };
        Self {
            clock,
            provider,
            connection: Connection {
                kind,
                issuer,
                client_id: ClientId::parse(CLIENT_ID).unwrap(),
                enabled: true,
            },
            egress: Egress::new(&config, public_roots(), Limits::default()),
            providers: Providers::default(),
            id: ConnectionId::from_bits(7),
        }
    }

    async fn oidc() -> Self {
        Self::new(Algorithm::Es256, Kind::Oidc).await
    }

    async fn begin(&self, purpose: Purpose) -> Result<Begun, Failure> {
        let now = self.clock.now();
        let provider = self
            .providers
            .provider(&self.egress, &self.connection, now)
            .await?;
        let wanted = (purpose, ReturnTo::default());
        let connection = (self.id, &self.connection);
        Ok(rules::begin(
            connection,
            &provider,
            REDIRECT,
            wanted,
            now,
            &SystemEntropy,
        ))
    }

    async fn finish(&self, begun: &Begun, callback: &Callback) -> Result<SignedIn, Failure> {
        self.finish_in(begun, callback, Some(begun.cookie.reveal())).await
    }

    async fn finish_in(
        &self,
        begun: &Begun,
        callback: &Callback,
        cookie: Option<&str>,
    ) -> Result<SignedIn, Failure> {
        let secret = ClientSecret::parse(CLIENT_SECRET).unwrap();
        let attempt = Attempt {
            id: self.id,
            connection: &self.connection,
            secret: &secret,
            flow: &begun.flow,
            cookie,
            callback,
            redirect_uri: REDIRECT,
        };
        finish(&attempt, &self.egress, &self.providers, self.clock.now()).await
    }

    async fn sign_in(&self) -> Result<SignedIn, Failure> {
        self.go(Purpose::SignIn).await
    }

    async fn go(&self, purpose: Purpose) -> Result<SignedIn, Failure> {
        let begun = self.begin(purpose).await?;
        let back = self.provider.visit(&begun.url).unwrap();
        self.finish(&begun, &callback(&back)).await
    }
}

fn callback(back: &Url) -> Callback {
    let value = |name: &str| back.query_pairs().find(|(known, _)| known == name);
    let value = |name: &str| value(name).map(|(_, text)| text.into_owned());
    Callback {
        code: value("code"),
        iss: value("iss"),
        error: value("error"),
    }
}

fn refused(refused: Refused) -> Result<SignedIn, Failure> {
    Err(Failure::Refused(refused))
}

#[tokio::test]
async fn a_person_signs_in_with_each_algorithm() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let party = Party::new(algorithm, Kind::Oidc).await;
        let signed_in = party.sign_in().await.unwrap();
        assert_eq!(signed_in.identity.issuer, party.provider.issuer, "{algorithm:?}");
        assert_eq!(signed_in.identity.subject, "ada", "{algorithm:?}");
        let email = signed_in.email.unwrap();
        assert_eq!(
            (email.address.as_str(), email.verified),
            ("ada@customer.example", true)
        );
    }
}

#[tokio::test]
async fn f_04_f_36_the_request_has_pkce_state_nonce_and_the_least_scopes() {
    let party = Party::oidc().await;
    let begun = party.begin(Purpose::SignIn).await.unwrap();
    let value = |name: &str| {
        begun
            .url
            .query_pairs()
            .find(|(known, _)| known == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(value("code_challenge_method"), "S256");
    assert_eq!(value("scope"), "openid email");
    assert_eq!(value("state"), begun.state.reveal());
    assert_eq!(value("redirect_uri"), REDIRECT);
    let (nonce, challenge) = (value("nonce"), value("code_challenge"));
    assert_eq!((nonce.len(), challenge.len()), (43, 43));
    assert!(
        !begun.url.as_str().contains(begun.cookie.reveal()),
        "the cookie's secret stands in no URL"
    );
    let other = party.begin(Purpose::SignIn).await.unwrap();
    assert!(!other.url.as_str().contains(&nonce) && !other.url.as_str().contains(&challenge));
}

#[tokio::test]
async fn f_02_an_answer_in_another_browser_or_too_late_is_refused_before_anybody_is_asked() {
    let party = Party::oidc().await;
    let begun = party.begin(Purpose::SignIn).await.unwrap();
    let other = party.begin(Purpose::SignIn).await.unwrap();
    let back = callback(&party.provider.visit(&begun.url).unwrap());
    party.provider.seen();
    for cookie in [
        None,
        Some(""),
        Some(other.cookie.reveal()),
        Some(begun.state.reveal()),
    ] {
        let answer = party.finish_in(&begun, &back, cookie).await;
        assert_eq!(answer, refused(Refused::OtherBrowser));
    }
    party.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(party.finish(&begun, &back).await, refused(Refused::Late));
    assert_eq!(party.provider.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn f_04_f_06_a_code_of_another_flow_is_refused_by_verifier_or_nonce() {
    let party = Party::oidc().await;
    let mine = party.begin(Purpose::SignIn).await.unwrap();
    let attackers = party.begin(Purpose::SignIn).await.unwrap();
    let back = callback(&party.provider.visit(&attackers.url).unwrap());
    assert_eq!(party.finish(&mine, &back).await, refused(Refused::Exchange));
}

#[tokio::test]
async fn f_28_a_code_is_good_once() {
    let party = Party::oidc().await;
    let begun = party.begin(Purpose::SignIn).await.unwrap();
    let back = callback(&party.provider.visit(&begun.url).unwrap());
    assert!(party.finish(&begun, &back).await.is_ok());
    assert_eq!(party.finish(&begun, &back).await, refused(Refused::Exchange));
}

#[tokio::test]
async fn f_30_a_connection_that_is_off_or_another_is_refused() {
    let mut party = Party::oidc().await;
    let begun = party.begin(Purpose::SignIn).await.unwrap();
    let back = callback(&party.provider.visit(&begun.url).unwrap());
    party.id = ConnectionId::from_bits(8);
    assert_eq!(party.finish(&begun, &back).await, refused(Refused::Connection));
    party.id = ConnectionId::from_bits(7);
    party.connection.enabled = false;
    assert_eq!(party.finish(&begun, &back).await, refused(Refused::Connection));
}

/// Claims that are wrong, and which of them the refusal names.
fn wrong_claims(issuer: &str, now: i64) -> Vec<(&'static str, Option<Value>, &'static str)> {
    let some = |value: Value| Some(value);
    vec![
        ("sub", None, "form"),
        ("sub", some(json!("")), "sub"),
        ("sub", some(json!(" ")), "sub"),
        ("sub", some(json!("a".repeat(256))), "sub"),
        ("sub", some(json!(7)), "form"),
        ("iat", None, "form"),
        ("exp", None, "form"),
        ("iss", None, "form"),
        ("aud", None, "aud"),
        ("nonce", None, "nonce"),
        ("nonce", some(json!("another")), "nonce"),
        ("nonce", some(json!("")), "nonce"),
        ("iss", some(json!("https://evil.example")), "iss"),
        ("iss", some(json!(format!("{issuer}/"))), "iss"),
        ("iss", some(json!(issuer.to_uppercase())), "iss"),
        ("iss", some(json!(issuer.replace("http:", "https:"))), "iss"),
        ("aud", some(json!("another-client")), "aud"),
        ("aud", some(json!("")), "aud"),
        ("aud", some(json!([])), "aud"),
        ("aud", some(json!("trackwell-clien")), "aud"),
        ("aud", some(json!("Trackwell-Client")), "aud"),
        ("aud", some(json!([CLIENT_ID, "another-client"])), "azp"),
        ("azp", some(json!("another-client")), "azp"),
        ("exp", some(json!(now)), "time"),
        ("exp", some(json!(-1)), "time"),
        ("exp", some(json!("never")), "form"),
        ("exp", some(Value::Null), "form"),
        ("iat", some(json!(now + 61)), "time"),
        ("iat", some(json!(now - 700)), "time"),
        ("nbf", some(json!(now + 61)), "nbf"),
    ]
}

#[tokio::test]
async fn f_06_f_07_f_08_every_wrong_claim_is_refused() {
    let party = Party::oidc().await;
    let now = party.clock.now().as_second();
    for (name, value, claim) in wrong_claims(&party.provider.issuer, now) {
        party.provider.fault(Fault::Claim(name, value.clone()));
        let answer = party.sign_in().await;
        let refusals = [refused(Refused::IdToken(claim)), refused(Refused::Exchange)];
        let expected = if claim == "form" {
            &refusals[1]
        } else {
            &refusals[0]
        };
        assert_eq!(&answer, expected, "{name} {value:?}");
    }
    party
        .provider
        .fault(Fault::Claim("aud", Some(json!([CLIENT_ID]))));
    assert!(
        party.sign_in().await.is_ok(),
        "a list of one is as good as the one"
    );
}

#[tokio::test]
async fn f_10_every_wrong_signature_is_refused() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let party = Party::new(algorithm, Kind::Oidc).await;
        for fault in [
            Fault::BadSignature,
            Fault::Unsigned("none"),
            Fault::Unsigned("None"),
            Fault::Unsigned("nOnE"),
            Fault::Unsigned(""),
            Fault::Mac(CLIENT_SECRET.as_bytes().to_vec()),
            Fault::Mac(Vec::new()),
            Fault::ForeignKey,
            Fault::EmbeddedKey,
            Fault::ZeroSignature,
            Fault::Encrypted,
            Fault::Header("alg", None),
            Fault::Header("alg", Some(Value::Null)),
            Fault::Header("alg", Some(json!(["RS256"]))),
            Fault::Header("alg", Some(json!("HS256"))),
            Fault::Header("alg", Some(json!("RS512"))),
            Fault::Header("alg", Some(json!("PS256"))),
            Fault::Header("typ", Some(json!("at+jwt"))),
            Fault::Header("typ", Some(json!("logout+jwt"))),
            Fault::Header("crit", Some(json!(["exp"]))),
            Fault::Header("kid", Some(json!("../../../../dev/null"))),
            Fault::Header("kid", Some(json!(""))),
        ] {
            party.provider.fault(fault.clone());
            let answer = party.sign_in().await;
            assert!(
                matches!(answer, Err(Failure::Refused(_))),
                "{algorithm:?} {fault:?}: {answer:?}"
            );
        }
        party.provider.fault(Fault::None);
        assert!(party.sign_in().await.is_ok(), "{algorithm:?}");
    }
}

#[tokio::test]
async fn f_11_a_token_without_a_key_id_is_taken_when_one_key_fits_and_refused_when_two_do() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let party = Party::new(algorithm, Kind::Oidc).await;
        party.provider.fault(Fault::Header("kid", None));
        assert!(party.sign_in().await.is_ok(), "{algorithm:?}");
        // What is published is asked for anew, and now there are two.
        party.clock.advance(std::time::Duration::from_secs(901));
        let begun = party.begin(Purpose::SignIn).await.unwrap();
        let back = callback(&party.provider.visit(&begun.url).unwrap());
        party.provider.fault(Fault::Keys(party.provider.keys(2)));
        let answer = party.finish(&begun, &back).await;
        assert!(
            matches!(answer, Err(Failure::Refused(Refused::IdToken(_)))),
            "{algorithm:?}: {answer:?}"
        );
        // Two keys by their ids are no trouble.
        assert!(party.sign_in().await.is_ok(), "{algorithm:?}");
    }
}

#[tokio::test]
async fn f_12_d_13_a_new_key_is_fetched_once_and_an_unknown_one_no_more_than_once_a_minute() {
    let party = Party::oidc().await;
    assert!(party.sign_in().await.is_ok());
    party.provider.fault(Fault::RotatedKey);
    assert!(party.sign_in().await.is_ok(), "the new key is found");
    party.clock.advance(std::time::Duration::from_secs(61));
    party.provider.seen();
    party.provider.fault(Fault::Header("kid", Some(json!("unknown"))));
    for _ in 0..5 {
        assert_eq!(party.sign_in().await, refused(Refused::IdToken("kid")));
    }
    let fetched = party
        .provider
        .seen()
        .iter()
        .filter(|path| *path == "/keys")
        .count();
    assert_eq!(fetched, 1);
}

#[tokio::test]
async fn f_15_a_discovery_document_that_is_anothers_or_leads_inside_is_refused() {
    let party = Party::oidc().await;
    let slash = format!("{}/", party.provider.issuer);
    for (name, value) in [
        ("issuer", Some(json!("https://evil.example"))),
        ("issuer", Some(json!(slash))),
        ("code_challenge_methods_supported", Some(json!(["plain"]))),
        ("token_endpoint", Some(json!("http://169.254.169.254/token"))),
        ("jwks_uri", Some(json!("file:///etc/passwd"))),
        ("authorization_endpoint", Some(json!("javascript:alert(1)"))),
    ] {
        party.provider.fault(Fault::Discovery(name, value.clone()));
        assert_eq!(
            party.sign_in().await,
            refused(Refused::Discovery),
            "{name} {value:?}"
        );
    }
    party.provider.fault(Fault::Discovery("token_endpoint", None));
    assert!(party.sign_in().await.is_err());
}

#[tokio::test]
async fn f_16_f_27_an_answer_of_another_issuer_or_with_an_error_is_refused_without_its_text() {
    let party = Party::oidc().await;
    for (name, text, expected) in [
        ("iss", Some("https://evil.example"), Refused::Answer),
        ("iss", None, Refused::Answer),
        ("code", None, Refused::Answer),
        ("code", Some(""), Refused::Answer),
        ("code", Some("forged"), Refused::Exchange),
        ("error", Some("access_denied"), Refused::Provider("access_denied")),
        (
            "error",
            Some("<script>alert(1)</script>"),
            Refused::Provider("other"),
        ),
    ] {
        party.provider.fault(Fault::Answer(name, text));
        assert_eq!(party.sign_in().await, refused(expected), "{name} {text:?}");
    }
}

#[tokio::test]
async fn f_17_one_subject_at_two_providers_is_two_identities() {
    let (one, other) = (Party::oidc().await, Party::oidc().await);
    let one = one.sign_in().await.unwrap().identity;
    let other = other.sign_in().await.unwrap().identity;
    assert_eq!(one.subject, other.subject);
    assert!(one != other);
}

#[tokio::test]
async fn f_19_at_microsoft_the_identity_is_tenant_and_object_and_other_tenants_are_strangers() {
    let tenants = |list: &[&str]| Kind::Microsoft {
        tenants: list.iter().map(|id| TenantId::parse(id).unwrap()).collect(),
    };
    let object = "aaaaaaaa-2222-4333-8444-555555555555";
    let party = Party::new(Algorithm::Rs256, tenants(&[TENANT])).await;
    let issuer = |tenant: &str| json!(format!("{}/{tenant}/v2.0", party.provider.issuer));
    party.provider.fault(Fault::Answer("iss", None));
    for (name, value) in [
        ("tid", json!(TENANT)),
        ("oid", json!(object)),
        ("iss", issuer(TENANT)),
    ] {
        party.provider.says(name, value);
    }
    let answer = party.sign_in().await;
    assert_eq!(
        answer,
        refused(Refused::Answer),
        "this stand-in always names its issuer"
    );
    party.provider.fault(Fault::Answer(
        "iss",
        Some(Box::leak(
            format!("{}/{TENANT}/v2.0", party.provider.issuer).into_boxed_str(),
        )),
    ));
    let signed_in = party.sign_in().await.unwrap();
    assert_eq!(json!(signed_in.identity.issuer), issuer(TENANT));
    assert_eq!(signed_in.identity.subject, object);
    assert!(
        !signed_in.email.unwrap().verified,
        "its addresses are never verified"
    );
    for (name, value, expected) in [
        ("tid", json!(OTHER_TENANT), Refused::Stranger),
        ("tid", Value::Null, Refused::Stranger),
        ("tid", json!(TENANT), Refused::IdToken("oid")),
    ] {
        party.provider.says("oid", Value::Null);
        party.provider.says(name, value.clone());
        assert_eq!(party.sign_in().await, refused(expected), "{name} {value}");
    }
    party.provider.says("oid", json!(object));
    party.provider.says("iss", issuer(OTHER_TENANT));
    assert_eq!(party.sign_in().await, refused(Refused::IdToken("iss")));
}

#[tokio::test]
async fn f_23_at_google_the_hosted_domain_decides_and_an_unverified_address_is_not_trusted() {
    let hosted_domains = vec![Domain::parse("customer.example").unwrap()];
    let party = Party::new(Algorithm::Rs256, Kind::Google { hosted_domains }).await;
    assert_eq!(party.sign_in().await, refused(Refused::Stranger), "no hd");
    party.provider.says("hd", json!("evil.example"));
    assert_eq!(party.sign_in().await, refused(Refused::Stranger));
    party.provider.says("hd", json!("customer.example"));
    assert!(party.sign_in().await.unwrap().email.unwrap().verified);
    party.provider.says("email_verified", json!(false));
    assert!(!party.sign_in().await.unwrap().email.unwrap().verified);
}

#[tokio::test]
async fn f_35_only_a_fresh_authentication_is_a_step_up() {
    let party = Party::oidc().await;
    let step_up = Purpose::StepUp(Asker {
        user: UserId::from_bits(1),
        session: SessionId::from_bits(1),
    });
    assert!(party.go(step_up).await.is_ok());
    party.provider.says("auth_time", Value::Null);
    assert_eq!(party.go(step_up).await, refused(Refused::NotFresh));
    let old = party.clock.now() - SignedDuration::from_secs(301);
    party.provider.says("auth_time", json!(old.as_second()));
    assert_eq!(party.go(step_up).await, refused(Refused::NotFresh));
    assert!(party.sign_in().await.is_ok(), "a sign-in does not need it");
}

#[tokio::test]
async fn f_37_a_token_endpoint_that_answers_nonsense_or_redirects_gives_nothing_away() {
    let party = Party::oidc().await;
    for fault in [
        Fault::Token(b"{}".to_vec()),
        Fault::Token(br#"{"access_token":"a","token_type":"Bearer"}"#.to_vec()),
        Fault::Token(b"<html>".to_vec()),
        Fault::Token(vec![b'['; 100_000]),
        Fault::TokenRedirect("http://127.0.0.1:1/".to_owned()),
    ] {
        party.provider.fault(fault.clone());
        assert_eq!(party.sign_in().await, refused(Refused::Exchange), "{fault:?}");
    }
    party.provider.fault(Fault::Token(vec![b' '; 300_000]));
    let answer = party.sign_in().await;
    assert_eq!(
        answer,
        Err(Failure::Unavailable(shared::egress::Failure::TooLarge))
    );
}
