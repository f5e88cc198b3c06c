//! Signing in: whoever shows enough gets a session; everybody else gets one and the same answer.

use super::model::{EmailGuard, Password, SignInMethod, UserFacts};
use super::owner::{self, Owner};
use super::password::{self, PlainPassword};
use super::sessions::{self, Form, Issued, SignIn};
use super::store::email_digest;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Level;
use crate::ctx::Ctx;
use crate::email::Email;
use crate::error::{Error, Result};
use crate::ids::{ActorId, OrgId, UserId};
use crate::keys::{self, Tenant};
use crate::members::{own, rules};
use crate::mfa::pending::{self, Waiting};
use crate::organisations::model::{Membership, OrganisationProfile};
use crate::outbox::templates::Template;
use crate::seal::DataKey;
use crate::softlock;
use crate::source::Source;
use crate::store::{Commit, Condition, Raw, Transaction};

/// The answer to whoever did not show enough, whatever it was that was missing.
pub const WRONG_CREDENTIALS: Error = Error::Unauthenticated("E-mail address or password is wrong.");

/// A person who has shown that they are a user, before there is a session.
pub struct Verified {
    /// The user.
    pub user: UserId,
    /// What is known of them in the clear.
    pub facts: UserFacts,
    /// Where the sign-in leads, if they are a member there and it lets them in this way.
    pub org: OrgId,
    /// The key of their account.
    pub key: DataKey,
    /// How they signed in.
    pub method: SignInMethod,
    /// How sure it is.
    pub level: Level,
}

/// Checks address and password. An unknown address, a wrong password and an unverified account give the same answer
/// after the same work: the try is counted, one hash is computed, the failure is noted.
///
/// The try stays counted: who lets the person in forgets it with `softlock::forget`.
///
/// # Errors
/// [`Error::Unauthenticated`], and [`Error::TooManyRequests`] while the account is locked.
pub async fn check_password(
    ctx: &Ctx,
    email: Option<&Email>,
    password: &PlainPassword,
    source: &Source,
) -> Result<(Verified, u64)> {
    // That a text is no address is no secret.
    let email = email.ok_or(WRONG_CREDENTIALS)?;
    let root = ctx.root().await?;
    let digest = email_digest(ctx, email).await?;
    let (guard_key, softlock_key) = (keys::email_guard(&digest), softlock::key(&digest));
    let wanted = [guard_key.clone(), softlock_key.clone()];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let guard = found.get(&guard_key).map(Raw::decode::<EmailGuard>).transpose()?;
    let user = guard.map_or_else(|| owner::nobody(root, &digest), |item| item.facts.user);
    let password_key = keys::password(user);
    let mut wanted = Owner::keys(user).to_vec();
    wanted.push(password_key.clone());
    // Reading is not verifying: only that has to wait until the try is counted.
    let (counted, found) = tokio::try_join!(
        softlock::reserve(ctx, &digest, found.get(&softlock_key)),
        ctx.store.get(&wanted, ctx.entropy.as_ref())
    )?;
    let counted = counted?;
    let owner = Owner::read(ctx, root, user, &found)?;
    let stored = match (&owner.account, found.get(&password_key)) {
        (Some(_), Some(raw)) => Some(raw.open::<Password>(&owner.key)?),
        _ => None,
    };
    let version = stored.as_ref().map_or(0, |item| item.version);
    let nobody = || password::nobody(ctx.policy().password_scheme());
    let right = password::verify(password, &stored.map_or_else(nobody, |item| item.payload));
    match owner.facts().filter(|facts| right && facts.verified) {
        Some(facts) => Ok((
            Verified {
                user,
                facts: facts.clone(),
                org: facts.org,
                key: owner.key,
                method: SignInMethod::Password,
                level: Level::Aal1,
            },
            version,
        )),
        None => {
            note_failure(ctx, &owner, email, counted.failures, source).await?;
            Err(WRONG_CREDENTIALS)
        }
    }
}

/// Notes a failed sign-in in the logs of the person and of the organisation, and tells the person when the account was
/// locked by it.
async fn note_failure(ctx: &Ctx, owner: &Owner, email: &Email, failures: u32, source: &Source) -> Result<()> {
    let mut transaction = Transaction::new();
    let kind = ActivityKind::SignInFailed;
    owner
        .note_in_organisation(ctx, &mut transaction, kind, source)
        .await?;
    owner.note(ctx, &mut transaction, kind, source)?;
    if softlock::is_first_of_level(failures) {
        let reset_needed = failures >= softlock::RESET_NEEDED;
        let template = Template::SignInsFailed {
            failures,
            reset_needed,
        };
        owner.queue(ctx, &mut transaction, email, template)?;
    }
    Ok(ctx.store.commit(transaction, ctx.entropy.as_ref()).await?)
}

/// Where a right password leads.
pub enum Login {
    /// To a session.
    Issued(Issued),
    /// To a sign-in that waits for the second factor of the account.
    Waiting(Waiting),
}

/// Signs in with a password, which is enough where there is no second factor.
///
/// # Errors
/// As [`check_password`].
pub async fn login(
    ctx: &Ctx,
    email: Option<&Email>,
    password: &PlainPassword,
    form: Form,
    source: &Source,
) -> Result<Login> {
    let (verified, version) = check_password(ctx, email, password, source).await?;
    if verified.facts.second_factor {
        let waiting = pending::begin(ctx, &verified, version, form).await?;
        return Ok(Login::Waiting(waiting));
    }
    let mut transaction = Transaction::new();
    // A password that was changed at this moment opens nothing any more.
    let password_key = keys::password(verified.user);
    transaction.check("password", &password_key, &Condition::version(version));
    softlock::forget(&mut transaction, &verified.facts.email_digest);
    let issued = complete(ctx, transaction, &verified, form, source).await?;
    Ok(Login::Issued(issued))
}

/// Begins the session of a person who has shown who they are: the last step of every way to sign in. `transaction` holds
/// what this way writes; a rejection of it is a refusal.
///
/// # Errors
/// [`Error::Unauthenticated`] when the organisation does not let its members in this way.
pub async fn complete(
    ctx: &Ctx,
    mut transaction: Transaction,
    verified: &Verified,
    form: Form,
    source: &Source,
) -> Result<Issued> {
    let (user, method, mut org) = (verified.user, verified.method, verified.org);
    let mut tenant = Tenant::new(org);
    let wanted = [keys::membership(tenant, user), keys::organisation(tenant)];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let membership = found.get(&wanted[0]).map(Raw::decode::<Membership>).transpose()?;
    let organisation = found
        .get(&wanted[1])
        .map(Raw::facts::<OrganisationProfile>)
        .transpose()?;
    let is_member = membership.is_some();
    let place = membership.zip(organisation);
    let mut belongs = place.is_some();
    let refused = place.is_some_and(|(membership, organisation)| {
        !rules::admits(method, membership.facts.role, &organisation)
    });
    if refused || !is_member {
        match own::another(ctx, user, method).await? {
            Some(place) => (org, tenant, belongs) = (place.org, Tenant::new(place.org), true),
            None if refused => return Err(WRONG_CREDENTIALS),
            None => {}
        }
    }
    if belongs {
        let actor = Some(ActorId::User(user));
        activity::of_organisation(ctx, &mut transaction, tenant, ActivityKind::SignedIn, actor, None)?;
    }
    let sign_in = SignIn {
        user,
        org,
        method,
        level: verified.level,
        form,
        source,
    };
    let begun = sessions::begin(ctx, &mut transaction, &sign_in, &verified.key).await?;
    let owner = (user, &verified.key);
    activity::of_account(ctx, &mut transaction, owner, ActivityKind::SignedIn, None, source)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => {}
        Err(Commit::Rejected(_)) => return Err(WRONG_CREDENTIALS),
        Err(Commit::Failed(error)) => return Err(error),
    }
    sessions::end_surplus(ctx, user, begun.session()).await?;
    begun.issue(ctx).await
}
