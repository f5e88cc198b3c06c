//! The factors of a user: read, and checked when one is shown.

use std::collections::HashMap;

use super::passkeys::{
    Authentication, AuthenticationAnswer, Credential, Passkey, PasskeyFacts, Passkeys, Refused,
};
use super::recovery::{RecoveryCode, RecoveryCodes};
use super::totp::{self, Code, Totp, Verdict};
use crate::accounts::model::{Empty, UserProfile};
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{PasskeyId, UserId};
use crate::keys::{self, Key};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::seal::DataKey;
use crate::store::{Condition, Item, Raw, Transaction};

use super::model::Factor;

/// A factor besides the password, as somebody shows it.
pub enum Second {
    /// A code of the authenticator app.
    Code(Code),
    /// A recovery code.
    RecoveryCode(RecoveryCode),
    /// The answer of a passkey.
    Passkey(Box<AuthenticationAnswer>),
}

/// What showing a factor came to. What it writes is in the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It is right.
    Right {
        /// How many recovery codes are left, when one was used.
        codes_left: Option<usize>,
    },
    /// It is wrong, used, or none of the user's.
    Wrong,
}

/// The factors of a user.
pub struct Factors {
    /// The user.
    pub user: Item<UserProfile>,
    /// The authenticator app, perhaps not confirmed yet.
    pub totp: Option<Item<Totp>>,
    /// The recovery codes that are left.
    pub recovery: Option<Item<RecoveryCodes>>,
    /// The passkeys, the oldest first.
    pub passkeys: Vec<Item<Passkey>>,
}

/// The keys of a user's factors but for passkeys, which are as many as there are.
pub fn keys(user: UserId) -> Vec<Key> {
    vec![keys::user(user), keys::totp(user), keys::recovery_codes(user)]
}

/// The relying party of this deployment.
///
/// # Errors
/// When the origin cannot have passkeys.
pub fn relying_party(ctx: &Ctx) -> Result<Passkeys> {
    Passkeys::new(&ctx.config.origin, ctx.policy().controller().name())
}

/// A refusal of a passkey is for the log only.
pub(super) fn refusal(refused: Refused) {
    tracing::info!(reason = refused.reason, "a passkey was refused");
}

impl Factors {
    /// The factors of the member who asks; the route asked for [`keys()`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn of_member(ctx: &Ctx, member: &Member) -> Result<Self> {
        let person = member.person()?;
        Self::of(ctx, person.user, &person.key, |key| member.optional(key)).await
    }

    /// The factors of another user, whose [`keys`] the route asked for.
    pub(crate) async fn of_other(ctx: &Ctx, member: &Member, user: UserId, key: &DataKey) -> Result<Self> {
        Self::of(ctx, user, key, |key| member.optional(key)).await
    }

    /// The factors of a user whose [`keys`] were read.
    pub(crate) async fn of_found(
        ctx: &Ctx,
        user: UserId,
        key: &DataKey,
        found: &HashMap<Key, Raw>,
    ) -> Result<Self> {
        Self::of(ctx, user, key, |key| found.get(key)).await
    }

    /// The factors of any user.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(ctx: &Ctx, user: UserId, key: &DataKey) -> Result<Self> {
        let found = ctx.store.get(&keys(user), ctx.entropy.as_ref()).await?;
        Self::of_found(ctx, user, key, &found).await
    }

    async fn of<'a>(
        ctx: &Ctx,
        user: UserId,
        key: &DataKey,
        find: impl Fn(&Key) -> Option<&'a Raw>,
    ) -> Result<Self> {
        let profile = find(&keys::user(user)).ok_or(Error::NotFound)?;
        let totp = find(&keys::totp(user));
        let recovery = find(&keys::recovery_codes(user));
        Ok(Self {
            user: profile.open::<UserProfile>(key)?,
            totp: totp.map(|raw| raw.open::<Totp>(key)).transpose()?,
            recovery: recovery.map(|raw| raw.open::<RecoveryCodes>(key)).transpose()?,
            passkeys: passkeys(ctx, user, key).await?,
        })
    }

    /// The app, when it is a factor.
    pub fn confirmed_totp(&self) -> Option<&Item<Totp>> {
        self.totp.as_ref().filter(|item| item.facts.is_confirmed())
    }

    /// How many recovery codes are left.
    pub fn codes_left(&self) -> usize {
        self.recovery.as_ref().map_or(0, |item| item.payload.left())
    }

    /// What the user can show as a second factor.
    pub fn methods(&self) -> Vec<Factor> {
        let totp = self.confirmed_totp().map(|_| Factor::Totp);
        let recovery = (self.codes_left() > 0).then_some(Factor::RecoveryCode);
        let passkey = (!self.passkeys.is_empty()).then_some(Factor::Passkey);
        [totp, recovery, passkey].into_iter().flatten().collect()
    }

    /// What the passkeys are checked with.
    pub(super) fn credentials(&self) -> Vec<Credential> {
        let credentials = self.passkeys.iter().map(|item| item.payload.credential.clone());
        credentials.collect()
    }

    /// Checks a factor, and adds to the transaction what is to be stored in either case. A right one counts only once the
    /// transaction is committed: of two requests that show the same, one is rejected.
    pub(super) async fn check(
        &self,
        ctx: &Ctx,
        key: &DataKey,
        shown: &Second,
        challenge: Option<&Authentication>,
        transaction: &mut Transaction,
    ) -> Result<Checked> {
        match shown {
            Second::Code(code) => self.check_code(ctx, key, code, transaction),
            Second::RecoveryCode(code) => self.check_recovery(ctx, key, code, transaction),
            Second::Passkey(answer) => {
                let Some(challenge) = challenge else {
                    return Ok(Checked::Wrong);
                };
                let (party, user) = (relying_party(ctx)?, self.user_id()?);
                self.check_passkey(ctx, key, answer, transaction, |credential| {
                    party.finish_authentication(user, challenge, answer, credential)
                })
                .await
            }
        }
    }

    /// Adds a mail to the user.
    pub(super) fn queue(
        &self,
        ctx: &Ctx,
        transaction: &mut Transaction,
        key: &DataKey,
        template: Template,
    ) -> Result<Outgoing> {
        let to = self.user.payload.email.clone();
        let now = (ctx.now(), ctx.id_bytes(), ctx.entropy.as_ref());
        send::queue(transaction, (self.user_id()?, key), to, template, now)
    }

    /// The user.
    pub(super) fn user_id(&self) -> Result<UserId> {
        let id = self.user.key.partition().strip_prefix("USER#");
        let id = id.and_then(|text| text.parse().ok());
        id.ok_or_else(|| Error::internal("a user without an id"))
    }

    fn check_code(
        &self,
        ctx: &Ctx,
        key: &DataKey,
        code: &Code,
        transaction: &mut Transaction,
    ) -> Result<Checked> {
        let Some(item) = &self.totp else {
            return Ok(Checked::Wrong);
        };
        let (facts, checked) = match totp::accept(&item.facts, &item.payload, code, ctx.now()) {
            Verdict::Accepted(facts) => (facts, Checked::Right { codes_left: None }),
            Verdict::Refused(facts) => (facts, Checked::Wrong),
            Verdict::Locked { .. } | Verdict::Unconfirmed => return Ok(Checked::Wrong),
        };
        replace_totp(ctx, key, item, facts, transaction)?;
        Ok(checked)
    }

    fn check_recovery(
        &self,
        ctx: &Ctx,
        key: &DataKey,
        code: &RecoveryCode,
        transaction: &mut Transaction,
    ) -> Result<Checked> {
        let rest = self
            .recovery
            .as_ref()
            .and_then(|item| Some((item, item.payload.use_code(code)?)));
        let Some((item, rest)) = rest else {
            return Ok(Checked::Wrong);
        };
        let left = rest.left();
        let item: Item<RecoveryCodes> = Item {
            key: item.key.clone(),
            version: item.version + 1,
            facts: Empty {},
            payload: rest,
        };
        transaction.replace_sealed("factor", &item, key, ctx.entropy.as_ref())?;
        Ok(Checked::Right {
            codes_left: Some(left),
        })
    }

    /// Finds the passkey that answered, has it checked, and adds it to the transaction as it is after that.
    pub(super) async fn check_passkey(
        &self,
        ctx: &Ctx,
        key: &DataKey,
        answer: &AuthenticationAnswer,
        transaction: &mut Transaction,
        finish: impl FnOnce(&Credential) -> Result<Credential, Refused>,
    ) -> Result<Checked> {
        let digest = answer.digest(ctx.root().await?);
        let mut passkeys = self.passkeys.iter();
        let Some(item) = passkeys.find(|item| item.facts.credential_digest == digest) else {
            return Ok(Checked::Wrong);
        };
        let credential = match finish(&item.payload.credential) {
            Ok(credential) => credential,
            Err(refused) => {
                refusal(refused);
                return Ok(Checked::Wrong);
            }
        };
        let item: Item<Passkey> = Item {
            key: item.key.clone(),
            version: item.version + 1,
            facts: PasskeyFacts {
                used_at: Some(ctx.now()),
                ..item.facts.clone()
            },
            payload: Passkey {
                name: item.payload.name.clone(),
                credential,
            },
        };
        transaction.replace_sealed("factor", &item, key, ctx.entropy.as_ref())?;
        Ok(Checked::Right { codes_left: None })
    }
}

/// Adds an app's new state to the transaction.
pub(super) fn replace_totp(
    ctx: &Ctx,
    key: &DataKey,
    item: &Item<Totp>,
    facts: totp::TotpFacts,
    transaction: &mut Transaction,
) -> Result<()> {
    let item: Item<Totp> = Item {
        key: item.key.clone(),
        version: item.version + 1,
        facts,
        payload: item.payload.clone(),
    };
    let unchanged = Condition::version(item.version - 1);
    transaction.put_sealed_if("factor", &item, key, ctx.entropy.as_ref(), &unchanged)
}

async fn passkeys(ctx: &Ctx, user: UserId, key: &DataKey) -> Result<Vec<Item<Passkey>>> {
    let found = ctx.store.query_all(keys::passkeys(user)).await?;
    found.iter().map(|raw| raw.open::<Passkey>(key)).collect()
}

/// The id of a passkey, from where it lies.
///
/// # Errors
/// Never for what was stored.
pub fn id_of(item: &Item<Passkey>) -> Result<PasskeyId> {
    let id = item.key.sort().parse();
    id.map_err(|_| Error::internal("a passkey without an id"))
}
