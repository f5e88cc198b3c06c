//! Whose an address is: a user, or nobody in a user's place. Nobody's things are read and written like a user's, under
//! ids that are a hash of the address and sealed with a key that is thrown away: what is asked about an address costs the
//! same work whether it has an account or not, and nothing of it can be read or is kept for long.

use std::collections::HashMap;

use super::model::{UserFacts, UserProfile};
use super::store::owner_of;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::ctx::Ctx;
use crate::email::Email;
use crate::erasure::units;
use crate::error::Result;
use crate::ids::{ActorId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::seal::{DataKey, RootKey};
use crate::source::Source;
use crate::store::{Item, Raw, Transaction};
use crate::unit::UnitId;

/// The user that nobody is, in the place of the owner of an address that has none.
pub(super) fn nobody(root: &RootKey, email_digest: &str) -> UserId {
    let mut bits = [0; 16];
    bits.copy_from_slice(&root.mac("nobody", email_digest.as_bytes())[..16]);
    UserId::from_bits(u128::from_be_bytes(bits))
}

/// Whose an address is.
pub(super) struct Owner {
    /// The user, or the user that nobody is.
    pub(super) user: UserId,
    /// The key of the account, or one that nobody has.
    pub(super) key: DataKey,
    /// The account, if there is one.
    pub(super) account: Option<Item<UserProfile>>,
}

impl Owner {
    /// The keys of what [`read`](Self::read) wants.
    pub(super) fn keys(user: UserId) -> [Key; 2] {
        [keys::user(user), keys::data_key(UnitId::User(user))]
    }

    /// The owner among what was read for `user`.
    ///
    /// # Errors
    /// When a row is not what it should be.
    pub(super) fn read(ctx: &Ctx, root: &RootKey, user: UserId, found: &HashMap<Key, Raw>) -> Result<Self> {
        let unit = UnitId::User(user);
        let [user_key, key_key] = Self::keys(user);
        let key = units::usable_key(found.get(&key_key), unit, root)?;
        if let (Some(key), Some(raw)) = (key, found.get(&user_key)) {
            let account = Some(raw.open::<UserProfile>(&key)?);
            return Ok(Self { user, key, account });
        }
        let (key, _) = root.new_data_key(unit, ctx.entropy.as_ref());
        Ok(Self {
            user,
            key,
            account: None,
        })
    }

    /// The owner of the address with this keyed hash.
    ///
    /// # Errors
    /// When a dependency does not answer.
    pub(super) async fn of(ctx: &Ctx, email_digest: &str) -> Result<Self> {
        let root = ctx.root().await?;
        let user = owner_of(ctx, email_digest).await?;
        let user = user.unwrap_or_else(|| nobody(root, email_digest));
        let found = ctx.store.get(&Self::keys(user), ctx.entropy.as_ref()).await?;
        Self::read(ctx, root, user, &found)
    }

    /// The clear part of the account, if there is one.
    pub(super) fn facts(&self) -> Option<&UserFacts> {
        self.account.as_ref().map(|item| &item.facts)
    }

    /// Where the owner's sign-ins lead; nobody's lead to an organisation that nobody has.
    pub(super) fn home(&self) -> OrgId {
        let nowhere = OrgId::from_bits(self.user.bits());
        self.facts().map_or(nowhere, |facts| facts.org)
    }

    /// Adds an entry to the owner's own log.
    ///
    /// # Errors
    /// Only when an item does not encode.
    pub(super) fn note(
        &self,
        ctx: &Ctx,
        transaction: &mut Transaction,
        kind: ActivityKind,
        source: &Source,
    ) -> Result<()> {
        let owner = (self.user, &self.key);
        if self.account.is_some() {
            activity::of_account(ctx, transaction, owner, kind, None, source)
        } else {
            activity::of_nobody(ctx, transaction, owner, kind, source)
        }
    }

    /// Adds an entry about the owner to the log of their organisation, or one as large to nobody's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn note_in_organisation(
        &self,
        ctx: &Ctx,
        transaction: &mut Transaction,
        kind: ActivityKind,
        source: &Source,
    ) -> Result<()> {
        let tenant = Tenant::new(self.home());
        // Nothing may be written for an organisation that was erased, or that the person left.
        let wanted = [keys::membership(tenant, self.user), keys::organisation(tenant)];
        let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
        if self.account.is_none() {
            return self.note(ctx, transaction, kind, source);
        }
        if wanted.iter().all(|key| found.contains_key(key)) {
            let actor = (kind != ActivityKind::SignInFailed).then_some(ActorId::User(self.user));
            let object = Some(self.user.to_string());
            activity::of_organisation(ctx, transaction, tenant, kind, actor, object)?;
        }
        Ok(())
    }

    /// Adds a mail to the owner. One to nobody is dropped by the schedule, which finds no key for it: it must not be sent
    /// with the request, whose answer would take longer for one than for the other.
    ///
    /// # Errors
    /// Only when an item does not encode.
    pub(super) fn queue(
        &self,
        ctx: &Ctx,
        transaction: &mut Transaction,
        asked: &Email,
        template: Template,
    ) -> Result<Outgoing> {
        let to = self.account.as_ref().map_or(asked, |item| &item.payload.email);
        let now = (ctx.now(), ctx.id_bytes(), ctx.entropy.as_ref());
        send::queue(transaction, (self.user, &self.key), to.clone(), template, now)
    }
}
