//! What an ID token says, and whether it may be believed (OpenID Connect Core 1.0 §3.1.3.7).

use std::str::FromStr;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, IdTokenClaims, IdTokenVerifier, IssuerUrl, Nonce,
    SignatureVerificationError,
};
use serde::{Deserialize, Serialize};

use super::model::{ClaimedEmail, Connection, Identity, Kind, SignedIn};
use super::provider::Keys;
use super::rules::{FLOW_LIFETIME, Refused};
use crate::egress::dns::Domain;
use crate::email::Email;

/// How far a provider's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The longest ID token that is read, in bytes.
const MAX_LENGTH: usize = 16 * 1_024;

/// The longest subject (OpenID Connect Core 1.0 §2).
const MAX_SUBJECT: usize = 255;

/// Claims beyond those of the standard: Microsoft's tenant and object, Google's hosted domain.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MoreClaims {
    tid: Option<String>,
    oid: Option<String>,
    hd: Option<String>,
    nbf: Option<i64>,
}

impl AdditionalClaims for MoreClaims {}

type IdToken = openidconnect::IdToken<
    MoreClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Claims = IdTokenClaims<MoreClaims, CoreGenderClaim>;

/// Why an ID token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// No key of the provider's has its `kid`: perhaps there is a new one.
    UnknownKey,
    /// It is not good.
    Refused(Refused),
}

impl From<Refused> for Doubt {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Verifies an ID token, and reads who signed in.
///
/// RS256, ES256 and EdDSA are taken. A token without `kid` is taken when exactly one key fits its algorithm, and refused
/// when several do.
///
/// # Errors
/// Says why it is not believed.
pub(super) fn verify(
    token: &str,
    connection: &Connection,
    keys: &Keys,
    nonce: &str,
    now: Timestamp,
) -> Result<SignedIn, Doubt> {
    if token.len() > MAX_LENGTH {
        return Err(Refused::IdToken("length").into());
    }
    let token = IdToken::from_str(token).map_err(|_| Refused::IdToken("form"))?;
    // Which of the allowed tenants it is has to be known before the signature is checked; it decides only what the
    // token's issuer must be.
    let tenant = unverified_tenant(&token);
    let issuer = connection
        .issuer_of(tenant.as_deref())
        .ok_or(Refused::Stranger)?
        .into_owned();
    let verifier = verifier(connection, keys.of(&issuer), &issuer, now)?;
    let nonce = Nonce::new(nonce.to_owned());
    let claims = token.claims(&verifier, &nonce).map_err(|error| doubt(&error))?;
    check_more(claims, connection, now)?;
    Ok(signed_in(claims, connection, issuer)?)
}

fn unverified_tenant(token: &IdToken) -> Option<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let text = token.to_string();
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<MoreClaims>(&payload).ok()?.tid
}

fn verifier(
    connection: &Connection,
    keys: CoreJsonWebKeySet,
    issuer: &str,
    now: Timestamp,
) -> Result<IdTokenVerifier<'static, CoreJsonWebKey>, Refused> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| Refused::Discovery)?;
    // The library's instants are those of another crate; the machine's are what both know.
    let time = SystemTime::from(now).into();
    let window = SystemTime::from(now - FLOW_LIFETIME - SKEW)..=SystemTime::from(now + SKEW);
    Ok(IdTokenVerifier::new_public_client(
        ClientId::new(connection.client_id.as_str().to_owned()),
        issuer,
        keys,
    )
    .set_allowed_algs([
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ])
    // Another audience is believed when we are the party it was issued to, which is checked below.
    .set_other_audience_verifier_fn(|_| true)
    .set_time_fn(move || time)
    .set_issue_time_verifier_fn(move |issued| {
        let good = window.contains(&SystemTime::from(issued));
        good.then_some(()).ok_or_else(|| "iat".to_owned())
    }))
}

/// What the library leaves to its caller.
fn check_more(claims: &Claims, connection: &Connection, now: Timestamp) -> Result<(), Refused> {
    let azp = claims.authorized_party().map(|party| party.as_str());
    if azp.is_some_and(|azp| azp != connection.client_id.as_str())
        || (azp.is_none() && claims.audiences().len() > 1)
    {
        return Err(Refused::IdToken("azp"));
    }
    let nbf = claims.additional_claims().nbf;
    if nbf.is_some_and(|nbf| nbf > (now + SKEW).as_second()) {
        return Err(Refused::IdToken("nbf"));
    }
    let subject = claims.subject().as_str();
    if subject.trim().is_empty() || subject.len() > MAX_SUBJECT {
        return Err(Refused::IdToken("sub"));
    }
    Ok(())
}

fn signed_in(claims: &Claims, connection: &Connection, issuer: String) -> Result<SignedIn, Refused> {
    let more = claims.additional_claims();
    let (subject, vouches) = match &connection.kind {
        // `sub` differs from client to client at Microsoft; `oid` is the person in the tenant that the issuer names.
        Kind::Microsoft { .. } => {
            let oid = more
                .oid
                .as_deref()
                .and_then(|oid| uuid::Uuid::try_parse(oid).ok());
            (
                oid.ok_or(Refused::IdToken("oid"))?.hyphenated().to_string(),
                false,
            )
        }
        Kind::Google { hosted_domains } => {
            let domain = more.hd.as_deref().and_then(|domain| Domain::parse(domain).ok());
            if !domain.is_some_and(|domain| hosted_domains.contains(&domain)) {
                return Err(Refused::Stranger);
            }
            (claims.subject().as_str().to_owned(), true)
        }
        Kind::Oidc => (claims.subject().as_str().to_owned(), true),
    };
    let address = claims.email().and_then(|email| Email::parse(email).ok());
    let methods = claims.auth_method_refs().map(Vec::as_slice).unwrap_or_default();
    Ok(SignedIn {
        identity: Identity { issuer, subject },
        email: address.map(|address| ClaimedEmail {
            address,
            verified: vouches && claims.email_verified() == Some(true),
        }),
        authenticated_at: claims
            .auth_time()
            .and_then(|time| Timestamp::from_second(time.timestamp()).ok()),
        multi_factor: methods.iter().any(|method| method.as_str() == "mfa"),
    })
}

fn doubt(error: &ClaimsVerificationError) -> Doubt {
    // The library's texts repeat the token's claims; only which claim it was is kept.
    let claim = match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            return Doubt::UnknownKey;
        }
        ClaimsVerificationError::SignatureVerification(_) => "signature",
        ClaimsVerificationError::Expired(_) => "time",
        ClaimsVerificationError::InvalidAudience(_) => "aud",
        ClaimsVerificationError::InvalidIssuer(_) => "iss",
        ClaimsVerificationError::InvalidNonce(_) => "nonce",
        _ => "header",
    };
    Doubt::Refused(Refused::IdToken(claim))
}
