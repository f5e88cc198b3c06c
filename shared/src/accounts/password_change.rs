//! Changing a password: who knows the old one chooses a new one, and every other session ends.

use super::model::{Empty, Password, UserProfile};
use super::password::{self, Context, PlainPassword};
use super::sessions::{self, Issued, Proof};
use super::{email_change, reset};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Level, Member};
use crate::ctx::Ctx;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{ActorId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::OrganisationProfile;
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::policy::Class;
use crate::seal::DataKey;
use crate::softlock;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Raw, Transaction};
use crate::unit::UnitId;

/// The keys that [`change`] wants read with the caller.
pub fn needs(actor: ActorId) -> Vec<Key> {
    match actor {
        ActorId::User(user) => vec![keys::user(user), keys::password(user)],
        // The action is none that an API key may do.
        ActorId::Service(_) => Vec::new(),
    }
}

/// Changes the password. Every other session ends; the caller's is replaced by the one that is given back (C-02, D-42,
/// E-14).
///
/// # Errors
/// [`Error::Forbidden`] when `current` is wrong, which counts as a failed sign-in; [`Error::Invalid`] when the new
/// one may not be chosen; [`Error::Conflict`] when the password changed at this moment.
pub async fn change(
    ctx: &Ctx,
    member: &Member,
    (current, new): (&PlainPassword, &PlainPassword),
    source: &Source,
) -> Result<(Issued, Outgoing)> {
    const WRONG: Error = Error::Forbidden("The current password is wrong.");
    let person = member.person()?;
    let account = super::store::read(member)?;
    let password_key = keys::password(person.user);
    softlock::count(ctx, &account.facts.email_digest).await?;
    let raw = member.optional(&password_key);
    let stored = raw.map(|raw| raw.open::<Password>(&person.key)).transpose()?;
    let nobody = || password::nobody(ctx.policy().password_scheme());
    if !password::verify(current, &stored.map_or_else(nobody, |item| item.payload)) {
        return Err(WRONG);
    }
    check_choice(ctx, &account, new).await?;
    let hashed = password::hash(new, ctx.policy().password_scheme(), ctx.entropy.as_ref())?;
    let owner = (person.user, &person.key);
    let mut transaction = Transaction::new();
    put(ctx, &mut transaction, owner, raw, hashed)?;
    softlock::forget(&mut transaction, &account.facts.email_digest);
    let place = (member.permit.org(), Proof::Own(Level::Aal1));
    let begun = sessions::replace(ctx, &mut transaction, person, place, source).await?;
    let kind = ActivityKind::PasswordChanged;
    activity::of_account(ctx, &mut transaction, owner, kind, None, source)?;
    let now = (ctx.now(), ctx.id_bytes(), ctx.entropy.as_ref());
    let to = account.payload.email;
    let notice = send::queue(&mut transaction, owner, to, Template::PasswordChanged, now)?;
    // Somebody else may have begun these.
    for purpose in [email_change::PURPOSE, reset::PURPOSE] {
        transaction.delete("pending", &keys::one_time(person.user, purpose));
    }
    sessions::end_all(ctx, &mut transaction, person.user, Some(person.session)).await?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => {
            sessions::end_stragglers(ctx, person.user, Some(begun.session())).await?;
            Ok((begun.issue(ctx).await?, notice))
        }
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "/current_password",
            "The password or the session changed at this moment; nothing was done.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Whether the account may have this password.
///
/// # Errors
/// [`Error::Invalid`] with the rule that it breaks.
pub(super) async fn check_choice(
    ctx: &Ctx,
    account: &Item<UserProfile>,
    password: &PlainPassword,
) -> Result<()> {
    let company = company(ctx, account.facts.org).await?;
    let mut names = vec![ctx.policy().controller().name()];
    names.extend(company.as_deref());
    let context = Context {
        email: &account.payload.email,
        names: &names,
        has_second_factor: account.facts.second_factor,
    };
    password
        .may_be_chosen(&context)
        .map_err(|rule| Error::invalid("/new_password", rule))
}

/// The name of the organisation, which an attacker would try; `None` when it is gone.
async fn company(ctx: &Ctx, org: OrgId) -> Result<Option<String>> {
    let unit = UnitId::Organisation(org, Class::Account);
    let wanted = [keys::organisation(Tenant::new(org)), keys::data_key(unit)];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let key = units::usable_key(found.get(&wanted[1]), unit, ctx.root().await?)?;
    let (Some(key), Some(raw)) = (key, found.get(&wanted[0])) else {
        return Ok(None);
    };
    let profile = raw.open::<OrganisationProfile>(&key)?.payload;
    Ok(Some(profile.name.as_str().to_owned()))
}

/// Adds the new password in the place of what was read.
pub(super) fn put(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (user, key): (UserId, &DataKey),
    before: Option<&Raw>,
    hashed: Password,
) -> Result<()> {
    let before = before.map(|raw| raw.open::<Password>(key)).transpose()?;
    let mut item = Item::sealed(keys::password(user), Empty {}, hashed);
    let condition = match before {
        Some(before) => {
            item.version = before.version + 1;
            Condition::version(before.version)
        }
        None => Condition::absent(),
    };
    transaction.put_sealed_if("password", &item, key, ctx.entropy.as_ref(), &condition)
}
