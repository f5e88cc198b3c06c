//! The organisations of a person: which they are, where a sign-in leads, and from one to another.

use super::rules;
use crate::accounts::model::SignInMethod;
use crate::accounts::sessions::{self, Issued, Proof};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Person;
use crate::ctx::Ctx;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{ActorId, OrgId, UserId};
use crate::keys::{self, Tenant};
use crate::organisations::model::{Membership, OrganisationProfile};
use crate::organisations::store::account_key;
use crate::policy::Class;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction};
use crate::unit::UnitId;

/// The most organisations of a person.
pub const MAX_ORGANISATIONS: usize = 50;

/// An organisation that a person is in.
pub struct Place {
    /// The organisation.
    pub org: OrgId,
    /// The person's membership.
    pub membership: Item<Membership>,
    /// The organisation.
    pub organisation: Item<OrganisationProfile>,
}

/// The organisations that a person is in, the oldest first; without those that were closed.
///
/// # Errors
/// When the store does not answer.
pub async fn places(ctx: &Ctx, user: UserId) -> Result<Vec<Place>> {
    let orgs = belongings(ctx, user).await?;
    of(ctx, user, &orgs).await
}

/// The organisations that a person once joined and did not leave; some may be closed.
pub(super) async fn belongings(ctx: &Ctx, user: UserId) -> Result<Vec<OrgId>> {
    let rows = ctx.store.query_all(keys::belongings(user)).await?;
    let orgs = rows.iter().map(|raw| raw.key.sort().parse());
    orgs.collect::<Result<_, _>>()
        .map_err(|_| Error::internal("a belonging without an organisation"))
}

async fn of(ctx: &Ctx, user: UserId, orgs: &[OrgId]) -> Result<Vec<Place>> {
    let keys_of = |org| {
        let tenant = Tenant::new(org);
        [
            keys::membership(tenant, user),
            keys::organisation(tenant),
            account_key(tenant),
        ]
    };
    let wanted: Vec<_> = orgs.iter().flat_map(|&org| keys_of(org)).collect();
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let root = ctx.root().await?;
    let mut places = Vec::new();
    for &org in orgs {
        let [membership, organisation, key] = keys_of(org).map(|key| found.get(&key));
        let unit = UnitId::Organisation(org, Class::Account);
        let key = units::usable_key(key, unit, root)?;
        if let (Some(membership), Some(organisation), Some(key)) = (membership, organisation, key) {
            places.push(Place {
                org,
                membership: membership.decode::<Membership>()?,
                organisation: organisation.open::<OrganisationProfile>(&key)?,
            });
        }
    }
    Ok(places)
}

/// Where a sign-in leads when the person is not in the organisation any more where it used to lead: the oldest other one
/// that lets them in this way. A sign-in through an identity provider is for the one organisation that trusts it.
///
/// # Errors
/// When the store does not answer.
pub async fn another(ctx: &Ctx, user: UserId, method: SignInMethod) -> Result<Option<Place>> {
    if method == SignInMethod::Sso {
        return Ok(None);
    }
    let places = places(ctx, user).await?;
    Ok(places.into_iter().find(|place| {
        let membership = &place.membership.facts;
        membership.suspended_at.is_none() && rules::admits(method, membership.role, &place.organisation.facts)
    }))
}

/// Whether signing in by `method` leads anywhere, for a person whom it would lead to `home`: into an organisation, or to
/// the account alone of who is in none. It costs the same for a user that nobody is.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn opens(ctx: &Ctx, user: UserId, home: OrgId, method: SignInMethod) -> Result<bool> {
    let mut orgs = belongings(ctx, user).await?;
    orgs.push(home);
    orgs.sort_unstable();
    orgs.dedup();
    let keys_of = |&org: &OrgId| {
        [
            keys::membership(Tenant::new(org), user),
            keys::organisation(Tenant::new(org)),
        ]
    };
    let wanted: Vec<_> = orgs.iter().flat_map(keys_of).collect();
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let (mut belongs, mut admitted) = (false, false);
    for [membership, organisation] in orgs.iter().map(keys_of) {
        if let (Some(membership), Some(organisation)) = (found.get(&membership), found.get(&organisation)) {
            let role = membership.decode::<Membership>()?.facts.role;
            let organisation = organisation.facts::<OrganisationProfile>()?;
            belongs = true;
            admitted |= rules::admits(method, role, &organisation);
        }
    }
    Ok(admitted || !belongs)
}

/// Goes on in another organisation of the same person, in a new session; the old one is dead (G-26).
///
/// # Errors
/// [`Error::NotFound`] for an organisation that the person is not in; [`Error::Forbidden`] where the person is suspended,
/// and for sessions that an identity provider vouched for: another organisation need not trust it.
pub async fn switch(ctx: &Ctx, person: &Person, org: OrgId, source: &Source) -> Result<Issued> {
    let place = of(ctx, person.user, &[org]).await?.pop().ok_or(Error::NotFound)?;
    let membership = &place.membership.facts;
    if membership.suspended_at.is_some() {
        return Err(Error::Forbidden(
            "Your membership of this organisation is suspended.",
        ));
    }
    let through_provider = person.facts.method == SignInMethod::Sso;
    let admitted = rules::admits(person.facts.method, membership.role, &place.organisation.facts);
    if !admitted || (through_provider && org != person.facts.org) {
        return Err(Error::Forbidden("Sign in anew for this organisation."));
    }
    let mut transaction = Transaction::new();
    let begun = sessions::replace(ctx, &mut transaction, person, (org, Proof::Nothing), source).await?;
    let present = Condition::version(place.membership.version);
    transaction.check("membership", &place.membership.key, &present);
    let actor = Some(ActorId::User(person.user));
    let (tenant, kind) = (Tenant::new(org), ActivityKind::SignedIn);
    activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, None)?;
    let (owner, object) = ((person.user, &person.key), Some(org.to_string()));
    activity::of_account(ctx, &mut transaction, owner, kind, object, source)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => begun.issue(ctx).await,
        Err(Commit::Rejected(rejections)) if rejections.iter().any(|at| at.label == "session") => {
            Err(Error::Unauthenticated("The session has ended. Sign in again."))
        }
        Err(Commit::Rejected(_)) => Err(Error::NotFound),
        Err(Commit::Failed(error)) => Err(error),
    }
}
