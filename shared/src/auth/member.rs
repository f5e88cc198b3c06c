//! A member of an organisation, or one of its service accounts, with everything that one round trip reads.

use std::collections::HashMap;

use super::{Action, Credential, Level, Reach, Role, Standing, decide};
use crate::accounts::model::{Session, SessionFacts, SignInMethod};
use crate::accounts::sessions;
use crate::ctx::Ctx;
use crate::erasure::model::KeyState;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::idempotency::Idempotency;
use crate::ids::{ActorId, OrgId, SessionId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::{Membership, OrganisationFacts, OrganisationProfile};
use crate::policy::Class;
use crate::seal::{DataKey, RootKey};
use crate::service_accounts::{self, model::ApiKeyFacts};
use crate::store::Raw;
use crate::unit::UnitId;

/// Proof that [`decide`] said yes to this caller for this action. Nothing of an organisation is read or written without
/// one.
#[derive(Debug, Clone)]
pub struct Permit {
    actor: ActorId,
    tenant: Tenant,
    action: Action,
    role: Option<Role>,
    reach: Reach,
}

impl Permit {
    /// Who does it.
    pub fn actor(&self) -> ActorId {
        self.actor
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.tenant.org()
    }

    /// The right to name the organisation's items.
    pub fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// What was allowed.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The user's role; `None` for a service account, and when the organisation is gone.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// The records that it is allowed on.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }
}

/// What a route needs besides the caller.
#[derive(Debug, Default)]
pub struct Needs {
    /// Items to read in the same round trip.
    pub keys: Vec<Key>,
    /// The idempotency of the request, if it has one.
    pub idempotency: Option<Idempotency>,
}

/// The person behind a session.
pub struct Person {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The session as it is stored.
    pub facts: SessionFacts,
    /// The key of the user's own account.
    pub key: DataKey,
}

/// An authenticated caller with everything that was read in the one round trip.
pub struct Member {
    /// The right to go on.
    pub permit: Permit,
    /// The root key.
    pub root: RootKey,
    person: Option<Person>,
    class_keys: HashMap<Class, DataKey>,
    found: HashMap<Key, Raw>,
    organisation: Option<OrganisationFacts>,
}

/// Reads, for a credential, in one BatchGetItem: the session and the user's data key, or the API key; the membership, the
/// organisation, the data keys that the action needs, and what the route asks for.
///
/// # Errors
/// [`Error::Unauthenticated`] for a session, key or user that is no good; [`Error::Gone`] when the organisation's
/// data was erased; and what [`decide`] says.
pub async fn member(
    ctx: &Ctx,
    credential: &Credential,
    action: Action,
    needs: impl FnOnce(Tenant, ActorId) -> Result<Needs>,
) -> Result<(Member, Option<Idempotency>)> {
    let now = ctx.now();
    let shown = Shown::new(credential);
    let tenant = Tenant::new(shown.org());
    let root = ctx.root().await?.clone();
    // A key's service account is known when the key is read; until then, nothing that depends on it can be asked for.
    let needs = needs(tenant, shown.actor())?;
    let class_unit = |class| UnitId::Organisation(tenant.org(), class);
    let mut wanted = shown.keys(tenant);
    wanted.push(keys::organisation(tenant));
    wanted.extend(
        action
            .classes()
            .iter()
            .map(|&class| keys::data_key(class_unit(class))),
    );
    wanted.extend(needs.keys);
    wanted.extend(
        needs
            .idempotency
            .iter()
            .map(|idempotency| idempotency.key.clone()),
    );
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;

    let identified = shown.identify(ctx, &root, &found, tenant).await?;
    let mut class_keys = HashMap::new();
    let mut missing = None;
    for &class in action.classes() {
        let raw = found.get(&keys::data_key(class_unit(class)));
        match units::data_key(raw, class_unit(class), &root)? {
            Some((key, KeyState::Live)) => {
                class_keys.insert(class, key);
            }
            // What is only kept for a duty is, for every normal route, not there (UK GDPR art. 18).
            Some((_, KeyState::Restricted)) => missing = missing.or(Some(Error::NotFound)),
            None => missing = Some(gone(ctx, class_unit(class)).await?),
        }
    }
    if let Some(error) = missing {
        return Err(error);
    }
    let organisation = found
        .get(&keys::organisation(tenant))
        .map(Raw::facts::<OrganisationProfile>)
        .transpose()?;
    let standing = identified.standing();
    let reach = decide((identified.actor, standing), action, organisation.as_ref(), now)?;
    let role = match standing {
        Standing::Person { role, .. } => role,
        Standing::Service(_) => None,
    };
    let permit = Permit {
        actor: identified.actor,
        tenant,
        action,
        role,
        reach,
    };
    let member = Member {
        permit,
        root,
        person: identified.person,
        class_keys,
        found,
        organisation,
    };
    Ok((member, needs.idempotency))
}

/// What a credential says of itself, before anything is read.
enum Shown<'a> {
    Session {
        user: UserId,
        org: OrgId,
        session: SessionId,
        credential: &'a Credential,
    },
    Key(&'a super::ApiKey),
}

/// Who a credential turned out to be.
struct Identified {
    actor: ActorId,
    person: Option<Person>,
    membership: Option<Membership>,
    key: Option<ApiKeyFacts>,
}

impl<'a> Shown<'a> {
    fn new(credential: &'a Credential) -> Self {
        let (user, org, session) = match credential {
            Credential::Token(claims) => (claims.sub, claims.org, claims.sid),
            Credential::Cookie(cookie) => cookie.ids(),
            Credential::Key(key) => return Self::Key(key),
        };
        Self::Session {
            user,
            org,
            session,
            credential,
        }
    }

    fn org(&self) -> OrgId {
        match self {
            Self::Session { org, .. } => *org,
            Self::Key(key) => key.ids().0,
        }
    }

    fn actor(&self) -> ActorId {
        match self {
            Self::Session { user, .. } => ActorId::User(*user),
            // The id of the key stands for its account where only a name is wanted that is the caller's own.
            Self::Key(key) => ActorId::Service(crate::ids::ServiceAccountId::from_bits(key.ids().1.bits())),
        }
    }

    fn keys(&self, tenant: Tenant) -> Vec<Key> {
        match *self {
            Self::Session { user, session, .. } => vec![
                keys::session(user, session),
                keys::data_key(UnitId::User(user)),
                keys::membership(tenant, user),
            ],
            Self::Key(key) => {
                let id = key.ids().1;
                vec![keys::api_key(tenant, id), keys::api_key_use(tenant, id)]
            }
        }
    }

    async fn identify(
        &self,
        ctx: &Ctx,
        root: &RootKey,
        found: &HashMap<Key, Raw>,
        tenant: Tenant,
    ) -> Result<Identified> {
        match *self {
            Self::Session {
                user,
                org,
                session,
                credential,
            } => {
                let person = identify_person(ctx, root, found, (user, org, session), credential).await?;
                let membership = found.get(&keys::membership(tenant, user));
                let membership = membership.map(Raw::decode::<Membership>).transpose()?;
                Ok(Identified {
                    actor: ActorId::User(user),
                    person: Some(person),
                    membership: membership.map(|item| item.facts),
                    key: None,
                })
            }
            Self::Key(key) => {
                let facts = service_accounts::store::identify(ctx, key, found, tenant).await?;
                Ok(Identified {
                    actor: ActorId::Service(facts.service),
                    person: None,
                    membership: None,
                    key: Some(facts),
                })
            }
        }
    }
}

impl Identified {
    fn standing(&self) -> Standing<'_> {
        if let Some(key) = &self.key {
            return Standing::Service(&key.scopes);
        }
        let session = self.person.as_ref().map(|person| &person.facts);
        Standing::Person {
            role: self.membership.as_ref().map(|membership| membership.role),
            suspended: self
                .membership
                .as_ref()
                .is_some_and(|membership| membership.suspended_at.is_some()),
            staff: None,
            level: session.map_or(Level::Aal1, |session| session.level),
            method: session.map_or(SignInMethod::Password, |session| session.method),
            authenticated_at: session.map_or(jiff::Timestamp::MIN, sessions::authenticated_at),
            own_factor_at: session.map_or(jiff::Timestamp::MIN, sessions::own_factor_at),
        }
    }
}

/// The person whose session a credential shows, if the session lives.
pub(super) async fn identify_person(
    ctx: &Ctx,
    root: &RootKey,
    found: &HashMap<Key, Raw>,
    (user, org, session): (UserId, OrgId, SessionId),
    credential: &Credential,
) -> Result<Person> {
    const SIGNED_OUT: Error = Error::Unauthenticated("The session has ended. Sign in again.");
    let now = ctx.now();
    let session_key = keys::session(user, session);
    let facts = found.get(&session_key).ok_or(SIGNED_OUT)?.facts::<Session>()?;
    let genuine = match (&facts.carrier, credential) {
        (crate::accounts::model::Carrier::Bearer { .. }, Credential::Token(_)) => true,
        (crate::accounts::model::Carrier::Cookie { digest }, Credential::Cookie(cookie)) => {
            cookie.matches(digest)
        }
        _ => false,
    };
    if !genuine || facts.org != org || !sessions::is_alive(&facts, now) {
        return Err(SIGNED_OUT);
    }
    let unit = UnitId::User(user);
    let key = units::usable_key(found.get(&keys::data_key(unit)), unit, root)?.ok_or(SIGNED_OUT)?;
    if matches!(credential, Credential::Cookie(_)) {
        sessions::touch(ctx, &session_key, &facts).await?;
    }
    Ok(Person {
        user,
        session,
        facts,
        key,
    })
}

/// The answer to who asks for erased data: the unit outlives it and names the erasure. Nobody else gets this far with a
/// credential of this organisation.
pub(crate) async fn gone(ctx: &Ctx, unit: UnitId) -> Result<Error> {
    let row = units::read(&ctx.store, unit).await?;
    Ok(match row {
        Some(row) => Error::Gone {
            erasure: row.facts.erasure,
        },
        None => Error::NotFound,
    })
}

impl Member {
    /// The person who asks.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a service account. The table gives those nothing that needs a person.
    pub fn person(&self) -> Result<&Person> {
        const NO_PERSON: Error = Error::Forbidden("An API key is no person: sign in.");
        self.person.as_ref().ok_or(NO_PERSON)
    }

    /// The key of a class of the organisation's data.
    ///
    /// # Errors
    /// When the action of the route does not come with that key: a defect of the route.
    pub fn key(&self, class: Class) -> Result<&DataKey> {
        self.class_keys.get(&class).ok_or_else(|| {
            Error::internal(format!(
                "{:?} does not come with the key of {class}",
                self.permit.action
            ))
        })
    }

    /// An item that the route asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn item(&self, key: &Key) -> Result<&Raw> {
        self.found.get(key).ok_or(Error::NotFound)
    }

    /// An item that the route asked for and that may be absent.
    pub fn optional(&self, key: &Key) -> Option<&Raw> {
        self.found.get(key)
    }

    /// The organisation, sealed as it was read.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn organisation(&self) -> Result<&Raw> {
        self.item(&keys::organisation(self.permit.tenant))
    }

    /// The clear part of the organisation; `None` when it is gone.
    pub fn organisation_facts(&self) -> Option<&OrganisationFacts> {
        self.organisation.as_ref()
    }
}
