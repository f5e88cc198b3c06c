//! The operator's staff: people with a login of their own, no organisation, and a role that only the operator gives.

use jiff::{SignedDuration, Timestamp};

use super::model::NO_ORGANISATION;
use crate::accounts::codes::NewCode;
use crate::accounts::model::{PersonName, StaffMember, UserFacts, UserProfile};
use crate::accounts::store::{self, Account};
use crate::accounts::{password, reset, sessions};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::StaffRole;
use crate::ctx::Ctx;
use crate::email::Email;
use crate::erasure::units::{self, AT_DELETION};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys;
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::seal::DataKey;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction};
use crate::unit::UnitId;

/// How long the code that sets the first password is good.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Makes somebody one of the staff and mails a code with which they choose a password. Who was staff before gets the
/// old account again, but none of the access that it had.
///
/// # Errors
/// [`Error::Conflict`] for the address of a customer, or of somebody who is staff already.
pub async fn invite(
    ctx: &Ctx,
    email: Email,
    name: PersonName,
    role: StaffRole,
) -> Result<(UserId, Outgoing)> {
    let digest = store::email_digest(ctx, &email).await?;
    let mut transaction = Transaction::new();
    let (user, outgoing) = match store::owner_of(ctx, &digest).await? {
        Some(user) => {
            let account = former(ctx, user).await?;
            anchor(ctx, &mut transaction, user, None).await?;
            let template = code(ctx, &mut transaction, user)?;
            let outgoing = account.queue(ctx, &mut transaction, template)?;
            note(ctx, &mut transaction, (user, account.key()), Some(role))?;
            (user, outgoing)
        }
        None => {
            let user = UserId::new(ctx.now(), ctx.id_bytes());
            let key = add_account(ctx, &mut transaction, (user, digest), (email.clone(), name)).await?;
            let template = code(ctx, &mut transaction, user)?;
            let now = (ctx.now(), ctx.id_bytes(), ctx.entropy.as_ref());
            let outgoing = send::queue(&mut transaction, (user, &key), email, template, now)?;
            note(ctx, &mut transaction, (user, &key), Some(role))?;
            (user, outgoing)
        }
    };
    let created_at = ctx.now();
    let member = StaffMember { role, created_at };
    transaction.create("staff", &Item::plain(keys::staff(user), member))?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok((user, outgoing)),
        Err(Commit::Rejected(rejections))
            if rejections.iter().any(|rejection| rejection.label == "staff") =>
        {
            Err(Error::conflict("/email", "This person is staff already."))
        }
        Err(Commit::Rejected(_)) => Err(Error::unavailable("an invitation met another change")),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// The account of an address that is taken, if it was made for staff.
async fn former(ctx: &Ctx, user: UserId) -> Result<Account> {
    let account = Account::read(ctx, user).await?;
    let account = account.ok_or_else(|| Error::unavailable("an account is being erased"))?;
    let belongings = ctx.store.query_all(keys::belongings(user)).await?;
    if account.item.facts.org == NO_ORGANISATION && belongings.is_empty() {
        Ok(account)
    } else {
        Err(Error::conflict(
            "/email",
            "This address belongs to a customer's account. Staff need another one.",
        ))
    }
}

async fn add_account(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (user, email_digest): (UserId, String),
    (email, name): (Email, PersonName),
) -> Result<DataKey> {
    let (now, policy) = (ctx.now(), ctx.policy());
    let facts = UserFacts {
        org: NO_ORGANISATION,
        verified: false,
        email_digest,
        created_at: now,
        updated_at: now,
        policy_version: policy.version().to_string(),
        policy_accepted_at: now,
        age_confirmed: policy.minimum_age(),
        second_factor: false,
    };
    // Nobody has a password until they choose one with the code from the mail, which also shows that the address is
    // theirs.
    let nobody = password::nobody(policy.password_scheme());
    store::add_user(
        ctx,
        transaction,
        (user, facts, UserProfile { name, email }),
        nobody,
    )
    .await
}

/// Adds the code that sets a password, which replaces an older one, and gives the mail that carries it.
fn code(ctx: &Ctx, transaction: &mut Transaction, user: UserId) -> Result<Template> {
    let code = NewCode::new(ctx, user, CODE_LIFETIME);
    code.put(transaction, keys::one_time(user, reset::PURPOSE))?;
    Ok(Template::StaffInvited { code: code.text })
}

fn note(
    ctx: &Ctx,
    transaction: &mut Transaction,
    owner: (UserId, &DataKey),
    role: Option<StaffRole>,
) -> Result<()> {
    let word = match role {
        Some(StaffRole::Support) => "support",
        Some(StaffRole::Lead) => "lead",
        None => "none",
    };
    let (kind, object) = (ActivityKind::RoleChanged, Some(word.to_owned()));
    activity::of_account(ctx, transaction, owner, kind, object, &Source::default())
}

/// Removes somebody from the staff: every session ends, and every access of theirs with the next request. The account
/// stays for as long as the policy keeps accounts after their end, so that a customer who asks who had access gets an
/// answer.
///
/// # Errors
/// [`Error::NotFound`] for who is no staff.
pub async fn remove(ctx: &Ctx, user: UserId) -> Result<usize> {
    let account = Account::read(ctx, user).await?.ok_or(Error::NotFound)?;
    let mut transaction = Transaction::new();
    transaction.delete_if("staff", &keys::staff(user), &Condition::present());
    transaction.delete("code", &keys::one_time(user, reset::PURPOSE));
    anchor(ctx, &mut transaction, user, Some(ctx.now())).await?;
    note(ctx, &mut transaction, (user, account.key()), None)?;
    let ended = sessions::end_all(ctx, &mut transaction, user, None).await?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(ended),
        Err(Commit::Rejected(rejections))
            if rejections.iter().any(|rejection| rejection.label == "staff") =>
        {
            Err(Error::NotFound)
        }
        Err(Commit::Rejected(_)) => Err(Error::unavailable("a removal met another change")),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Lets the period of an account's end run, or stops it. Nobody deletes such an account later, so removal is every event
/// from which a policy may count.
async fn anchor(ctx: &Ctx, transaction: &mut Transaction, user: UserId, at: Option<Timestamp>) -> Result<()> {
    if let Some(row) = units::read(&ctx.store, UnitId::User(user)).await? {
        units::anchor(transaction, ctx.policy(), &row, at, AT_DELETION)?;
    }
    Ok(())
}
