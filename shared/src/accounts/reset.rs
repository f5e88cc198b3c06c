//! A new password for who has lost the old one: a code goes to the address, and whoever shows it chooses.

use jiff::SignedDuration;

use super::codes::{NewCode, ShownCode};
use super::model::{SignInMethod, VerificationCode};
use super::owner::Owner;
use super::password::{self, PlainPassword};
use super::store::email_digest;
use super::token::same_digest;
use super::{email_change, password_change, sessions};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::email::Email;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys::{self, Key, Tenant};
use crate::limits;
use crate::members::own;
use crate::organisations::model::Membership;
use crate::outbox::send::Outgoing;
use crate::outbox::templates::Template;
use crate::softlock;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction, Update};

/// How long a code is good.
const LIFETIME: SignedDuration = SignedDuration::from_mins(60);

/// The word in the key of the code's row: one per user, so a new code replaces the old.
pub(crate) const PURPOSE: &str = "RESET";

/// Mails a code to the owner of an address; or, where a password opens nothing because the organisation signs in through
/// its identity provider, says so. Nobody can tell whether there is one: the answer is the same, the work is
/// the same, and the mail leaves with the schedule.
///
/// # Errors
/// When a dependency does not answer.
pub async fn ask(ctx: &Ctx, email: &Email, source: &Source) -> Result<()> {
    let owner = Owner::of(ctx, &email_digest(ctx, email).await?).await?;
    let mut transaction = Transaction::new();
    mail(ctx, &mut transaction, &owner, email).await?;
    owner.note(
        ctx,
        &mut transaction,
        ActivityKind::PasswordResetRequested,
        source,
    )?;
    Ok(ctx.store.commit(transaction, ctx.entropy.as_ref()).await?)
}

async fn mail(ctx: &Ctx, transaction: &mut Transaction, owner: &Owner, email: &Email) -> Result<Outgoing> {
    if !own::opens(ctx, owner.user, owner.home(), SignInMethod::Password).await? {
        return owner.queue(ctx, transaction, email, Template::SignInThroughProvider);
    }
    let code = NewCode::new(ctx, owner.user, LIFETIME);
    let item = Item::plain(keys::one_time(owner.user, PURPOSE), code.row());
    transaction.put_if("code", &item, &Condition::absent().or(Condition::present()))?;
    owner.queue(
        ctx,
        transaction,
        email,
        Template::ResetPassword { code: code.text },
    )
}

/// The keys that [`ask_for`] wants read with the caller.
pub fn needs(tenant: Tenant, user: UserId) -> Vec<Key> {
    let mut keys = Owner::keys(user).to_vec();
    keys.push(keys::membership(tenant, user));
    keys
}

/// Mails the same to a member, as an administrator asks. The administrator neither sees the code nor chooses a password
///
///
/// # Errors
/// [`Error::NotFound`] for who is no member.
pub async fn ask_for(ctx: &Ctx, member: &Member, user: UserId) -> Result<Outgoing> {
    let tenant = member.permit.tenant();
    member
        .item(&keys::membership(tenant, user))?
        .decode::<Membership>()?;
    let found = needs(tenant, user)
        .into_iter()
        .filter_map(|key| Some((key.clone(), member.optional(&key)?.clone())))
        .collect();
    let owner = Owner::read(ctx, &member.root, user, &found)?;
    let email = owner
        .account
        .as_ref()
        .map(|item| item.payload.email.clone())
        .ok_or(Error::NotFound)?;
    limits::count(ctx, &limits::MAILS_TO_ADDRESS, &email.canonical()).await?;
    let mut transaction = Transaction::new();
    let outgoing = mail(ctx, &mut transaction, &owner, &email).await?;
    let (kind, actor) = (ActivityKind::PasswordResetRequested, member.permit.actor());
    let (account, object) = ((user, &owner.key), Some(user.to_string()));
    activity::of_account_by(ctx, &mut transaction, account, kind, actor, None)?;
    activity::of_organisation(ctx, &mut transaction, tenant, kind, Some(actor), object)?;
    ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    Ok(outgoing)
}

/// Sets the password of whoever shows the code. Every session ends and none begins; second factors stay; the account is no
/// longer locked; the address was shown to be the person's.
///
/// # Errors
/// [`Error::Invalid`] for a code that is wrong, used, replaced or too old, and for a password that may not be chosen.
pub async fn reset(ctx: &Ctx, code: &str, password: &PlainPassword, source: &Source) -> Result<Outgoing> {
    let wrong = || {
        Error::invalid(
            "/code",
            "The code is wrong, was used already, was replaced by a newer one, or is too old.",
        )
    };
    let shown = ShownCode::parse(code).ok_or_else(wrong)?;
    let user = shown.user;
    let (code_key, password_key) = (keys::one_time(user, PURPOSE), keys::password(user));
    let mut wanted = Owner::keys(user).to_vec();
    wanted.extend([code_key.clone(), password_key.clone()]);
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let row = found.get(&code_key).ok_or_else(wrong)?;
    let row = row.decode::<VerificationCode>()?.facts;
    if !same_digest(&row.digest, &shown.digest) || row.expires_at <= ctx.now() {
        return Err(wrong());
    }
    let owner = Owner::read(ctx, ctx.root().await?, user, &found)?;
    let account = owner.account.as_ref().ok_or_else(wrong)?;
    password_change::check_choice(ctx, account, password).await?;
    let hashed = password::hash(password, ctx.policy().password_scheme(), ctx.entropy.as_ref())?;
    let mut transaction = Transaction::new();
    transaction.delete_if("code", &code_key, &Condition::text("digest", row.digest));
    password_change::put(
        ctx,
        &mut transaction,
        (user, &owner.key),
        found.get(&password_key),
        hashed,
    )?;
    let verified = Update::new().set_true("verified");
    transaction.update("user", &keys::user(user), verified, &Condition::present());
    softlock::forget(&mut transaction, &account.facts.email_digest);
    owner.note(ctx, &mut transaction, ActivityKind::PasswordReset, source)?;
    let notice = owner.queue(
        ctx,
        &mut transaction,
        &account.payload.email,
        Template::PasswordChanged,
    )?;
    // Somebody else may have begun it.
    transaction.delete("change", &keys::one_time(user, email_change::PURPOSE));
    sessions::end_all(ctx, &mut transaction, user, None).await?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => {
            sessions::end_stragglers(ctx, user, None).await?;
            Ok(notice)
        }
        Err(Commit::Rejected(_)) => Err(wrong()),
        Err(Commit::Failed(error)) => Err(error),
    }
}
