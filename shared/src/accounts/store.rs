//! Accounts in the tables.

use std::collections::{BTreeMap, HashMap};

use jiff::SignedDuration;

use super::codes::NewCode;
use super::model::{EmailGuard, Empty, Password, PersonName, UserFacts, UserProfile, VerificationCode};
use super::password::{self, PlainPassword};
use super::token::{digest_of, same_digest};
use crate::auth::{Member, Role};
use crate::ctx::Ctx;
use crate::email::Email;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::{Belonging, Membership, OrganisationFacts, OrganisationProfile};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::policy::{Class, PolicyVersion};
use crate::seal::{DataKey, RootKey};
use crate::store::{Commit, Condition, Item, Raw, Transaction, Update};
use crate::stored;
use crate::text::Line;
use crate::unit::UnitId;

/// How long the code that verifies an address is good.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// A registration whose every part was checked.
#[derive(Debug)]
pub struct Registration {
    /// The person's name.
    pub name: PersonName,
    /// The person's address.
    pub email: Email,
    /// The organisation's name.
    pub company: Line<200>,
    /// The chosen password.
    pub password: PlainPassword,
    /// The age that the person confirmed to have reached.
    pub age_confirmed: u8,
    /// The policy version that the person accepted.
    pub policy_version: PolicyVersion,
}

/// The keyed hash by which an address is found.
///
/// # Errors
/// When the root key is out of reach.
pub async fn email_digest(ctx: &Ctx, email: &Email) -> Result<String> {
    Ok(ctx.root().await?.digest("email", &email.canonical()))
}

/// Registers a person and their organisation, or, when the address is taken, tells its owner. Both look the same to the
/// caller and cost the same work: one hash, one read, one transaction, one mail.
///
/// # Errors
/// When a dependency does not answer.
pub async fn register(ctx: &Ctx, registration: Registration) -> Result<Outgoing> {
    let digest = email_digest(ctx, &registration.email).await?;
    let hashed = password::hash(
        &registration.password,
        ctx.policy().password_scheme(),
        ctx.entropy.as_ref(),
    )?;
    let owner = owner_of(ctx, &digest).await?;
    if let Some(owner) = owner {
        return tell_owner(ctx, owner).await;
    }
    let (transaction, outgoing) = new_account(ctx, &registration, &digest, hashed).await?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(outgoing),
        Err(Commit::Rejected(_)) => match owner_of(ctx, &digest).await? {
            Some(owner) => tell_owner(ctx, owner).await,
            None => Err(Error::unavailable("a registration met another one")),
        },
        Err(Commit::Failed(error)) => Err(error),
    }
}

pub(crate) async fn owner_of(ctx: &Ctx, digest: &str) -> Result<Option<UserId>> {
    let guard = ctx.store.get_one(&keys::email_guard(digest)).await?;
    guard
        .map(|raw| Ok(raw.decode::<EmailGuard>()?.facts.user))
        .transpose()
}

async fn tell_owner(ctx: &Ctx, user: UserId) -> Result<Outgoing> {
    let Some(account) = Account::read(ctx, user).await? else {
        return Err(Error::unavailable("an account is being erased"));
    };
    let mut transaction = Transaction::new();
    let outgoing = account.queue(ctx, &mut transaction, Template::AlreadyRegistered)?;
    ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    Ok(outgoing)
}

async fn new_account(
    ctx: &Ctx,
    registration: &Registration,
    digest: &str,
    hashed: Password,
) -> Result<(Transaction, Outgoing)> {
    let (now, entropy, root) = (ctx.now(), ctx.entropy.as_ref(), ctx.root().await?);
    let (user, org) = (UserId::new(now, ctx.id_bytes()), OrgId::new(now, ctx.id_bytes()));
    let tenant = Tenant::new(org);
    let mut transaction = Transaction::new();
    let mut class_keys = HashMap::new();
    for class in stored::classes_of_organisation() {
        let key = units::open(
            &mut transaction,
            UnitId::Organisation(org, class),
            None,
            root,
            entropy,
        )?;
        class_keys.insert(class, key);
    }
    let account_key = class_keys
        .get(&Class::Account)
        .ok_or_else(|| Error::internal("no key for accounts"))?;
    let facts = UserFacts {
        org,
        verified: false,
        email_digest: digest.to_owned(),
        created_at: now,
        updated_at: now,
        policy_version: registration.policy_version.to_string(),
        policy_accepted_at: now,
        age_confirmed: registration.age_confirmed,
        second_factor: false,
    };
    let profile = UserProfile {
        name: registration.name.clone(),
        email: registration.email.clone(),
    };
    let user_key = add_user(ctx, &mut transaction, (user, facts, profile), hashed).await?;
    let profile = OrganisationProfile {
        name: registration.company.clone(),
        role_names: BTreeMap::new(),
    };
    let mut facts = OrganisationFacts::new(now);
    facts.security.mfa = ctx.policy().mfa().0;
    let organisation = Item::sealed(keys::organisation(tenant), facts, profile);
    transaction.create_sealed("organisation", &organisation, account_key, entropy)?;
    let membership = Membership {
        role: Role::Owner,
        created_at: now,
        suspended_at: None,
    };
    transaction.create(
        "membership",
        &Item::plain(keys::membership(tenant, user), membership),
    )?;
    let belonging = Belonging { created_at: now };
    transaction.create("belonging", &Item::plain(keys::belonging(user, org), belonging))?;
    let template = verification(&mut transaction, user, ctx)?;
    let outgoing = send::queue(
        &mut transaction,
        (user, &user_key),
        registration.email.clone(),
        template,
        (now, ctx.id_bytes(), entropy),
    )?;
    Ok((transaction, outgoing))
}

/// Adds a new user with a key of their own and the guard of their address.
///
/// # Errors
/// When the root key is out of reach. The transaction is rejected at `e-mail` when the address is taken.
pub(crate) async fn add_user(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (user, facts, profile): (UserId, UserFacts, UserProfile),
    hashed: Password,
) -> Result<DataKey> {
    let entropy = ctx.entropy.as_ref();
    let digest = facts.email_digest.clone();
    let unit = UnitId::User(user);
    let user_key = units::open(
        transaction,
        unit,
        Some(digest.clone()),
        ctx.root().await?,
        entropy,
    )?;
    let item = Item::sealed(keys::user(user), facts, profile);
    transaction.create_sealed("user", &item, &user_key, entropy)?;
    let credential = Item::sealed(keys::password(user), Empty {}, hashed);
    transaction.create_sealed("password", &credential, &user_key, entropy)?;
    let guard = Item::plain(keys::email_guard(&digest), EmailGuard { user });
    transaction.create("e-mail", &guard)?;
    Ok(user_key)
}

/// Adds a new verification code, which replaces an older one, and gives the mail that carries it.
fn verification(transaction: &mut Transaction, user: UserId, ctx: &Ctx) -> Result<Template> {
    let code = NewCode::new(ctx, user, CODE_LIFETIME);
    code.put(transaction, keys::verification_code(user))?;
    Ok(Template::VerifyEmail { code: code.text })
}

/// A user with the key that opens what is theirs.
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The user's item.
    pub item: Item<UserProfile>,
    key: DataKey,
}

impl Account {
    /// Reads a user; `None` when the account is gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(ctx: &Ctx, user: UserId) -> Result<Option<Self>> {
        let unit = UnitId::User(user);
        let (user_key, key_key) = (keys::user(user), keys::data_key(unit));
        let found = ctx
            .store
            .get(&[user_key.clone(), key_key.clone()], ctx.entropy.as_ref())
            .await?;
        Self::open(user, found.get(&user_key), found.get(&key_key), ctx.root().await?)
    }

    /// A user from the rows of the account and of its key; `None` when the account is gone.
    ///
    /// # Errors
    /// When the rows are not this user's.
    pub fn open(
        user: UserId,
        account: Option<&Raw>,
        key: Option<&Raw>,
        root: &RootKey,
    ) -> Result<Option<Self>> {
        let key = units::usable_key(key, UnitId::User(user), root)?;
        let (Some(key), Some(raw)) = (key, account) else {
            return Ok(None);
        };
        Ok(Some(Self {
            user,
            item: raw.open::<UserProfile>(&key)?,
            key,
        }))
    }

    /// The key that opens what is theirs.
    pub fn key(&self) -> &DataKey {
        &self.key
    }

    /// Adds a mail to the user.
    ///
    /// # Errors
    /// Only when an item does not encode.
    pub fn queue(&self, ctx: &Ctx, transaction: &mut Transaction, template: Template) -> Result<Outgoing> {
        let to = self.item.payload.email.clone();
        let now = (ctx.now(), ctx.id_bytes(), ctx.entropy.as_ref());
        send::queue(transaction, (self.user, &self.key), to, template, now)
    }
}

/// Sends the code again, if the address has an account that is not verified. The caller cannot tell.
///
/// # Errors
/// When a dependency does not answer.
pub async fn resend_verification(ctx: &Ctx, email: &Email) -> Result<Option<Outgoing>> {
    let digest = email_digest(ctx, email).await?;
    let Some(user) = owner_of(ctx, &digest).await? else {
        return Ok(None);
    };
    let Some(account) = Account::read(ctx, user).await? else {
        return Ok(None);
    };
    if account.item.facts.verified {
        return Ok(None);
    }
    let mut transaction = Transaction::new();
    let template = verification(&mut transaction, user, ctx)?;
    let outgoing = account.queue(ctx, &mut transaction, template)?;
    ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    Ok(Some(outgoing))
}

/// Marks the address as verified. A code works once.
///
/// # Errors
/// [`Error::Invalid`] for a code that is wrong, used or too old.
pub async fn verify_email(ctx: &Ctx, code: &str) -> Result<()> {
    let wrong = || {
        Error::invalid(
            "/code",
            "The code is wrong, was used already, or is older than 24 hours.",
        )
    };
    let (user, secret) = code.split_once('.').ok_or_else(wrong)?;
    let user: UserId = user.parse().map_err(|_| wrong())?;
    let key = keys::verification_code(user);
    let found = ctx
        .store
        .get_one(&key)
        .await?
        .ok_or_else(wrong)?
        .decode::<VerificationCode>()?
        .facts;
    if !same_digest(&found.digest, &digest_of(secret)) || found.expires_at <= ctx.now() {
        return Err(wrong());
    }
    let mut transaction = Transaction::new();
    transaction.delete_if("code", &key, &Condition::text("digest", found.digest));
    transaction.update(
        "user",
        &keys::user(user),
        Update::new().set_true("verified"),
        &Condition::present(),
    );
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(wrong()),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// A user's profile as it is stored.
pub type Profile = Item<UserProfile>;

/// The key of a user's profile, for the round trip that authenticates.
pub fn key(user: UserId) -> Key {
    keys::user(user)
}

/// The profile of the member that asks.
///
/// # Errors
/// [`Error::NotFound`] when the route did not ask for it, or it is gone.
pub fn read(member: &Member) -> Result<Profile> {
    member
        .item(&key(member.person()?.user))?
        .open::<UserProfile>(&member.person()?.key)
}

/// Changes the user's name.
///
/// # Errors
/// [`Error::Stale`] when the profile changed at the same time.
pub async fn rename(ctx: &Ctx, member: &Member, mut item: Profile, name: PersonName) -> Result<Profile> {
    item.version += 1;
    item.facts.updated_at = ctx.now();
    item.payload.name = name;
    let mut transaction = Transaction::new();
    transaction.replace_sealed("user", &item, &member.person()?.key, ctx.entropy.as_ref())?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(item),
        Err(Commit::Rejected(_)) => Err(Error::Stale {
            current: item.version,
        }),
        Err(Commit::Failed(error)) => Err(error),
    }
}
