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

/// A type of [`Opaque`] secrets: what its text begins with, how many ids it has, and whose.
macro_rules! opaque {
    ($(#[$meta:meta])* $name:ident, $prefix:expr, $count:literal, ($($part:ident: $id:ident),+)) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(Opaque<$count>);

        impl $name {
            /// A new one for what the ids name.
            pub fn new(($($part),+): ($($id),+), entropy: &dyn Entropy) -> Self {
                Self(Opaque::new([$($part.bits()),+], entropy))
            }

            /// Reads one; `None` for what has not its form.
            pub fn parse(text: &str) -> Option<Self> {
                Opaque::parse(text.strip_prefix($prefix)?).map(Self)
            }

            /// The text itself, for its holder, once.
            pub fn reveal(&self) -> String {
                format!("{}{}", $prefix, self.0.reveal())
            }

            /// What is stored of it.
            pub fn digest(&self) -> String {
                self.0.digest()
            }

            /// Whether `stored` is what is stored of it, in constant time.
            pub fn matches(&self, stored: &str) -> bool {
                same_digest(&self.digest(), stored)
            }

            /// What it says it opens.
            pub fn ids(&self) -> ($($id),+) {
                let [$($part),+] = self.0.ids;
                ($($id::from_bits($part)),+)
            }
        }
    };
}

opaque!(
    /// The value of a session's cookie.
    CookieToken, "", 3, (user: UserId, org: OrgId, session: SessionId)
);
opaque!(
    /// What the holder of a sign-in has that waits for a second factor.
    PendingToken, "", 2, (user: UserId, pending: SessionId)
);
opaque!(
    /// An API key.
    ApiKey, API_KEY_PREFIX, 2, (org: OrgId, key: ApiKeyId)
);
opaque!(
    /// The code of an invitation, as the mail carries it.
    InvitationCode, "", 2, (org: OrgId, invitation: InvitationId)
);

impl ApiKey {
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
            return CookieToken::parse(value).map(Self::Cookie).ok_or(WRONG);
        }
        let token = bearer(authorization)?;
        if token.starts_with(API_KEY_PREFIX) {
            return ApiKey::parse(token).map(Self::Key).ok_or(WRONG);
        }
        verifier.verify(token, now).map(Self::Token)
    }
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
        let again = CookieToken::parse(&cookie.reveal()).unwrap();
        assert_eq!((again.ids(), again.digest()), (ids, cookie.digest()));
        let key = ApiKey::new((OrgId::from_bits(2), ApiKeyId::from_bits(4)), &SystemEntropy);
        let text = key.reveal();
        assert!(text.starts_with(API_KEY_PREFIX));
        assert!(ApiKey::parse(&text).is_some() && ApiKey::parse(&text[4..]).is_none());
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
