//! Access tokens (RFC 9068, EdDSA) and opaque secrets.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::entropy::{self, Entropy};
use crate::error::{Error, Result};
use crate::ids::{OrgId, SessionId, UserId};

/// How long an access token is good.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// The media type of an access token (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// Who takes access tokens.
const AUDIENCE: &str = "trackwell-api";

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 2_048;

/// What an access token says: ids and instants, no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it: the deployment's origin.
    pub iss: String,
    /// Who it is for.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The organisation.
    pub org: OrgId,
    /// The session.
    pub sid: SessionId,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
    /// From when it is good, in Unix seconds.
    pub nbf: i64,
    /// Until when it is good, in Unix seconds.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// A public key in JSON Web Key form (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PublicKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key's id: the start of the SHA-256 of its bytes.
    pub kid: String,
    /// The key's bytes.
    pub x: String,
}

/// The keys whose tokens are good (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PublicKeys {
    /// The keys; two while one replaces the other.
    pub keys: Vec<PublicKey>,
}

/// Issues access tokens. Only the functions that sign people in hold one.
pub struct Issuer {
    key: EncodingKey,
    public: PublicKey,
    origin: String,
}

impl Issuer {
    /// An issuer for the deployment at `origin` from the 32 bytes of an Ed25519 seed.
    ///
    /// # Errors
    /// When the seed is not one.
    pub fn new(seed: &[u8], origin: &str) -> Result<Self> {
        let wrong = || Error::internal("the token signing key is not an Ed25519 seed");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| wrong())?;
        let der = pair.to_pkcs8v1().map_err(|_| wrong())?;
        Ok(Self {
            key: EncodingKey::from_ed_der(der.as_ref()),
            public: public_key(pair.public_key().as_ref()),
            origin: origin.to_owned(),
        })
    }

    /// The key that verifies what this issuer signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A token for a session.
    ///
    /// # Errors
    /// Only when signing fails.
    pub fn issue(
        &self,
        (user, org, session): (UserId, OrgId, SessionId),
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String> {
        let claims = Claims {
            iss: self.origin.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            org,
            sid: session,
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second() + LIFETIME.as_secs(),
            jti: hex::encode(entropy::bytes::<12>(entropy)),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.public.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map_err(|_| Error::internal("a token does not sign"))
    }
}

fn public_key(bytes: &[u8]) -> PublicKey {
    let kid = hex::encode(&digest::digest(&digest::SHA256, bytes).as_ref()[..8]);
    let word = str::to_owned;
    PublicKey {
        kty: word("OKP"),
        crv: word("Ed25519"),
        alg: word("EdDSA"),
        usage: word("sig"),
        kid,
        x: URL_SAFE_NO_PAD.encode(bytes),
    }
}

/// Verifies access tokens: one algorithm, known keys, every claim present and right.
pub struct Verifier {
    keys: Vec<(String, DecodingKey)>,
    origin: String,
}

impl Verifier {
    /// A verifier for the deployment at `origin`.
    ///
    /// # Errors
    /// When a key is not an Ed25519 public key.
    pub fn new(keys: &PublicKeys, origin: &str) -> Result<Self> {
        let keys = keys
            .keys
            .iter()
            .map(|key| Ok((key.kid.clone(), DecodingKey::from_ed_components(&key.x)?)))
            .collect::<Result<_, jsonwebtoken::errors::Error>>()
            .map_err(|_| Error::internal("a token verification key is not an Ed25519 key"))?;
        Ok(Self {
            keys,
            origin: origin.to_owned(),
        })
    }

    /// The claims of a good token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for anything else; why is nobody's business.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims> {
        self.check(token, now).ok_or(Error::Unauthenticated(
            "The access token is not valid or has expired.",
        ))
    }

    fn check(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let header: StrictHeader = serde_json::from_slice(&header).ok()?;
        if header.alg != "EdDSA" || header.typ != TYPE {
            return None;
        }
        let (_, key) = self.keys.iter().find(|(kid, _)| *kid == header.kid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.origin]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        // The library would ask the machine for the time; the clock is ours, so the instants are compared below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .ok()?
            .claims;
        let second = now.as_second();
        // Functions run on different machines: a token may come from a clock that is a little ahead.
        let skew = 5;
        let in_time = claims.nbf <= second + skew && claims.iat <= second + skew && second < claims.exp;
        (in_time && claims.exp - claims.iat <= LIFETIME.as_secs()).then_some(claims)
    }
}

/// A secret that is given out once; only its digest is kept.
pub struct OpaqueSecret(String);

impl OpaqueSecret {
    /// 256 random bits.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(URL_SAFE_NO_PAD.encode(entropy::bytes::<32>(entropy)))
    }

    /// The secret itself, for its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the secret in hex. The secret is random, so a fast hash is enough.
    pub fn digest(&self) -> String {
        digest_of(&self.0)
    }
}

/// The digest of a secret that somebody presents.
pub fn digest_of(secret: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, secret.as_bytes()))
}

/// Whether two digests are the same, in constant time.
pub fn same_digest(left: &str, right: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    const ORIGIN: &str = "https://api.example";

    fn issuer() -> Issuer {
        Issuer::new(&[5; 32], ORIGIN).unwrap()
    }

    fn verifier() -> Verifier {
        Verifier::new(
            &PublicKeys {
                keys: vec![issuer().public().clone()],
            },
            ORIGIN,
        )
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn token() -> String {
        let ids = (UserId::from_bits(1), OrgId::from_bits(2), SessionId::from_bits(3));
        issuer().issue(ids, now(), &SystemEntropy).unwrap()
    }

    fn forged(header: &str, change: impl Fn(&mut serde_json::Value)) -> String {
        let token = token();
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let mut claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        change(&mut claims);
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap())
        );
        let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        format!(
            "{message}.{}",
            URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()))
        )
    }

    fn header() -> String {
        format!(
            r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#,
            issuer().public().kid
        )
    }

    #[test]
    fn a_token_is_good_for_ten_minutes() {
        let verifier = verifier();
        let token = token();
        assert!(verifier.verify(&token, now()).is_ok());
        assert!(
            verifier
                .verify(&token, now() + SignedDuration::from_secs(599))
                .is_ok()
        );
        assert!(
            verifier
                .verify(&token, now() + SignedDuration::from_secs(600))
                .is_err()
        );
        assert!(
            verifier
                .verify(&token, now() - SignedDuration::from_secs(60))
                .is_err()
        );
        assert!(
            verifier.verify(&forged(&header(), |_| {}), now()).is_ok(),
            "the forgery helper itself is sound"
        );
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let (verifier, token) = (verifier(), token());
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(verifier.verify(&changed, now()).is_err(), "character {index}");
        }
        for wrong in [
            "",
            "null",
            "undefined",
            "a.b",
            "a.b.c.d.e",
            &token[..token.len() - 4],
            &format!("{token}="),
        ] {
            assert!(verifier.verify(wrong, now()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_header_but_ours_is_refused() {
        let kid = issuer().public().kid.clone();
        let x = issuer().public().x.clone();
        for header in [
            format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":["EdDSA"],"typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#.to_owned(),
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../../dev/null"}"#.to_owned(),
            format!(r#"{{"alg":"EdDSA","alg":"none","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}","jku":"http://127.0.0.1/"}}"#),
            format!(
                r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}}}"#
            ),
        ] {
            assert!(
                verifier().verify(&forged(&header, |_| {}), now()).is_err(),
                "{header}"
            );
        }
    }

    #[test]
    fn every_claim_is_required_and_checked() {
        use serde_json::json;
        for name in ["iss", "aud", "sub", "org", "sid", "iat", "nbf", "exp", "jti"] {
            let token = forged(&header(), |claims| {
                claims.as_object_mut().unwrap().remove(name);
            });
            assert!(verifier().verify(&token, now()).is_err(), "{name} is missing");
        }
        for (name, value) in [
            ("iss", json!("https://api.example/")),
            ("iss", json!("http://api.example")),
            ("aud", json!("trackwell")),
            ("aud", json!(["trackwell-api-2"])),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("exp", json!("never")),
            ("exp", json!(null)),
            ("exp", json!(-1)),
            ("exp", json!(4_102_444_800_i64)),
            ("nbf", json!(4_102_444_800_i64)),
            ("iat", json!(4_102_444_800_i64)),
            ("admin", json!(true)),
        ] {
            let token = forged(&header(), |claims| claims[name] = value.clone());
            assert!(verifier().verify(&token, now()).is_err(), "{name} = {value}");
        }
    }

    #[test]
    fn a_key_that_was_removed_kills_its_tokens_and_two_can_be_live() {
        let new = Issuer::new(&[6; 32], ORIGIN).unwrap();
        let both = PublicKeys {
            keys: vec![new.public().clone(), issuer().public().clone()],
        };
        assert!(
            Verifier::new(&both, ORIGIN)
                .unwrap()
                .verify(&token(), now())
                .is_ok()
        );
        let only_new = PublicKeys {
            keys: vec![new.public().clone()],
        };
        assert!(
            Verifier::new(&only_new, ORIGIN)
                .unwrap()
                .verify(&token(), now())
                .is_err()
        );
    }
}
