//! Showing once more that it is the same person, for what needs it (ASVS 7.5.1).

use super::ceremony::{self, STEP_UP};
use super::factors::{self, Checked, Factors, Second, relying_party};
use super::failure::{self, SIGNED_OUT};
use super::passkeys::{Authentication, Options};
use super::pending::recovery_used;
use crate::accounts::model::Password;
use crate::accounts::password::{self, PlainPassword};
use crate::accounts::sessions::{self, Issued, Proof};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Level, Member};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys::{self, Key};
use crate::outbox::send;
use crate::softlock;
use crate::source::Source;
use crate::store::{Commit, Condition, Transaction};

const WRONG: Error = Error::Forbidden("What you showed is wrong, or was used already.");

/// What somebody shows.
pub enum Shown {
    /// The password: enough where there is no second factor.
    Password(PlainPassword),
    /// A second factor.
    Second(Second),
}

/// What a step-up reads, for the round trip that authenticates.
pub fn keys_of(user: UserId) -> Vec<Key> {
    let mut wanted = factors::keys(user);
    wanted.extend([keys::password(user), keys::one_time(user, STEP_UP)]);
    wanted
}

/// Begins a step-up by passkey.
///
/// # Errors
/// [`Error::Conflict`] when there is none.
pub async fn begin(ctx: &Ctx, member: &Member) -> Result<Options> {
    let factors = Factors::of_member(ctx, member).await?;
    let person = member.person()?;
    let (options, challenge) = relying_party(ctx)?
        .begin_authentication(person.user, &factors.credentials())
        .map_err(|_| Error::conflict("", "There is no passkey. Show another factor."))?;
    ceremony::put(ctx, (person.user, &person.key), STEP_UP, challenge).await?;
    Ok(options)
}

/// Raises the session: it goes on under a new id, freshly authenticated (C-02).
///
/// # Errors
/// [`Error::Forbidden`] for what is wrong; [`Error::Invalid`] for a password where there is a second factor.
pub async fn finish(ctx: &Ctx, member: &Member, shown: &Shown, source: &Source) -> Result<Issued> {
    let person = member.person()?;
    let factors = Factors::of_member(ctx, member).await?;
    if matches!(shown, Shown::Password(_)) && factors.user.facts.second_factor {
        return Err(Error::invalid(
            "/password",
            "The account has a second factor: show that one.",
        ));
    }
    let account = &factors.user.facts.email_digest;
    let tries = softlock::count(ctx, account).await?.failures;
    let mut transaction = Transaction::new();
    let checked = check(ctx, member, &factors, shown, &mut transaction).await?;
    let Checked::Right { codes_left } = checked else {
        let owner = (&person.key, &factors);
        failure::note(ctx, transaction, owner, tries == 1, source).await?;
        return Err(WRONG);
    };
    let mut mail = None;
    if let Some(left) = codes_left {
        let owner = (&person.key, &factors);
        mail = Some(recovery_used(ctx, &mut transaction, owner, left, source)?);
    }
    softlock::forget(&mut transaction, account);
    let (owner, kind) = ((person.user, &person.key), ActivityKind::SteppedUp);
    activity::of_account(ctx, &mut transaction, owner, kind, None, source)?;
    let level = match shown {
        Shown::Password(_) => Level::Aal1,
        Shown::Second(_) => Level::Aal2,
    };
    let raised = (member.permit.org(), Proof::Own(level));
    let begun = sessions::replace(ctx, &mut transaction, person, raised, source).await?;
    match send::commit(ctx, transaction, mail).await {
        Ok(()) => {}
        Err(Commit::Rejected(at)) if at.iter().any(|at| at.label == "session") => return Err(SIGNED_OUT),
        Err(Commit::Rejected(_)) => return Err(WRONG),
        Err(Commit::Failed(error)) => return Err(error),
    }
    begun.issue(ctx).await
}

/// Checks what is shown, and adds what is to be stored in either case.
async fn check(
    ctx: &Ctx,
    member: &Member,
    factors: &Factors,
    shown: &Shown,
    transaction: &mut Transaction,
) -> Result<Checked> {
    let second = match shown {
        Shown::Password(plain) => return check_password(member, plain, transaction),
        Shown::Second(second) => second,
    };
    let challenge = ceremony::read::<Authentication>(ctx, member, STEP_UP)?;
    let state = challenge.as_ref().map(|item| &item.payload);
    let key = &member.person()?.key;
    let checked = factors.check(ctx, key, second, state, transaction).await?;
    if let (Second::Passkey(_), Some(challenge)) = (second, &challenge) {
        // A challenge is good for one answer, right or wrong.
        ceremony::end(transaction, challenge);
    }
    Ok(checked)
}

fn check_password(member: &Member, plain: &PlainPassword, transaction: &mut Transaction) -> Result<Checked> {
    let person = member.person()?;
    let Some(raw) = member.optional(&keys::password(person.user)) else {
        return Ok(Checked::Wrong);
    };
    let stored = raw.open::<Password>(&person.key)?;
    if !password::verify(plain, &stored.payload) {
        return Ok(Checked::Wrong);
    }
    transaction.check("password", &stored.key, &Condition::version(stored.version));
    Ok(Checked::Right { codes_left: None })
}
