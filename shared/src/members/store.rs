//! Members in the tables: read with what they told of themselves, changed, removed.

use super::rules::{self, Change};
use crate::accounts::sessions::{self, Issued, Proof};
use crate::accounts::store::Account;
use crate::activity::model::ActivityKind;
use crate::activity::store::note;
use crate::auth::{Member, Role};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::{Belonging, Membership, OrganisationFacts};
use crate::organisations::store as organisations;
use crate::outbox::send::Outgoing;
use crate::outbox::templates::Template;
use crate::policy::Class;
use crate::source::Source;
use crate::store::{After, Commit, Condition, Item, Query, Rejection, Transaction, Update};
use crate::unit::UnitId;

/// A member of an organisation with their account.
pub struct OneMember {
    /// The membership.
    pub membership: Item<Membership>,
    /// The person.
    pub account: Account,
}

/// The keys of a member, for the round trip that authenticates.
pub fn keys_of(tenant: Tenant, user: UserId) -> Vec<Key> {
    vec![
        keys::membership(tenant, user),
        keys::user(user),
        keys::data_key(UnitId::User(user)),
    ]
}

/// A member whose keys the route asked for.
///
/// # Errors
/// [`Error::NotFound`] for who is no member, or has no account any more.
pub fn read(member: &Member, user: UserId) -> Result<OneMember> {
    let [membership, person, key] = [
        keys::membership(member.permit.tenant(), user),
        keys::user(user),
        keys::data_key(UnitId::User(user)),
    ]
    .map(|key| member.optional(&key));
    let membership = membership.ok_or(Error::NotFound)?.decode::<Membership>()?;
    let account = Account::open(user, person, key, &member.root)?.ok_or(Error::NotFound)?;
    Ok(OneMember { membership, account })
}

/// One page of the members. What they told of themselves is read from their own accounts: what is erased there is gone
/// here (TRK-7).
///
/// # Errors
/// When the store does not answer.
pub async fn list(
    ctx: &Ctx,
    member: &Member,
    limit: u32,
    after: Option<After>,
) -> Result<(Vec<OneMember>, Option<After>)> {
    let query = Query::new(keys::memberships(member.permit.tenant()), limit).after(after);
    let page = ctx.store.query(&query).await?;
    let mut memberships = Vec::new();
    let mut wanted = Vec::new();
    for raw in &page.items {
        let user = user_of(&raw.key)?;
        memberships.push((user, raw.decode::<Membership>()?));
        wanted.extend([keys::user(user), keys::data_key(UnitId::User(user))]);
    }
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let mut members = Vec::new();
    for (user, membership) in memberships {
        let (person, key) = (
            found.get(&keys::user(user)),
            found.get(&keys::data_key(UnitId::User(user))),
        );
        if let Some(account) = Account::open(user, person, key, &member.root)? {
            members.push(OneMember { membership, account });
        }
    }
    Ok((members, page.next))
}

/// The user of a membership's key.
pub(super) fn user_of(key: &Key) -> Result<UserId> {
    let user = key
        .sort()
        .strip_prefix("MEMBER#")
        .and_then(|text| text.parse().ok());
    user.ok_or_else(|| Error::internal("a membership without a user"))
}

/// The caller's own membership, as the one round trip read it.
pub(super) fn own_membership(member: &Member) -> Result<Item<Membership>> {
    let user = member.person()?.user;
    let raw = member.optional(&keys::membership(member.permit.tenant(), user));
    raw.ok_or(Error::NotFound)?.decode::<Membership>()
}

/// The organisation's name.
pub(super) fn name(member: &Member) -> Result<String> {
    let organisation = organisations::read(member)?;
    Ok(organisation.payload.name.as_str().to_owned())
}

/// The caller's role, and the organisation in which they have it.
pub(super) fn standing(member: &Member) -> Result<(Role, &OrganisationFacts)> {
    let role = member.permit.role();
    role.zip(member.organisation_facts()).ok_or(Error::NotFound)
}

/// Adds a change of the number of owners, which is refused where none would be left: of two demotions at the same
/// moment one comes second (G-24).
pub(super) fn count_owners(transaction: &mut Transaction, tenant: Tenant, by: i64) {
    let condition = match by {
        0 => return,
        1.. => Condition::present(),
        _ => Condition::at_least("owners", by.unsigned_abs() + 1),
    };
    let update = Update::new().add("owners", by);
    transaction.update("owners", &keys::organisation(tenant), update, &condition);
}

/// The refusal to leave an organisation without an owner.
pub(super) fn last_owner() -> Error {
    Error::conflict(
        "",
        "An organisation keeps at least one owner. Make somebody else an owner first, or close it with DELETE \
         /v1/organisation.",
    )
}

/// Changes a member's role, or suspends or reinstates them. Their sessions for the organisation end with it.
///
/// # Errors
/// [`Error::Forbidden`] for oneself and for roles above one's own; [`Error::Conflict`] for the last owner;
/// [`Error::Stale`] when the membership changed at the same time.
pub async fn update(
    ctx: &Ctx,
    member: &Member,
    before: OneMember,
    change: Change,
) -> Result<(OneMember, Option<Outgoing>)> {
    let (caller, organisation) = standing(member)?;
    let (user, tenant) = (before.account.user, member.permit.tenant());
    not_oneself(member, user)?;
    let old = &before.membership.facts;
    let facts = rules::changed(caller, old, change, organisation, ctx.now())?;
    if facts == *old {
        return Ok((before, None));
    }
    let membership = before.membership.next(facts.clone());
    let mut transaction = Transaction::new();
    still_allowed(member, &mut transaction)?;
    let condition = Condition::version(before.membership.version);
    transaction.put_if("membership", &membership, &condition)?;
    let owners = rules::owners(Some(&facts)) - rules::owners(Some(old));
    count_owners(&mut transaction, tenant, owners);
    for kind in kinds(old, &facts) {
        note(ctx, member, &mut transaction, kind, user)?;
    }
    let template = notice(member, old, &facts)?;
    let outgoing = before.account.queue(ctx, &mut transaction, template)?;
    sessions::end_of_organisation(ctx, &mut transaction, user, tenant.org(), None).await?;
    commit(ctx, transaction, membership.version).await?;
    let after = OneMember { membership, ..before };
    Ok((after, Some(outgoing)))
}

fn kinds(old: &Membership, new: &Membership) -> impl Iterator<Item = ActivityKind> {
    let role = (old.role != new.role).then_some(ActivityKind::RoleChanged);
    let suspended = match (old.suspended_at, new.suspended_at) {
        (None, Some(_)) => Some(ActivityKind::MemberSuspended),
        (Some(_), None) => Some(ActivityKind::MemberReinstated),
        _ => None,
    };
    role.into_iter().chain(suspended)
}

fn notice(member: &Member, old: &Membership, new: &Membership) -> Result<Template> {
    let organisation = name(member)?;
    Ok(match (old.suspended_at, new.suspended_at) {
        (None, Some(_)) => Template::MembershipSuspended { organisation },
        (Some(_), None) if old.role == new.role => Template::MembershipReinstated { organisation },
        _ => Template::RoleChanged {
            organisation,
            role: role_name(member, new.role)?,
        },
    })
}

/// A role as people call it.
pub(super) fn role_name(member: &Member, role: Role) -> Result<String> {
    let Role::Custom(id) = role else {
        return Ok(role.to_string());
    };
    let organisation = organisations::read(member)?;
    let name = organisation.payload.role_names.get(&id);
    Ok(name.map_or_else(|| role.to_string(), |name| name.as_str().to_owned()))
}

/// Removes a member. Their sessions for the organisation end with it.
///
/// # Errors
/// As [`update`].
pub async fn remove(ctx: &Ctx, member: &Member, who: &OneMember) -> Result<Outgoing> {
    let (caller, organisation) = standing(member)?;
    let (user, tenant) = (who.account.user, member.permit.tenant());
    not_oneself(member, user)?;
    rules::may_touch(caller, who.membership.facts.role, organisation)?;
    let mut transaction = Transaction::new();
    still_allowed(member, &mut transaction)?;
    end(&mut transaction, tenant, user, &who.membership);
    note(ctx, member, &mut transaction, ActivityKind::MemberRemoved, user)?;
    let template = Template::MembershipEnded {
        organisation: name(member)?,
    };
    let outgoing = who.account.queue(ctx, &mut transaction, template)?;
    sessions::end_of_organisation(ctx, &mut transaction, user, tenant.org(), None).await?;
    commit(ctx, transaction, who.membership.version + 1).await?;
    Ok(outgoing)
}

/// Adds that a user is no member any more.
pub(super) fn end(
    transaction: &mut Transaction,
    tenant: Tenant,
    user: UserId,
    membership: &Item<Membership>,
) {
    let condition = Condition::version(membership.version);
    transaction.delete_if("membership", &membership.key, &condition);
    transaction.delete("belonging", &keys::belonging(user, tenant.org()));
    count_owners(transaction, tenant, -rules::owners(Some(&membership.facts)));
}

/// Adds that a user is a member, of an organisation that was not erased since it was read.
pub(super) fn join(
    transaction: &mut Transaction,
    tenant: Tenant,
    user: UserId,
    membership: Membership,
) -> Result<()> {
    let there = keys::data_key(UnitId::Organisation(tenant.org(), Class::Account));
    transaction.check("organisation", &there, &Condition::present());
    count_owners(transaction, tenant, rules::owners(Some(&membership)));
    let belonging = Belonging {
        created_at: membership.created_at,
    };
    let membership = Item::plain(keys::membership(tenant, user), membership);
    transaction.create("membership", &membership)?;
    let belonging = Item::plain(keys::belonging(user, tenant.org()), belonging);
    transaction.create("belonging", &belonging)
}

/// Makes another member an owner, and the caller, who goes on in a new session, an admin.
///
/// # Errors
/// [`Error::Invalid`] for who is no member; [`Error::Conflict`] for an owner or a suspended member; as [`update`].
pub async fn transfer(
    ctx: &Ctx,
    member: &Member,
    to: UserId,
    source: &Source,
) -> Result<(Issued, [Outgoing; 2])> {
    let (tenant, person) = (member.permit.tenant(), member.person()?);
    let mine = own_membership(member)?;
    let (heir, membership) = heir(ctx, tenant, to).await?;
    let own = Account::read(ctx, person.user).await?.ok_or(Error::NotFound)?;
    let mut transaction = Transaction::new();
    for (item, role) in [(&mine, Role::Admin), (&membership, Role::Owner)] {
        let facts = Membership {
            role,
            ..item.facts.clone()
        };
        transaction.put_if("membership", &item.next(facts), &Condition::version(item.version))?;
    }
    note(
        ctx,
        member,
        &mut transaction,
        ActivityKind::OwnershipTransferred,
        to,
    )?;
    let (given, received) = (name(member)?, name(member)?);
    let mails = [
        own.queue(
            ctx,
            &mut transaction,
            Template::OwnershipGiven { organisation: given },
        )?,
        heir.queue(
            ctx,
            &mut transaction,
            Template::OwnershipReceived {
                organisation: received,
            },
        )?,
    ];
    let goes_on = (tenant.org(), Proof::Nothing);
    let begun = sessions::replace(ctx, &mut transaction, person, goes_on, source).await?;
    sessions::end_of_organisation(
        ctx,
        &mut transaction,
        person.user,
        tenant.org(),
        Some(person.session),
    )
    .await?;
    sessions::end_of_organisation(ctx, &mut transaction, to, tenant.org(), None).await?;
    commit(ctx, transaction, mine.version + 1).await?;
    Ok((begun.issue(ctx).await?, mails))
}

/// The member who is to become an owner. Who is no member and who is nobody look the same.
async fn heir(ctx: &Ctx, tenant: Tenant, user: UserId) -> Result<(Account, Item<Membership>)> {
    let nobody = || Error::invalid("/user_id", "The organisation has no such member.");
    let raw = ctx.store.get_one(&keys::membership(tenant, user)).await?;
    let membership = raw.ok_or_else(nobody)?.decode::<Membership>()?;
    let account = Account::read(ctx, user).await?.ok_or_else(nobody)?;
    if membership.facts.role == Role::Owner {
        return Err(Error::conflict("/user_id", "This member is an owner already."));
    }
    if membership.facts.suspended_at.is_some() {
        return Err(Error::conflict("/user_id", "This member is suspended."));
    }
    Ok((account, membership))
}

fn not_oneself(member: &Member, user: UserId) -> Result<()> {
    const ONESELF: Error = Error::Forbidden(
        "Nobody changes their own membership. To leave, use POST /v1/organisation/leave; an owner can hand over with \
         POST /v1/organisation/transfer.",
    );
    if member.person()?.user == user {
        Err(ONESELF)
    } else {
        Ok(())
    }
}

/// Adds that the caller is still who they were when they were authenticated: of two members who demote each other at the
/// same moment, one comes second.
pub(super) fn still_allowed(member: &Member, transaction: &mut Transaction) -> Result<()> {
    let mine = own_membership(member)?;
    transaction.check("caller", &mine.key, &Condition::version(mine.version));
    Ok(())
}

pub(super) async fn commit(ctx: &Ctx, transaction: Transaction, current: u64) -> Result<()> {
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(rejections)) => Err(refused(&rejections, current)),
        Err(Commit::Failed(error)) => Err(error),
    }
}

fn refused(rejections: &[Rejection], current: u64) -> Error {
    let at = |label| rejections.iter().any(|rejection| rejection.label == label);
    if at("caller") {
        Error::Forbidden("Your own membership changed at the same moment. Look at it again.")
    } else if at("session") {
        Error::Unauthenticated("The session has ended. Sign in again.")
    } else if at("owners") {
        last_owner()
    } else {
        Error::Stale { current }
    }
}
