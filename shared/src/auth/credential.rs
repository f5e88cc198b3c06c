//! What a caller shows: an access token, a session's cookie, or an API key. Parsed once; nothing of it is known to be good.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::accounts::token::{Claims, Verifier, digest_of, same_digest};
use crate::entropy::{self, Entropy};
use crate::error::{Error, Result};
use crate::ids::{ApiKeyId, InvitationId, OrgId, SessionId, UserId};

/// The name of the cookie: with this prefix browsers keep it to this host, this path and TLS (RFC 6265bis §4.1.3.2).
pub const COOKIE: &str = "__Host-session";

/// What every API key begins with, so that people and scanners of leaked secrets know it (ASVS 13.3.1).
pub const API_KEY_PREFIX: &str = "twk_";

/// A secret with the ids of what it opens: `N` ids of 16 bytes and 32 random ones, in base64url.
#[derive(Clone)]
struct Opaque<const N: usize> {
    ids: [u128; N],
    secret: [u8; 32],
}

impl<const N: usize> Opaque<N> {
    fn new(ids: [u128; N], entropy: &dyn Entropy) -> Self {
        Self {
            ids,
            secret: entropy::bytes(entropy),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (ids_part, secret) = bytes.split_at_checked(N * 16)?;
        let mut ids = [0; N];
        for (id, bytes) in ids.iter_mut().zip(ids_part.chunks_exact(16)) {
            *id = u128::from_be_bytes(bytes.try_into().ok()?);
        }
        let secret = secret.try_into().ok()?;
        Some(Self { ids, secret })
    }

    fn reveal(&self) -> String {
        let mut bytes = Vec::with_capacity(N * 16 + 32);
        for id in self.ids {
            bytes.extend_from_slice(&id.to_be_bytes());
        }
        bytes.extend_from_slice(&self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// SHA-256 of the secret in hex. The secret is random, so a fast hash is enough.
    fn digest(&self) -> String {
        digest_of(&URL_SAFE_NO_PAD.encode(self.secret))
    }
}

/// The value of a session's cookie.
#[derive(Clone)]
pub struct CookieToken(Opaque<3>);

impl CookieToken {
    /// A new one for a session.
    pub fn new((user, org, session): (UserId, OrgId, SessionId), entropy: &dyn Entropy) -> Self {
        Self(Opaque::new([user.bits(), org.bits(), session.bits()], entropy))
    }

    /// The value, for its holder.
    pub fn reveal(&self) -> String {
        self.0.reveal()
    }

    /// What is stored of it.
    pub fn digest(&self) -> String {
        self.0.digest()
    }

    /// Whose session it says it is, for which organisation.
    pub fn ids(&self) -> (UserId, OrgId, SessionId) {
        let [user, org, session] = self.0.ids;
        (
            UserId::from_bits(user),
            OrgId::from_bits(org),
            SessionId::from_bits(session),
        )
    }
}

/// What the holder of a sign-in has that waits for a second factor.
#[derive(Clone)]
pub struct PendingToken(Opaque<2>);

impl PendingToken {
    /// A new one for a user's pending sign-in.
    pub fn new((user, pending): (UserId, SessionId), entropy: &dyn Entropy) -> Self {
        Self(Opaque::new([user.bits(), pending.bits()], entropy))
    }

    /// Reads one; `None` for what has not its form.
    pub fn parse(text: &str) -> Option<Self> {
        Opaque::parse(text).map(Self)
    }

    /// The token, for its holder.
    pub fn reveal(&self) -> String {
        self.0.reveal()
    }

    /// What is stored of it.
    pub fn digest(&self) -> String {
        self.0.digest()
    }

    /// Whether `stored` was stored of it.
    pub fn is_of(&self, stored: &str) -> bool {
        matches(&self.digest(), stored)
    }

    /// Whose sign-in it says it is, and which.
    pub fn ids(&self) -> (UserId, SessionId) {
        let [user, pending] = self.0.ids;
        (UserId::from_bits(user), SessionId::from_bits(pending))
    }
}

/// An API key.
#[derive(Clone)]
pub struct ApiKey(Opaque<2>);

impl ApiKey {
    /// A new one.
    pub fn new((org, key): (OrgId, ApiKeyId), entropy: &dyn Entropy) -> Self {
        Self(Opaque::new([org.bits(), key.bits()], entropy))
    }

    /// The key itself, for its holder, once.
    pub fn reveal(&self) -> String {
        format!("{API_KEY_PREFIX}{}", self.0.reveal())
    }

    /// What every form of the key begins with: enough to tell it from others, and nothing of its secret.
    pub fn prefix(org: OrgId, key: ApiKeyId) -> String {
        let mut ids = [0; 32];
        ids[..16].copy_from_slice(&org.bits().to_be_bytes());
        ids[16..].copy_from_slice(&key.bits().to_be_bytes());
        let mut text = URL_SAFE_NO_PAD.encode(ids);
        // The last digit holds bits of the secret, too.
        text.pop();
        format!("{API_KEY_PREFIX}{text}")
    }

    /// What is stored of it.
    pub fn digest(&self) -> String {
        self.0.digest()
    }

    /// Which key it says it is, of which organisation.
    pub fn ids(&self) -> (OrgId, ApiKeyId) {
        let [org, key] = self.0.ids;
        (OrgId::from_bits(org), ApiKeyId::from_bits(key))
    }
}

/// The code of an invitation, as the mail carries it.
#[derive(Clone)]
pub struct InvitationCode(Opaque<2>);

impl InvitationCode {
    /// A new one.
    pub fn new((org, invitation): (OrgId, InvitationId), entropy: &dyn Entropy) -> Self {
        Self(Opaque::new([org.bits(), invitation.bits()], entropy))
    }

    /// Reads a code; `None` for what is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        Opaque::parse(text).map(Self)
    }

    /// The code itself, for the mail, once.
    pub fn reveal(&self) -> String {
        self.0.reveal()
    }

    /// What is stored of it.
    pub fn digest(&self) -> String {
        self.0.digest()
    }

    /// Whether `stored` is what is stored of it, in constant time.
    pub fn matches(&self, stored: &str) -> bool {
        matches(&self.digest(), stored)
    }

    /// Which invitation it says it is for, of which organisation.
    pub fn ids(&self) -> (OrgId, InvitationId) {
        let [org, invitation] = self.0.ids;
        (OrgId::from_bits(org), InvitationId::from_bits(invitation))
    }
}

/// A credential that somebody shows.
#[derive(Clone)]
pub enum Credential {
    /// An access token, whose signature and claims are right.
    Token(Claims),
    /// The cookie of a browser's session.
    Cookie(CookieToken),
    /// An API key.
    Key(ApiKey),
}

impl Credential {
    /// Reads the credential of a request: the `Authorization` header (RFC 6750), or else the session's cookie.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when there is none, or it is none of ours.
    pub fn parse(
        authorization: Option<&str>,
        cookie: Option<&str>,
        verifier: &Verifier,
        now: jiff::Timestamp,
    ) -> Result<Self> {
        const WRONG: Error = Error::Unauthenticated("The credential is not valid or has expired.");
        if let (None, Some(value)) = (authorization, cookie) {
            return Opaque::parse(value)
                .map(CookieToken)
                .map(Self::Cookie)
                .ok_or(WRONG);
        }
        let token = bearer(authorization)?;
        match token.strip_prefix(API_KEY_PREFIX) {
            Some(key) => Opaque::parse(key).map(ApiKey).map(Self::Key).ok_or(WRONG),
            None => verifier.verify(token, now).map(Self::Token),
        }
    }
}

/// Whether `shown` is the secret of which `stored` is the digest, in constant time.
pub(super) fn matches(shown: &str, stored: &str) -> bool {
    same_digest(shown, stored)
}

/// The bearer token of an `Authorization` header (RFC 6750).
///
/// # Errors
/// [`Error::Unauthenticated`] when there is none.
fn bearer(header: Option<&str>) -> Result<&str> {
    const MISSING: Error = Error::Unauthenticated("Send the access token as Authorization: Bearer <token>.");
    let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or(MISSING)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(MISSING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_header_without_a_bearer_token_is_refused() {
        for header in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic abc")] {
            assert!(bearer(header).is_err(), "{header:?}");
        }
        assert_eq!(bearer(Some("bearer abc")), Ok("abc"));
    }

    #[test]
    fn a_cookie_and_a_key_are_read_as_they_were_given_out_and_in_no_other_form() {
        let ids = (UserId::from_bits(1), OrgId::from_bits(2), SessionId::from_bits(3));
        let cookie = CookieToken::new(ids, &SystemEntropy);
        let again = Opaque::parse(&cookie.reveal()).map(CookieToken).unwrap();
        assert_eq!((again.ids(), again.digest()), (ids, cookie.digest()));
        let key = ApiKey::new((OrgId::from_bits(2), ApiKeyId::from_bits(4)), &SystemEntropy);
        let text = key.reveal();
        assert!(text.starts_with(API_KEY_PREFIX));
        assert!(Opaque::<2>::parse(&text[4..]).is_some());
        let prefix = ApiKey::prefix(OrgId::from_bits(2), ApiKeyId::from_bits(4));
        assert!(text.starts_with(&prefix) && prefix.len() == 46, "{prefix}");
        for wrong in [
            "",
            "AAAA",
            &text[4..40],
            &format!("{}=", &text[4..]),
            &cookie.reveal(),
        ] {
            assert!(Opaque::<2>::parse(wrong).is_none(), "{wrong}");
        }
    }
}
