//! Codes that a mail carries: whose they are, and a secret of which only a digest is stored.

use jiff::{SignedDuration, Timestamp};

use super::model::VerificationCode;
use super::token::{OpaqueSecret, digest_of};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::ids::UserId;
use crate::keys::Key;
use crate::store::{Condition, Item, Transaction};

/// A code that is about to be mailed.
pub(crate) struct NewCode {
    /// The code, for the mail.
    pub(crate) text: String,
    /// What is stored of it.
    pub(super) digest: String,
    /// Until when it is good.
    pub(super) expires_at: Timestamp,
}

impl NewCode {
    /// A new one for `user`, good from now on for `lifetime`.
    pub(crate) fn new(ctx: &Ctx, user: UserId, lifetime: SignedDuration) -> Self {
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

    /// Adds its row, which replaces an older one.
    ///
    /// # Errors
    /// Only when an item does not encode.
    pub(crate) fn put(&self, transaction: &mut Transaction, key: Key) -> Result<()> {
        let item = Item::plain(key, self.row());
        transaction.put_if("code", &item, &Condition::absent().or(Condition::present()))
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
