//! Codes that a mail carries: whose they are, and a secret of which only a digest is stored.

use jiff::{SignedDuration, Timestamp};

use super::model::VerificationCode;
use super::token::{OpaqueSecret, digest_of};
use crate::ctx::Ctx;
use crate::ids::UserId;

/// A code that is about to be mailed.
pub(super) struct NewCode {
    /// The code, for the mail.
    pub(super) text: String,
    /// What is stored of it.
    pub(super) digest: String,
    /// Until when it is good.
    pub(super) expires_at: Timestamp,
}

impl NewCode {
    pub(super) fn new(ctx: &Ctx, user: UserId, lifetime: SignedDuration) -> Self {
        let secret = OpaqueSecret::new(ctx.entropy.as_ref());
        Self {
            text: format!("{user}.{}", secret.reveal()),
            digest: secret.digest(),
            expires_at: ctx.now().saturating_add(lifetime).unwrap_or(Timestamp::MAX),
        }
    }

    /// As it is stored.
    pub(super) fn row(&self) -> VerificationCode {
        VerificationCode {
            digest: self.digest.clone(),
            expires_at: self.expires_at,
            ttl: self.expires_at.as_second(),
        }
    }
}

/// A code that somebody shows.
pub(super) struct ShownCode {
    /// Whose it says it is.
    pub(super) user: UserId,
    /// The digest of its secret.
    pub(super) digest: String,
}

impl ShownCode {
    /// Reads a code; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (user, secret) = text.trim().split_once('.')?;
        Some(Self {
            user: user.parse().ok()?,
            digest: digest_of(secret),
        })
    }
}
