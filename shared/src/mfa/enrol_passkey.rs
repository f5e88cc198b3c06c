//! Registering and removing passkeys.

use super::ceremony::{self, REGISTRATION};
use super::change::{self, Change};
use super::enrol_totp::remove_useless_codes;
use super::factors::{self, Factors, refusal, relying_party};
use super::model::Factor;
use super::passkeys::{
    Options, Passkey, PasskeyFacts, PasskeyGuard, PasskeyName, Registration, RegistrationAnswer,
};
use crate::accounts::sessions::Issued;
use crate::activity::model::ActivityKind;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::erasure::model::Guard;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{PasskeyId, UserId};
use crate::keys::{self, Key};
use crate::outbox::templates::Template;
use crate::source::Source;
use crate::store::{Condition, Item, Rejection, Transaction};
use crate::unit::UnitId;

/// The most passkeys of a user.
pub const MAX_PASSKEYS: usize = 10;

/// What finishing a registration reads, for the round trip that authenticates.
pub fn confirmation_keys(user: UserId) -> Vec<Key> {
    let mut wanted = removal_keys(user);
    wanted.push(keys::one_time(user, REGISTRATION));
    wanted
}

/// What removing a passkey reads, for the round trip that authenticates.
pub fn removal_keys(user: UserId) -> Vec<Key> {
    let mut wanted = factors::keys(user);
    wanted.push(keys::unit(UnitId::User(user)));
    wanted
}

/// Begins to register a passkey.
///
/// # Errors
/// [`Error::Conflict`] when there are enough; [`Error::MfaRequired`].
pub async fn begin(ctx: &Ctx, member: &Member) -> Result<Options> {
    let factors = Factors::of_member(ctx, member).await?;
    change::permitted(member.person()?, &factors.user.facts)?;
    few(&factors)?;
    let (person, profile) = (member.person()?, &factors.user.payload);
    let (options, registration) = relying_party(ctx)?
        .begin_registration(
            person.user,
            profile.email.as_str(),
            profile.name.as_str(),
            &factors.credentials(),
        )
        .map_err(|_| Error::internal("a registration does not begin"))?;
    ceremony::put(ctx, (person.user, &person.key), REGISTRATION, registration).await?;
    Ok(options)
}

fn few(factors: &Factors) -> Result<()> {
    if factors.passkeys.len() < MAX_PASSKEYS {
        return Ok(());
    }
    Err(Error::conflict(
        "",
        format!("An account has at most {MAX_PASSKEYS} passkeys. Remove one first."),
    ))
}

/// Finishes the registration. The answer is a new session in place of the one that asks.
///
/// # Errors
/// [`Error::Invalid`] for an answer that is not one to the newest challenge; [`Error::Conflict`] for a passkey that is
/// registered already, with any account (B-37).
pub async fn confirm(
    ctx: &Ctx,
    member: &Member,
    name: PasskeyName,
    answer: &RegistrationAnswer,
    source: &Source,
) -> Result<(PasskeyId, Issued)> {
    let factors = Factors::of_member(ctx, member).await?;
    change::permitted(member.person()?, &factors.user.facts)?;
    few(&factors)?;
    let (person, entropy) = (member.person()?, ctx.entropy.as_ref());
    let ceremony = ceremony::read::<Registration>(ctx, member, REGISTRATION)?.ok_or_else(wrong)?;
    let credential = relying_party(ctx)?
        .finish_registration(person.user, &ceremony.payload, answer)
        .map_err(|refused| {
            refusal(refused);
            wrong()
        })?;
    let digest = credential.digest(&member.root);
    let id = PasskeyId::new(ctx.now(), ctx.id_bytes());
    let facts = PasskeyFacts {
        credential_digest: digest.clone(),
        created_at: ctx.now(),
        used_at: None,
    };
    let passkey = Item::sealed(
        keys::passkey(person.user, id),
        facts,
        Passkey { name, credential },
    );
    let mut transaction = Transaction::new();
    ceremony::end(&mut transaction, &ceremony);
    transaction.create_sealed("factor", &passkey, &person.key, entropy)?;
    let guard = PasskeyGuard { user: person.user };
    transaction.create("guard", &Item::plain(keys::passkey_guard(&digest), guard))?;
    guards(member, &mut transaction, |guards| {
        guards.push(Guard::Passkey(digest));
    })?;
    let change = Change {
        transaction,
        kind: ActivityKind::PasskeyAdded,
        object: Some(id.to_string()),
        template: Template::FactorAdded {
            factor: Factor::Passkey,
        },
        second_factor: true,
        source,
    };
    let issued = change.commit_raised(ctx, member, factors, refused).await?;
    Ok((id, issued))
}

fn wrong() -> Error {
    Error::invalid(
        "/answer",
        "It is no answer to the newest options, or they are older than five minutes.",
    )
}

fn refused(rejections: &[Rejection]) -> Option<Error> {
    let is = |label| rejections.iter().any(|rejection| rejection.label == label);
    if is("ceremony") {
        return Some(wrong());
    }
    is("guard").then(|| Error::conflict("/answer", "This passkey is registered already."))
}

/// Changes the list of the guards that go with the account.
fn guards(
    member: &Member,
    transaction: &mut Transaction,
    change: impl FnOnce(&mut Vec<Guard>),
) -> Result<()> {
    let unit = UnitId::User(member.person()?.user);
    units::change_guards(transaction, member.item(&keys::unit(unit))?, change)
}

/// Removes a passkey.
///
/// # Errors
/// [`Error::NotFound`] when there is no such passkey; [`Error::MfaRequired`].
pub async fn delete(ctx: &Ctx, member: &Member, passkey: PasskeyId, source: &Source) -> Result<()> {
    let factors = Factors::of_member(ctx, member).await?;
    let key = keys::passkey(member.person()?.user, passkey);
    let mut passkeys = factors.passkeys.iter();
    let item = passkeys.find(|item| item.key == key).ok_or(Error::NotFound)?;
    change::permitted(member.person()?, &factors.user.facts)?;
    let digest = item.facts.credential_digest.clone();
    let mut transaction = Transaction::new();
    transaction.delete_if("factor", &key, &Condition::present());
    transaction.delete("guard", &keys::passkey_guard(&digest));
    let gone = Guard::Passkey(digest);
    guards(member, &mut transaction, |guards| {
        guards.retain(|guard| *guard != gone);
    })?;
    let second_factor = factors.passkeys.len() > 1 || factors.confirmed_totp().is_some();
    remove_useless_codes(&factors, second_factor, &mut transaction);
    let change = Change {
        transaction,
        kind: ActivityKind::PasskeyRemoved,
        object: Some(passkey.to_string()),
        template: Template::FactorRemoved {
            factor: Factor::Passkey,
        },
        second_factor,
        source,
    };
    change
        .commit(ctx, member.person()?, factors, change::unknown)
        .await
}
