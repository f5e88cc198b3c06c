//! Refresh tokens: opaque, rotating, with detection of reuse (RFC 9700 §4.14.2).
//!
//! The token of rotation `n` is a MAC under the user's data key. Nothing of it is stored, a genuine old token can be
//! told from a forged one, a lost answer can be repeated with the same token, and all of them end with the user's key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::model::SessionFacts;
use super::sessions::is_alive;
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::seal::DataKey;

/// How long the token before the current one is answered with the current one: the answer may have been lost.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

const REFUSED: Error = Error::Unauthenticated("The refresh token is not valid. Sign in again.");

/// A refresh token that somebody presents, not yet known to be genuine.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The user it is for.
    pub user: UserId,
    /// The session it continues.
    pub session: SessionId,
    rotation: u64,
    tag: [u8; 32],
}

/// What a presented token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the current one: rotate.
    Current,
    /// It is the one before, and the answer that replaced it may have been lost: give the current one again.
    Repeated,
    /// It is older: somebody kept a copy. The session ends.
    Reused,
}

impl RefreshToken {
    /// The token of `rotation`.
    pub fn new(user: UserId, session: SessionId, rotation: u64, key: &DataKey) -> Self {
        Self {
            user,
            session,
            rotation,
            tag: tag(user, session, rotation, key),
        }
    }

    /// The token as its holder keeps it.
    pub fn reveal(&self) -> String {
        let mut bytes = Vec::with_capacity(72);
        bytes.extend_from_slice(&self.user.bits().to_be_bytes());
        bytes.extend_from_slice(&self.session.bits().to_be_bytes());
        bytes.extend_from_slice(&self.rotation.to_be_bytes());
        bytes.extend_from_slice(&self.tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when it has not the form of one.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes: [u8; 72] = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(REFUSED)?;
        let mut halves = [[0; 16]; 2];
        halves[0].copy_from_slice(&bytes[..16]);
        halves[1].copy_from_slice(&bytes[16..32]);
        let mut rotation = [0; 8];
        rotation.copy_from_slice(&bytes[32..40]);
        let mut tag = [0; 32];
        tag.copy_from_slice(&bytes[40..]);
        Ok(Self {
            user: UserId::from_bits(u128::from_be_bytes(halves[0])),
            session: SessionId::from_bits(u128::from_be_bytes(halves[1])),
            rotation: u64::from_be_bytes(rotation),
            tag,
        })
    }

    /// What the token is worth for `session`, whose current rotation is `current`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when it is not genuine, was never issued, or the session is over.
    pub fn judge(
        &self,
        session: &SessionFacts,
        current: u64,
        key: &DataKey,
        now: Timestamp,
    ) -> Result<Verdict> {
        let genuine = tag(self.user, self.session, self.rotation, key);
        aws_lc_rs::constant_time::verify_slices_are_equal(&genuine, &self.tag).map_err(|_| REFUSED)?;
        if !is_alive(session, now) || self.rotation > current {
            return Err(REFUSED);
        }
        let since = now.as_millisecond() - session.used_at;
        Ok(match current - self.rotation {
            0 => Verdict::Current,
            1 if i128::from(since) < GRACE.as_millis() => Verdict::Repeated,
            _ => Verdict::Reused,
        })
    }
}

fn tag(user: UserId, session: SessionId, rotation: u64, key: &DataKey) -> [u8; 32] {
    key.mac("refresh", format!("{user}\n{session}\n{rotation}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::model::{Carrier, SignInMethod};
    use crate::auth::Level;
    use crate::entropy::SystemEntropy;
    use crate::ids::OrgId;
    use crate::seal::RootKey;
    use crate::unit::UnitId;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn session(rotation: u64) -> SessionFacts {
        let expires_at = now() + SignedDuration::from_hours(1);
        SessionFacts {
            org: OrgId::from_bits(1),
            carrier: Carrier::Bearer { rotation },
            method: SignInMethod::Password,
            level: Level::Aal1,
            authenticated_at: now().as_millisecond(),
            own_factor_at: None,
            used_at: now().as_millisecond(),
            created_at: now(),
            expires_at,
            ttl: expires_at.as_second(),
        }
    }

    #[test]
    fn each_rotation_has_its_verdict() {
        let user = UserId::from_bits(1);
        let (key, _) = RootKey::new([1; 32]).new_data_key(UnitId::User(user), &SystemEntropy);
        let token = |rotation| {
            let text = RefreshToken::new(user, SessionId::from_bits(2), rotation, &key).reveal();
            RefreshToken::parse(&text).unwrap()
        };
        let later = now() + SignedDuration::from_secs(61);
        assert_eq!(token(5).judge(&session(5), 5, &key, now()), Ok(Verdict::Current));
        assert_eq!(token(4).judge(&session(5), 5, &key, now()), Ok(Verdict::Repeated));
        assert_eq!(token(4).judge(&session(5), 5, &key, later), Ok(Verdict::Reused));
        assert_eq!(token(3).judge(&session(5), 5, &key, now()), Ok(Verdict::Reused));
        assert_eq!(
            token(6).judge(&session(5), 5, &key, now()),
            Err(REFUSED),
            "it was never issued"
        );
        let over = now() + SignedDuration::from_hours(1);
        assert_eq!(token(5).judge(&session(5), 5, &key, over), Err(REFUSED));
    }

    #[test]
    fn a_forged_token_is_refused_and_ends_nothing() {
        let user = UserId::from_bits(1);
        let root = RootKey::new([1; 32]);
        let (key, _) = root.new_data_key(UnitId::User(user), &SystemEntropy);
        let (other, _) = root.new_data_key(UnitId::User(user), &SystemEntropy);
        let forged = RefreshToken::new(user, SessionId::from_bits(2), 3, &other);
        assert_eq!(forged.judge(&session(5), 5, &key, now()), Err(REFUSED));
        for text in ["", "AAAA", "not base64!"] {
            assert!(RefreshToken::parse(text).is_err());
        }
    }
}
