//! Identities that sign users in: a connection, an issuer and a subject, and never an address.
//!
//! Whoever has an identity signs in only to the organisation whose connection it was linked through. It is linked by a
//! user who is signed in there already and has just shown a factor of their own (F-18).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReturnTo;
use super::connections::{self, Opened};
use super::flows::{self, Departure};
use super::model::{Asker, Identity, Purpose};
use super::rules::Refused;
use super::sign_in::{self, Stop};
use crate::accounts::sessions::Form;
use crate::accounts::store;
use crate::activity::model::ActivityKind;
use crate::auth::{Member, Person};
use crate::ctx::Ctx;
use crate::erasure::model::Guard;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{ConnectionId, IdentityId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::members::own;
use crate::mfa::change::{self, Change};
use crate::mfa::factors::{self, Factors};
use crate::organisations::model::OrganisationProfile;
use crate::outbox::templates::Template;
use crate::seal::RootKey;
use crate::source::Source;
use crate::store::{Condition, Item, Transaction, Update};
use crate::text::Line;
use crate::unit::UnitId;

/// The most identities of a user.
pub const MAX_IDENTITIES: usize = 10;

/// The clear part of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityFacts {
    /// The keyed hash of connection, issuer and subject: the key of its guard.
    pub digest: String,
    /// The organisation that it signs in to.
    pub org: OrgId,
    /// The connection that it was linked through.
    pub connection: ConnectionId,
    /// When it was linked.
    pub created_at: Timestamp,
    /// The day on which it last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}

/// Guards that an identity is linked to one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityGuard {
    /// The user.
    pub user: UserId,
    /// The identity among the user's.
    pub identity: IdentityId,
}

/// An identity as it is stored.
pub type IdentityItem = Item<Identity>;

/// A connection through which somebody can link an identity.
pub struct Offer {
    /// The organisation.
    pub org: OrgId,
    /// The organisation's name.
    pub organisation: Line<200>,
    /// Its connection.
    pub connection: ConnectionId,
}

/// The id of a stored identity.
///
/// # Errors
/// Only when it is none.
pub fn id(item: &IdentityItem) -> Result<IdentityId> {
    let id = item.key.sort().parse();
    id.map_err(|_| Error::internal("an identity without an id"))
}

/// The keyed hash of an identity as a connection sees it.
pub(super) fn digest(root: &RootKey, connection: ConnectionId, identity: &Identity) -> String {
    // In JSON no part can pass itself off as two.
    let parts = serde_json::json!([connection, identity.issuer, identity.subject]);
    root.digest("identity", &parts.to_string())
}

/// The identities of a person, the oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, person: &Person) -> Result<Vec<IdentityItem>> {
    let found = ctx.store.query_all(keys::identities(person.user)).await?;
    found
        .iter()
        .map(|raw| raw.open::<Identity>(&person.key))
        .collect()
}

/// The connections that are on of the organisations that a person is in and not suspended.
///
/// # Errors
/// When the store does not answer.
pub async fn offers(ctx: &Ctx, user: UserId) -> Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for place in own::places(ctx, user).await? {
        if place.membership.facts.suspended_at.is_some() {
            continue;
        }
        let connections = place.organisation.facts.connections.iter();
        for (connection, _) in connections.filter(|(_, enabled)| **enabled) {
            offers.push(Offer {
                org: place.org,
                organisation: place.organisation.payload.name.clone(),
                connection: *connection,
            });
        }
    }
    Ok(offers)
}

fn asker(person: &Person) -> Asker {
    Asker {
        user: person.user,
        session: person.session,
    }
}

fn few(identities: usize) -> Result<()> {
    if identities < MAX_IDENTITIES {
        return Ok(());
    }
    let detail = format!("An account has at most {MAX_IDENTITIES} identities. Remove one first.");
    Err(Error::conflict("", detail))
}

/// Sends a person to a provider to link who they are there. The route asks for the person's profile.
///
/// # Errors
/// [`Error::NotFound`] for a connection that is none of theirs; [`Error::Conflict`] when there are enough identities;
/// [`Error::MfaRequired`].
pub async fn begin_link(
    ctx: &Ctx,
    member: &Member,
    connection: ConnectionId,
    return_to: ReturnTo,
) -> Result<Departure> {
    let person = member.person()?;
    change::permitted(person, &store::read(member)?.facts)?;
    let offers = offers(ctx, person.user).await?;
    let mut offered = offers.iter().filter(|offer| offer.connection == connection);
    let offer = offered.next().ok_or(Error::NotFound)?;
    few(list(ctx, person).await?.len())?;
    let through = connections::read(ctx, offer.org, connection).await?;
    let through = through.ok_or(Error::NotFound)?;
    flows::begin(ctx, &through, Purpose::Link(asker(person)), return_to).await
}

/// Sends a person to a provider of the session's organisation, to show that it is still them.
///
/// # Errors
/// [`Error::Conflict`] when no identity of theirs can show it, or the session has no cookie that could be replaced.
pub async fn begin_step_up(ctx: &Ctx, member: &Member, return_to: ReturnTo) -> Result<Departure> {
    let person = member.person()?;
    if person.facts.form() != Form::Cookie {
        let detail =
            "A session with tokens cannot be replaced in a browser: show a factor at POST /v1/me/step-up.";
        return Err(Error::conflict("", detail));
    }
    let org = person.facts.org;
    let linked = list(ctx, person).await?;
    for item in linked.iter().filter(|item| item.facts.org == org) {
        let through = connections::read(ctx, org, item.facts.connection).await?;
        if let Some(through) = through.filter(|through| through.item.payload.connection.enabled) {
            return flows::begin(ctx, &through, Purpose::StepUp(asker(person)), return_to).await;
        }
    }
    let detail = "No identity of yours is linked through a connection of this organisation that is on.";
    Err(Error::conflict("", detail))
}

/// Links who came back from a provider to the user who was sent there, if the session still lives. Other sessions end,
/// and the user is told.
pub(super) async fn link(
    ctx: &Ctx,
    asker: Asker,
    through: &Opened,
    identity: Identity,
    source: &Source,
) -> Result<(), Stop> {
    let (user, tenant) = (asker.user, Tenant::new(through.org));
    let (unit, organisation) = (keys::unit(UnitId::User(user)), keys::organisation(tenant));
    let mut wanted = factors::keys(user);
    wanted.extend([unit.clone(), organisation.clone()]);
    let (person, found) = sign_in::asking(ctx, asker, wanted).await?;
    let factors = Factors::of_found(ctx, user, &person.key, &found).await?;
    change::permitted(&person, &factors.user.facts)?;
    few(list(ctx, &person).await?.len())?;
    let unit = found.get(&unit).ok_or(Refused::Account)?;
    let organisation = found.get(&organisation).ok_or(Refused::Account)?;
    let organisation = organisation.open::<OrganisationProfile>(&through.key)?;
    let mut transaction = Transaction::new();
    sign_in::still_there(&mut transaction, user, through);
    let id = IdentityId::new(ctx.now(), ctx.id_bytes());
    let digest = digest(ctx.root().await?, through.id, &identity);
    add(
        ctx,
        &mut transaction,
        (&person, id),
        (digest.clone(), through),
        identity,
    )?;
    units::change_guards(&mut transaction, unit, |guards| {
        guards.push(Guard::Identity(digest));
    })?;
    let change = Change {
        transaction,
        kind: ActivityKind::IdentityLinked,
        object: Some(id.to_string()),
        template: Template::IdentityLinked {
            organisation: organisation.payload.name.as_str().to_owned(),
        },
        second_factor: factors.user.facts.second_factor,
        source,
    };
    // Whose identity it is already, if it is somebody's, is not told.
    Ok(change.commit(ctx, &person, factors, change::unknown).await?)
}

/// Adds the identity and its guard.
fn add(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (person, id): (&Person, IdentityId),
    (digest, through): (String, &Opened),
    identity: Identity,
) -> Result<()> {
    let guard = IdentityGuard {
        user: person.user,
        identity: id,
    };
    transaction.create("guard", &Item::plain(keys::identity_guard(&digest), guard))?;
    let facts = IdentityFacts {
        digest,
        org: through.org,
        connection: through.id,
        created_at: ctx.now(),
        used_at: None,
    };
    let item = Item::sealed(keys::identity(person.user, id), facts, identity);
    transaction.create_sealed("identity", &item, &person.key, ctx.entropy.as_ref())
}

/// Adds that an identity signs in today, if it is still linked then.
pub(super) fn used(transaction: &mut Transaction, key: &Key, facts: &IdentityFacts, now: Timestamp) {
    let seconds = now.as_second() - now.as_second().rem_euclid(86_400);
    let today = Timestamp::from_second(seconds).unwrap_or(now);
    if facts.used_at == Some(today) {
        transaction.check("identity", key, &Condition::present());
    } else {
        let update = Update::new().set_text("used_at", today.to_string());
        transaction.update("identity", key, update, &Condition::present());
    }
}

/// Removes an identity: it signs nobody in any more. Other sessions end.
///
/// # Errors
/// [`Error::NotFound`] when there is no such identity; [`Error::MfaRequired`].
pub async fn unlink(ctx: &Ctx, member: &Member, identity: IdentityId, source: &Source) -> Result<()> {
    let person = member.person()?;
    let key = keys::identity(person.user, identity);
    let facts = ctx
        .store
        .get_one(&key)
        .await?
        .ok_or(Error::NotFound)?
        .facts::<Identity>()?;
    let factors = Factors::of_member(ctx, member).await?;
    change::permitted(person, &factors.user.facts)?;
    let unit = member.item(&keys::unit(UnitId::User(person.user)))?;
    let mut transaction = Transaction::new();
    transaction.delete_if("identity", &key, &Condition::present());
    transaction.delete("guard", &keys::identity_guard(&facts.digest));
    let gone = Guard::Identity(facts.digest);
    units::change_guards(&mut transaction, unit, |guards| {
        guards.retain(|guard| *guard != gone);
    })?;
    let change = Change {
        transaction,
        kind: ActivityKind::IdentityUnlinked,
        object: Some(identity.to_string()),
        template: Template::IdentityUnlinked,
        second_factor: factors.user.facts.second_factor,
        source,
    };
    change.commit(ctx, person, factors, change::unknown).await
}
