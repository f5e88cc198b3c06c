//! Who is asking, and may they: one round trip, one pure decision.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::accounts::model::Session;
use crate::accounts::token::Claims;
use crate::ctx::Ctx;
use crate::erasure::model::KeyState;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::idempotency::Idempotency;
use crate::ids::{OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::{Membership, OrganisationFacts, OrganisationProfile, Role, Subscription};
use crate::policy::Class;
use crate::seal::{DataKey, RootKey};
use crate::store::Raw;
use crate::unit::UnitId;

/// What a member can ask for. Every route that needs a member names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See the own account, end the own session.
    UseOwnAccount,
    /// Delete the own account.
    DeleteOwnAccount,
    /// See the organisation.
    ReadOrganisation,
    /// Change the organisation.
    UpdateOrganisation,
    /// Cancel or resume the subscription.
    ManageSubscription,
    /// Close the organisation and have its data erased.
    CloseOrganisation,
    /// See billing details.
    ReadBilling,
    /// Change billing details.
    UpdateBilling,
    /// See records, timelines, attachments, imports.
    ReadRecords,
    /// Create and change them.
    WriteRecords,
    /// Delete them.
    DeleteRecords,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 11] = [
        Self::UseOwnAccount,
        Self::DeleteOwnAccount,
        Self::ReadOrganisation,
        Self::UpdateOrganisation,
        Self::ManageSubscription,
        Self::CloseOrganisation,
        Self::ReadBilling,
        Self::UpdateBilling,
        Self::ReadRecords,
        Self::WriteRecords,
        Self::DeleteRecords,
    ];

    /// Whether the action is about the person alone and works without an organisation.
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::UseOwnAccount | Self::DeleteOwnAccount)
    }

    /// The classes whose data keys the action needs.
    pub const fn classes(self) -> &'static [Class] {
        match self {
            Self::UseOwnAccount | Self::DeleteOwnAccount => &[],
            Self::ReadOrganisation
            | Self::UpdateOrganisation
            | Self::ManageSubscription
            | Self::CloseOrganisation => &[Class::Account],
            Self::ReadBilling | Self::UpdateBilling => &[Class::Account, Class::Billing],
            Self::ReadRecords | Self::WriteRecords | Self::DeleteRecords => &[Class::Account, Class::Content],
        }
    }
}

/// Whether a member of `role` in an organisation whose subscription is `subscription` may do `action`.
/// `None` stands for no organisation.
///
/// # Errors
/// [`Error::Forbidden`] with the reason: the caller knows their own organisation.
pub fn decide(role: Option<Role>, action: Action, subscription: Option<Subscription>) -> Result<()> {
    use Action as A;
    let Some(role) = role else {
        return if action.is_personal() {
            Ok(())
        } else {
            Err(Error::NotFound)
        };
    };
    let allowed = match role {
        Role::Owner => true,
        Role::Admin => !matches!(action, A::CloseOrganisation | A::ManageSubscription),
        Role::Member => matches!(
            action,
            A::UseOwnAccount
                | A::DeleteOwnAccount
                | A::ReadOrganisation
                | A::ReadRecords
                | A::WriteRecords
                | A::DeleteRecords
        ),
        Role::Viewer => {
            matches!(
                action,
                A::UseOwnAccount | A::DeleteOwnAccount | A::ReadOrganisation | A::ReadRecords
            )
        }
    };
    if !allowed {
        return Err(Error::Forbidden("Your role does not allow this."));
    }
    if subscription == Some(Subscription::Cancelled)
        && matches!(action, A::WriteRecords | A::UpdateOrganisation)
    {
        return Err(Error::Forbidden(
            "The subscription is cancelled: records can be read and deleted. Resume it to add or change any.",
        ));
    }
    Ok(())
}

/// Proof that [`decide`] said yes to this member for this action. Nothing of an organisation is read or written without
/// one.
#[derive(Debug, Clone)]
pub struct Permit {
    claims: Claims,
    tenant: Tenant,
    action: Action,
    role: Option<Role>,
}

impl Permit {
    /// The user.
    pub fn user(&self) -> UserId {
        self.claims.sub
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

    /// The user's role; `None` when the organisation is gone.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// The token's claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// What a route needs besides the member.
#[derive(Debug, Default)]
pub struct Needs {
    /// Items to read in the same round trip.
    pub keys: Vec<Key>,
    /// The idempotency of the request, if it has one.
    pub idempotency: Option<Idempotency>,
}

/// An authenticated member with everything that was read in the one round trip.
pub struct Member {
    /// The right to go on.
    pub permit: Permit,
    /// The root key.
    pub root: RootKey,
    user_key: DataKey,
    class_keys: HashMap<Class, DataKey>,
    found: HashMap<Key, Raw>,
    organisation: Option<OrganisationFacts>,
}

const SIGNED_OUT: Error = Error::Unauthenticated("The session has ended. Sign in again.");

/// Reads, for a verified token, in one BatchGetItem: the session, the user's data key, the membership, the
/// organisation, the data keys that the action needs, and what the route asks for.
///
/// # Errors
/// [`Error::Unauthenticated`] for a session or user that is no good; [`Error::Gone`] when the organisation's
/// data was erased; [`Error::NotFound`] when there is no membership; [`Error::Forbidden`] as [`decide`] says.
pub async fn member(
    ctx: &Ctx,
    claims: Claims,
    action: Action,
    needs: impl FnOnce(Tenant, UserId) -> Result<Needs>,
) -> Result<(Member, Option<Idempotency>)> {
    let now = ctx.now();
    let (user, tenant) = (claims.sub, Tenant::new(claims.org));
    let root = ctx.root().await?.clone();
    let needs = needs(tenant, user)?;
    let session_key = keys::session(user, claims.sid);
    let user_unit = UnitId::User(user);
    let mut wanted = vec![
        session_key.clone(),
        keys::data_key(user_unit),
        keys::membership(tenant, user),
        keys::organisation(tenant),
    ];
    let class_unit = |class| UnitId::Organisation(tenant.org(), class);
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

    let session = found
        .get(&session_key)
        .ok_or(SIGNED_OUT)?
        .decode::<Session>()?
        .facts;
    if session.expires_at <= now || session.org != claims.org {
        return Err(SIGNED_OUT);
    }
    let user_key =
        units::usable_key(found.get(&keys::data_key(user_unit)), user_unit, &root)?.ok_or(SIGNED_OUT)?;
    let mut class_keys = HashMap::new();
    let mut missing = None;
    for &class in action.classes() {
        match units::data_key(
            found.get(&keys::data_key(class_unit(class))),
            class_unit(class),
            &root,
        )? {
            Some((key, KeyState::Live)) => {
                class_keys.insert(class, key);
            }
            // What is only kept for a duty is, for every normal route, not there (UK GDPR art. 18).
            Some((_, KeyState::Restricted)) => missing = missing.or(Some(Error::NotFound)),
            None => missing = Some(gone(ctx, class_unit(class)).await?),
        }
    }
    let membership = found
        .get(&keys::membership(tenant, user))
        .map(Raw::decode::<Membership>)
        .transpose()?
        .map(|item| item.facts);
    let organisation = found
        .get(&keys::organisation(tenant))
        .map(Raw::facts::<OrganisationProfile>)
        .transpose()?;
    if let Some(error) = missing {
        return Err(error);
    }
    let role = membership.map(|membership| membership.role);
    decide(
        role,
        action,
        organisation
            .as_ref()
            .map(|organisation| organisation.subscription),
    )?;
    let permit = Permit {
        claims,
        tenant,
        action,
        role,
    };
    Ok((
        Member {
            permit,
            root,
            user_key,
            class_keys,
            found,
            organisation,
        },
        needs.idempotency,
    ))
}

/// The answer to who asks for erased data: the unit outlives it and names the erasure. Nobody else gets this far with a
/// token of this organisation.
async fn gone(ctx: &Ctx, unit: UnitId) -> Result<Error> {
    let row = units::read(&ctx.store, unit).await?;
    Ok(match row {
        Some(row) => Error::Gone {
            erasure: row.facts.erasure,
        },
        None => Error::NotFound,
    })
}

impl Member {
    /// The key of the user's own account.
    pub fn user_key(&self) -> &DataKey {
        &self.user_key
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

/// The bearer token of an `Authorization` header (RFC 6750).
///
/// # Errors
/// [`Error::Unauthenticated`] when there is none.
pub fn bearer(header: Option<&str>) -> Result<&str> {
    const MISSING: Error = Error::Unauthenticated("Send the access token as Authorization: Bearer <token>.");
    let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or(MISSING)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(MISSING)
    }
}

/// Until when a session is good that began at `start`.
pub fn session_end(start: Timestamp) -> Timestamp {
    start
        .saturating_add(jiff::SignedDuration::from_hours(30 * 24))
        .unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 4] = [Role::Owner, Role::Admin, Role::Member, Role::Viewer];

    #[test]
    fn a_role_never_loses_an_action_that_a_lesser_role_has() {
        for action in Action::ALL {
            let allowed: Vec<_> = ROLES
                .iter()
                .map(|&role| decide(Some(role), action, Some(Subscription::Active)).is_ok())
                .collect();
            assert!(
                allowed.windows(2).all(|pair| pair[0] >= pair[1]),
                "{action:?}: {allowed:?}"
            );
        }
    }

    #[test]
    fn without_a_membership_only_the_own_account_is_there() {
        for action in Action::ALL {
            assert_eq!(
                decide(None, action, None).is_ok(),
                action.is_personal(),
                "{action:?}"
            );
        }
    }

    #[test]
    fn only_an_owner_closes_and_cancels() {
        for action in [Action::CloseOrganisation, Action::ManageSubscription] {
            for role in ROLES {
                let expected = role == Role::Owner;
                assert_eq!(
                    decide(Some(role), action, Some(Subscription::Active)).is_ok(),
                    expected,
                    "{role:?}"
                );
            }
        }
    }

    #[test]
    fn after_cancellation_records_are_read_and_deleted_but_not_written() {
        let decide = |action| decide(Some(Role::Owner), action, Some(Subscription::Cancelled)).is_ok();
        assert!(
            decide(Action::ReadRecords)
                && decide(Action::DeleteRecords)
                && decide(Action::ManageSubscription)
        );
        assert!(!decide(Action::WriteRecords));
    }

    #[test]
    fn a_header_without_a_bearer_token_is_refused() {
        for header in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic abc")] {
            assert!(bearer(header).is_err(), "{header:?}");
        }
        assert_eq!(bearer(Some("bearer abc")), Ok("abc"));
    }
}
