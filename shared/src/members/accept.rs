//! Accepting an invitation: as a new person, or with the account that one has.

use super::invitations::{self, Stored};
use super::model::Invitation;
use super::own::{self, MAX_ORGANISATIONS};
use super::{anchors, rules, store};
use crate::accounts::model::{EmailGuard, Empty, PersonName, SignInMethod, UserFacts, UserProfile};
use crate::accounts::password::{self, Context, PlainPassword};
use crate::accounts::sessions::{self, Form, Issued, SignIn};
use crate::accounts::store::{email_digest, owner_of};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{InvitationCode, Level, Person};
use crate::ctx::Ctx;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{ActorId, OrgId, UserId};
use crate::keys::{self, Tenant};
use crate::organisations::model::{Membership, OrganisationProfile, Subscription};
use crate::organisations::store::account_key;
use crate::policy::{Class, PolicyVersion};
use crate::seal::DataKey;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Rejection, Transaction};
use crate::unit::UnitId;

/// What a new person says of themselves, checked but for the password.
#[derive(Debug)]
pub struct NewPerson {
    /// Their name.
    pub name: PersonName,
    /// The chosen password.
    pub password: PlainPassword,
    /// The age that they confirmed to have reached.
    pub age_confirmed: u8,
    /// The policy version that they accepted.
    pub policy_version: PolicyVersion,
}

/// An invitation whose code was shown.
struct Shown {
    org: OrgId,
    invitation: Stored,
    organisation: Item<OrganisationProfile>,
}

/// What somebody joined.
pub struct Joined {
    /// The user.
    pub user: UserId,
    /// The organisation.
    pub org: OrgId,
    /// The organisation.
    pub organisation: Item<OrganisationProfile>,
    /// The membership.
    pub membership: Membership,
    /// A session for a new person whom the organisation lets in through its identity provider only: the one chance to
    /// link an identity there, for the password opens nothing.
    pub session: Option<Issued>,
}

fn wrong_code() -> Error {
    Error::invalid(
        "/code",
        "The code is wrong, was used already, was replaced or taken back, or is older than 7 days.",
    )
}

async fn shown(ctx: &Ctx, text: &str) -> Result<Shown> {
    let code = InvitationCode::parse(text).ok_or_else(wrong_code)?;
    let (org, invitation) = code.ids();
    let tenant = Tenant::new(org);
    let wanted = [
        keys::invitation(tenant, invitation),
        keys::organisation(tenant),
        account_key(tenant),
    ];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let unit = UnitId::Organisation(org, Class::Account);
    let key = units::usable_key(found.get(&wanted[2]), unit, ctx.root().await?)?;
    let (Some(key), Some(raw), Some(organisation)) = (key, found.get(&wanted[0]), found.get(&wanted[1]))
    else {
        return Err(wrong_code());
    };
    let invitation = raw.open::<Invitation>(&key)?;
    let genuine = code.matches(&invitation.facts.digest);
    if !genuine || invitation.facts.expires_at <= ctx.now() {
        return Err(wrong_code());
    }
    let organisation = organisation.open::<OrganisationProfile>(&key)?;
    if organisation.facts.subscription == Subscription::Cancelled {
        return Err(Error::conflict(
            "",
            "The subscription of the organisation is cancelled: nobody can join it.",
        ));
    }
    Ok(Shown {
        org,
        invitation,
        organisation,
    })
}

/// Makes an account for the invited address, which counts as verified: the code came to it.
///
/// # Errors
/// [`Error::Invalid`] for a code or password that is no good; [`Error::Conflict`] when the address has an account.
pub async fn as_new_person(ctx: &Ctx, code: &str, person: NewPerson, source: &Source) -> Result<Joined> {
    let shown = shown(ctx, code).await?;
    let email = &shown.invitation.payload.email;
    let company = shown.organisation.payload.name.as_str();
    person
        .password
        .may_be_chosen(&Context {
            email,
            names: &[company, ctx.policy().controller().name()],
            has_second_factor: false,
        })
        .map_err(|detail| Error::invalid("/password", detail))?;
    let digest = email_digest(ctx, email).await?;
    if owner_of(ctx, &digest).await?.is_some() {
        return Err(has_account());
    }
    let (now, entropy, root) = (ctx.now(), ctx.entropy.as_ref(), ctx.root().await?);
    let hashed = password::hash(&person.password, ctx.policy().password_scheme(), entropy)?;
    let user = UserId::new(now, ctx.id_bytes());
    let mut transaction = Transaction::new();
    let key = units::open(
        &mut transaction,
        UnitId::User(user),
        Some(digest.clone()),
        root,
        entropy,
    )?;
    let facts = UserFacts {
        org: shown.org,
        verified: true,
        email_digest: digest.clone(),
        created_at: now,
        updated_at: now,
        policy_version: person.policy_version.to_string(),
        policy_accepted_at: now,
        age_confirmed: person.age_confirmed,
        second_factor: false,
    };
    let profile = UserProfile {
        name: person.name,
        email: email.clone(),
    };
    let profile = Item::sealed(keys::user(user), facts, profile);
    transaction.create_sealed("user", &profile, &key, entropy)?;
    let credential = Item::sealed(keys::password(user), Empty {}, hashed);
    transaction.create_sealed("password", &credential, &key, entropy)?;
    let guard = Item::plain(keys::email_guard(&digest), EmailGuard { user });
    transaction.create("e-mail", &guard)?;
    let (role, organisation) = (shown.invitation.facts.role, &shown.organisation.facts);
    let begun = if rules::admits(SignInMethod::Password, role, organisation) {
        None
    } else {
        let sign_in = SignIn {
            user,
            org: shown.org,
            method: SignInMethod::Password,
            level: Level::Aal1,
            form: Form::Cookie,
            source,
        };
        Some(sessions::begin(ctx, &mut transaction, &sign_in, &key).await?)
    };
    let mut joined = join(ctx, transaction, shown, (user, &key), source).await?;
    if let Some(begun) = begun {
        joined.session = Some(begun.issue(ctx).await?);
    }
    Ok(joined)
}

fn has_account() -> Error {
    Error::conflict(
        "/code",
        "The invited address has an account. Sign in with it, and send the code to POST /v1/me/organisations.",
    )
}

/// Joins with the account that one has. The code alone is not enough: it was sent to the address of that account.
///
/// # Errors
/// [`Error::Invalid`] for a code that is no good; [`Error::Forbidden`] for an invitation of another address;
/// [`Error::Conflict`] for who is a member already.
pub async fn as_user(
    ctx: &Ctx,
    code: &str,
    (person, profile): (&Person, &Item<UserProfile>),
    source: &Source,
) -> Result<Joined> {
    let shown = shown(ctx, code).await?;
    let own = profile.payload.email.canonical();
    if own != shown.invitation.payload.email.canonical() {
        return Err(Error::Forbidden(
            "The invitation is for another address than that of your account.",
        ));
    }
    let all = own::belongings(ctx, person.user).await?;
    if all.len() >= MAX_ORGANISATIONS {
        let detail = format!("You are in {MAX_ORGANISATIONS} organisations. Leave one first.");
        return Err(Error::conflict("", detail));
    }
    let mut transaction = Transaction::new();
    // The operator's staff belong to no customer, so that their access is never anything but exceptional (CTK-2).
    transaction.check("staff", &keys::staff(person.user), &Condition::absent());
    // Who was on the way out with organisations that are cancelled stays, for this one lives.
    anchors::add(ctx, &mut transaction, &[person.user], None).await?;
    join(ctx, transaction, shown, (person.user, &person.key), source).await
}

async fn join(
    ctx: &Ctx,
    mut transaction: Transaction,
    shown: Shown,
    (user, key): (UserId, &DataKey),
    source: &Source,
) -> Result<Joined> {
    let tenant = Tenant::new(shown.org);
    let membership = Membership {
        role: shown.invitation.facts.role,
        created_at: ctx.now(),
        suspended_at: None,
    };
    let invitation = invitations::id(&shown.invitation)?;
    invitations::end(&mut transaction, (shown.org, invitation), &shown.invitation.facts);
    store::join(&mut transaction, tenant, user, membership.clone())?;
    let (kind, actor) = (ActivityKind::MemberJoined, Some(ActorId::User(user)));
    let object = Some(invitation.to_string());
    activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, object)?;
    let object = Some(shown.org.to_string());
    activity::of_account(ctx, &mut transaction, (user, key), kind, object, source)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(Joined {
            user,
            org: shown.org,
            organisation: shown.organisation,
            membership,
            session: None,
        }),
        Err(Commit::Rejected(rejections)) => Err(refused(&rejections)),
        Err(Commit::Failed(error)) => Err(error),
    }
}

fn refused(rejections: &[Rejection]) -> Error {
    let at = |label| rejections.iter().any(|rejection| rejection.label == label);
    if at("staff") {
        Error::Forbidden("The operator's staff join no organisation.")
    } else if at("invitation") || at("organisation") {
        wrong_code()
    } else if at("membership") {
        Error::conflict("", "You are a member of this organisation already.")
    } else if at("e-mail") {
        has_account()
    } else {
        Error::unavailable("an account changed while it joined")
    }
}
