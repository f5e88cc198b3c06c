//! Setting up and removing authenticator apps and recovery codes.

use super::change::{self, Change};
use super::factors::{Factors, replace_totp};
use super::model::Factor;
use super::recovery::{RecoveryCode, RecoveryCodes};
use super::totp::{self, Code, Totp, TotpFacts, Verdict};
use crate::accounts::model::Empty;
use crate::accounts::sessions::Issued;
use crate::activity::model::ActivityKind;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::keys;
use crate::outbox::templates::Template;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction};

/// A new secret, for its owner, once (B-14).
pub struct NewTotp {
    /// As it is typed.
    pub secret: String,
    /// As an app reads it from a QR code.
    pub uri: String,
}

/// Makes a secret for an app. It is no factor before a code of it was shown; until then a new one takes its place.
///
/// # Errors
/// [`Error::Conflict`] when an app is set up already; [`Error::MfaRequired`].
pub async fn create_totp(ctx: &Ctx, member: &Member) -> Result<NewTotp> {
    let factors = Factors::of_member(ctx, member).await?;
    change::permitted(member.person()?, &factors.user.facts)?;
    if factors.confirmed_totp().is_some() {
        return Err(Error::conflict(
            "",
            "An authenticator app is set up already. Remove it first with DELETE /v1/me/factors/totp.",
        ));
    }
    let person = member.person()?;
    let totp = Totp::new(ctx.entropy.as_ref());
    let before = factors.totp.as_ref().map_or(0, |item| item.version);
    let shown = NewTotp {
        secret: totp.reveal(),
        uri: totp.uri(
            ctx.policy().controller().name(),
            factors.user.payload.email.as_str(),
        ),
    };
    let item: Item<Totp> = Item {
        key: keys::totp(person.user),
        version: before + 1,
        facts: TotpFacts::new(ctx.now()),
        payload: totp,
    };
    let condition = match before {
        0 => Condition::absent(),
        version => Condition::version(version),
    };
    let mut transaction = Transaction::new();
    transaction.put_sealed_if("factor", &item, &person.key, ctx.entropy.as_ref(), &condition)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(shown),
        Err(Commit::Rejected(_)) => Err(Error::conflict("", "Another secret was made at the same time.")),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Makes the app a factor by a code that it shows (B-15). The answer is a new session in place of the one that asks.
///
/// # Errors
/// [`Error::Conflict`] when there is no secret to confirm; [`Error::Invalid`] for a wrong code.
pub async fn confirm_totp(ctx: &Ctx, member: &Member, code: &Code, source: &Source) -> Result<Issued> {
    let factors = Factors::of_member(ctx, member).await?;
    change::permitted(member.person()?, &factors.user.facts)?;
    let Some(item) = factors.totp.as_ref().filter(|item| !item.facts.is_confirmed()) else {
        return Err(Error::conflict(
            "",
            "There is no secret to confirm. Make one with POST /v1/me/factors/totp.",
        ));
    };
    let wrong = || Error::invalid("/code", "The code is wrong, or too many were: try the next one.");
    let key = &member.person()?.key;
    let mut transaction = Transaction::new();
    match totp::confirm(&item.facts, &item.payload, code, ctx.now()) {
        Verdict::Accepted(facts) => replace_totp(ctx, key, item, facts, &mut transaction)?,
        Verdict::Refused(facts) => {
            replace_totp(ctx, key, item, facts, &mut transaction)?;
            if let Err(Commit::Failed(error)) = ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
                return Err(error);
            }
            return Err(wrong());
        }
        Verdict::Locked { .. } | Verdict::Unconfirmed => return Err(wrong()),
    }
    let change = Change {
        transaction,
        kind: ActivityKind::TotpEnabled,
        object: None,
        template: Template::FactorAdded { factor: Factor::Totp },
        second_factor: true,
        source,
    };
    change.commit_raised(ctx, member, factors, change::unknown).await
}

/// Removes the app.
///
/// # Errors
/// [`Error::NotFound`] when there is none; [`Error::MfaRequired`].
pub async fn delete_totp(ctx: &Ctx, member: &Member, source: &Source) -> Result<()> {
    let factors = Factors::of_member(ctx, member).await?;
    change::permitted(member.person()?, &factors.user.facts)?;
    let item = factors.totp.as_ref().ok_or(Error::NotFound)?;
    let mut transaction = Transaction::new();
    transaction.delete_if("factor", &item.key, &Condition::version(item.version));
    let second_factor = !factors.passkeys.is_empty();
    remove_useless_codes(&factors, second_factor, &mut transaction);
    let change = Change {
        transaction,
        kind: ActivityKind::TotpDisabled,
        object: None,
        template: Template::FactorRemoved { factor: Factor::Totp },
        second_factor,
        source,
    };
    change
        .commit(ctx, member.person()?, factors, change::unknown)
        .await
}

/// Recovery codes stand in for a second factor; without one there is nothing to recover.
pub(super) fn remove_useless_codes(factors: &Factors, second_factor: bool, transaction: &mut Transaction) {
    if let Some(codes) = factors.recovery.as_ref().filter(|_| !second_factor) {
        transaction.delete("recovery codes", &codes.key);
    }
}

/// Makes a new set of recovery codes, for their owner, once. The old set is dead (B-24).
///
/// # Errors
/// [`Error::Conflict`] when there is no second factor to recover; [`Error::MfaRequired`].
pub async fn create_recovery_codes(
    ctx: &Ctx,
    member: &Member,
    source: &Source,
) -> Result<[RecoveryCode; super::recovery::CODES]> {
    let factors = Factors::of_member(ctx, member).await?;
    if !factors.user.facts.second_factor {
        return Err(Error::conflict(
            "",
            "Set up an authenticator app or a passkey first: recovery codes are for when it is lost.",
        ));
    }
    change::permitted(member.person()?, &factors.user.facts)?;
    let (set, codes) = RecoveryCodes::new(ctx.now(), ctx.entropy.as_ref());
    let person = member.person()?;
    let before = factors.recovery.as_ref().map_or(0, |item| item.version);
    let item: Item<RecoveryCodes> = Item {
        key: keys::recovery_codes(person.user),
        version: before + 1,
        facts: Empty {},
        payload: set,
    };
    let condition = match before {
        0 => Condition::absent(),
        version => Condition::version(version),
    };
    let mut transaction = Transaction::new();
    transaction.put_sealed_if("factor", &item, &person.key, ctx.entropy.as_ref(), &condition)?;
    let change = Change {
        transaction,
        kind: ActivityKind::RecoveryCodesCreated,
        object: None,
        template: Template::FactorAdded {
            factor: Factor::RecoveryCode,
        },
        second_factor: true,
        source,
    };
    change
        .commit(ctx, member.person()?, factors, change::unknown)
        .await?;
    Ok(codes)
}
