//! Changing the address: it happens when the codes that went to the old and to the new one were both shown.
//!
//! Whoever asks learns nothing about the new address: when somebody has it already, that person is told instead, and the
//! code that would complete the change is sent to nobody.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::codes::{NewCode, ShownCode};
use super::model::{EmailGuard, UserFacts, UserProfile};
use super::owner::Owner;
use super::store::email_digest;
use super::token::same_digest;
use super::{reset, sessions};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::email::Email;
use crate::erasure::model::Unit;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys::{self, Key};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Rejection, Transaction, Update};
use crate::unit::UnitId;

/// How long the codes are good.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The word in the key of the row: one per user, so a new change replaces the old.
pub(super) const PURPOSE: &str = "ADDRESS";

/// How often a change is looked at again when the other code is shown at the same moment.
const ATTEMPTS: u32 = 3;

/// The clear part of a change that waits for its codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChangeFacts {
    /// SHA-256 of the secret that went to the old address, in hex, until it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_digest: Option<String>,
    /// SHA-256 of the secret that went to the new address, in hex, until it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_digest: Option<String>,
    /// Until when the codes are good.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// The sealed part: the new address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// The new address.
    pub email: Email,
}

fn row(user: UserId) -> Key {
    keys::one_time(user, PURPOSE)
}

/// Mails a code to the old address and one to the new. A change that was asked for before is forgotten.
///
/// # Errors
/// [`Error::Invalid`] when it is the address already.
pub async fn ask(ctx: &Ctx, member: &Member, email: Email, source: &Source) -> Result<[Outgoing; 2]> {
    let (person, account) = (member.person()?, super::store::read(member)?);
    if email.canonical() == account.payload.email.canonical() {
        return Err(Error::invalid("/email", "This is your address already."));
    }
    let (user, entropy) = (person.user, ctx.entropy.as_ref());
    let holder = Owner::of(ctx, &email_digest(ctx, &email).await?).await?;
    let (old, new) = (
        NewCode::new(ctx, user, LIFETIME),
        NewCode::new(ctx, user, LIFETIME),
    );
    let facts = EmailChangeFacts {
        old_digest: Some(old.digest),
        new_digest: Some(new.digest),
        expires_at: old.expires_at,
        ttl: old.expires_at.as_second(),
    };
    let payload = EmailChange { email: email.clone() };
    let item = Item::sealed(row(user), facts, payload);
    let mut transaction = Transaction::new();
    let any = Condition::absent().or(Condition::present());
    transaction.put_sealed_if("change", &item, &person.key, entropy, &any)?;
    let owner = (user, &person.key);
    let notice = Template::EmailChangeAsked { code: old.text };
    let at = (ctx.now(), ctx.id_bytes(), entropy);
    let to_old = send::queue(&mut transaction, owner, account.payload.email, notice, at)?;
    let to_new = if holder.account.is_some() {
        holder.queue(ctx, &mut transaction, &email, Template::AddressTaken)?
    } else {
        let template = Template::ConfirmNewEmail { code: new.text };
        let at = (ctx.now(), ctx.id_bytes(), entropy);
        send::queue(&mut transaction, owner, email, template, at)?
    };
    let kind = ActivityKind::EmailChangeRequested;
    activity::of_account(ctx, &mut transaction, owner, kind, None, source)?;
    ctx.store.commit(transaction, entropy).await?;
    Ok([to_old, to_new])
}

/// Forgets a change that waits for its codes.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn cancel(ctx: &Ctx, member: &Member, source: &Source) -> Result<()> {
    let person = member.person()?;
    let mut transaction = Transaction::new();
    transaction.delete_if("change", &row(person.user), &Condition::present());
    let (owner, kind) = ((person.user, &person.key), ActivityKind::EmailChangeRequested);
    let object = Some("cancelled".to_owned());
    activity::of_account(ctx, &mut transaction, owner, kind, object, source)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::NotFound),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// The two codes of a change, by the attribute that holds what is stored of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

impl Side {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Old => "old_digest",
            Self::New => "new_digest",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Old => Self::New,
            Self::New => Self::Old,
        }
    }

    fn digest(self, facts: &EmailChangeFacts) -> Option<&str> {
        match self {
            Self::Old => facts.old_digest.as_deref(),
            Self::New => facts.new_digest.as_deref(),
        }
    }
}

/// Takes one of the two codes. With the second one the address changes, and every session ends.
///
/// # Errors
/// [`Error::Invalid`] for a code that is wrong, used, replaced or too old; [`Error::Conflict`] when the new address got an
/// account since it was asked for, which only somebody who was sent both codes learns.
pub async fn confirm(ctx: &Ctx, code: &str, source: &Source) -> Result<Option<Outgoing>> {
    let shown = ShownCode::parse(code).ok_or_else(wrong)?;
    let user = shown.user;
    let mut wanted = Owner::keys(user).to_vec();
    wanted.push(row(user));
    for _ in 0..ATTEMPTS {
        let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
        let raw = found.get(&row(user)).ok_or_else(wrong)?;
        let owner = Owner::read(ctx, ctx.root().await?, user, &found)?;
        let account = owner.account.as_ref().ok_or_else(wrong)?;
        let change = raw.open::<EmailChange>(&owner.key)?;
        let is = |side: &Side| {
            let stored = side.digest(&change.facts);
            stored.is_some_and(|stored| same_digest(stored, &shown.digest))
        };
        let side = [Side::Old, Side::New].into_iter().find(is).ok_or_else(wrong)?;
        if change.facts.expires_at <= ctx.now() {
            return Err(wrong());
        }
        let unused = Condition::text(side.attribute(), shown.digest.clone());
        let Some(other) = side.other().digest(&change.facts) else {
            let unused = unused.and(Condition::missing(side.other().attribute()));
            let address = change.payload.email;
            return complete(ctx, &owner, account, (address, unused), source)
                .await
                .map(Some);
        };
        // The other one may be shown at this moment: then this one is the second.
        let first = unused.and(Condition::text(side.other().attribute(), other));
        let update = Update::new().remove(side.attribute());
        if ctx.store.update(&row(user), update, &first).await? {
            return Ok(None);
        }
    }
    Err(Error::unavailable("a change of an address kept changing"))
}

fn wrong() -> Error {
    Error::invalid(
        "/code",
        "The code is wrong, was used already, was replaced by a newer one, or is older than 24 hours.",
    )
}

/// Changes the address: the account, its unit, and both guards in one transaction.
async fn complete(
    ctx: &Ctx,
    owner: &Owner,
    account: &Item<UserProfile>,
    (email, unused): (Email, Condition),
    source: &Source,
) -> Result<Outgoing> {
    let (user, entropy) = (owner.user, ctx.entropy.as_ref());
    let digest = email_digest(ctx, &email).await?;
    let unit = units::read(&ctx.store, UnitId::User(user)).await?;
    let unit = unit.ok_or_else(wrong)?;
    let mut transaction = Transaction::new();
    transaction.delete_if("change", &row(user), &unused);
    let guard = Item::plain(keys::email_guard(&digest), EmailGuard { user });
    transaction.create("e-mail", &guard)?;
    let old_guard = keys::email_guard(&account.facts.email_digest);
    let ours = Condition::text("user", user.to_string());
    transaction.delete_if("old e-mail", &old_guard, &ours);
    let after = Unit {
        email_digest: Some(digest.clone()),
        ..unit.facts.clone()
    };
    units::change(&mut transaction, &unit, after)?;
    let item = Item::<UserProfile> {
        key: account.key.clone(),
        version: account.version + 1,
        facts: UserFacts {
            email_digest: digest,
            verified: true,
            updated_at: ctx.now(),
            ..account.facts.clone()
        },
        payload: UserProfile {
            email: email.clone(),
            ..account.payload.clone()
        },
    };
    transaction.replace_sealed("user", &item, &owner.key, entropy)?;
    // A code to set the password went to the old address.
    transaction.delete("code", &keys::one_time(user, reset::PURPOSE));
    owner.note(ctx, &mut transaction, ActivityKind::EmailChanged, source)?;
    // The old address is told.
    let notice = owner.queue(ctx, &mut transaction, &email, Template::EmailChanged)?;
    sessions::end_all(ctx, &mut transaction, user, None).await?;
    match ctx.store.commit(transaction, entropy).await {
        Ok(()) => Ok(notice),
        Err(Commit::Rejected(rejections)) => Err(refused(&rejections)),
        Err(Commit::Failed(error)) => Err(error),
    }
}

fn refused(rejections: &[Rejection]) -> Error {
    let at = |label: &str| rejections.iter().any(|rejection| rejection.label == label);
    if at("change") {
        wrong()
    } else if at("e-mail") {
        Error::conflict(
            "/code",
            "The new address has an account by now; nothing was changed.",
        )
    } else {
        Error::unavailable("an account changed at the same moment")
    }
}
