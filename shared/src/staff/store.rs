//! What staff see of organisations, and exceptional access, in the tables.
//!
//! A [`Tenant`] is made here for an organisation that the caller is no member of. Of its items staff can name: the
//! organisation, its access, and, with a [`Granted`], records.

use super::model::{AccessGrant, Extent, Reason};
use super::notice::AccessNotice;
use super::rules;
use crate::accounts::model::StaffMember;
use crate::accounts::store::{Account, email_digest, owner_of};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Member, Staff, StaffRole, gone};
use crate::ctx::Ctx;
use crate::email::Email;
use crate::erasure::model::KeyState;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{AccessId, ActorId, OrgId, UserId};
use crate::keys::{self, Key, Tenant};
use crate::organisations::model::{Membership, OrganisationProfile};
use crate::outbox::send::Outgoing;
use crate::outbox::templates::Template;
use crate::policy::Class;
use crate::records::list::{self, ListQuery};
use crate::records::model::RecordId;
use crate::records::store::{self as records, Record};
use crate::seal::DataKey;
use crate::store::{After, Commit, Condition, Item, Query, Raw, Transaction};
use crate::unit::UnitId;

/// The most owners that get a mail.
const MAX_NOTICES: usize = 10;

/// The most records of a page: each is an entry of the activity log in one transaction.
pub const MAX_PAGE: u32 = 50;

/// What is read of an organisation with every request that is about it.
pub fn organisation_keys(org: OrgId) -> Vec<Key> {
    let account = keys::data_key(UnitId::Organisation(org, Class::Account));
    vec![keys::organisation(Tenant::new(org)), account]
}

/// What is read of exceptional access with every request that is about it.
pub fn access_keys(org: OrgId, access: AccessId) -> Vec<Key> {
    let account = keys::data_key(UnitId::Organisation(org, Class::Account));
    vec![account, keys::access(Tenant::new(org), access)]
}

/// The same for a request that reads records under it.
pub fn record_keys(org: OrgId, access: AccessId, record: Option<RecordId>) -> Vec<Key> {
    let mut wanted = access_keys(org, access);
    wanted.push(keys::data_key(UnitId::Organisation(org, Class::Content)));
    wanted.extend(record.map(|record| keys::record(Tenant::new(org), record)));
    wanted
}

/// The key of exceptional access, for the round trip that authenticates a member.
pub fn key(tenant: Tenant, access: AccessId) -> Key {
    keys::access(tenant, access)
}

async fn data_key(ctx: &Ctx, staff: &Staff, org: OrgId, class: Class) -> Result<DataKey> {
    let unit = UnitId::Organisation(org, class);
    let raw = staff.optional(&keys::data_key(unit));
    match units::data_key(raw, unit, &staff.root)? {
        Some((key, KeyState::Live)) => Ok(key),
        Some((_, KeyState::Restricted)) => Err(Error::NotFound),
        None => Err(gone(ctx, unit).await?),
    }
}

/// An organisation as staff see it.
///
/// # Errors
/// [`Error::NotFound`] when there is none, [`Error::Gone`] when it was erased.
pub async fn organisation(ctx: &Ctx, staff: &Staff, org: OrgId) -> Result<Item<OrganisationProfile>> {
    let key = data_key(ctx, staff, org, Class::Account).await?;
    staff.item(&keys::organisation(Tenant::new(org)))?.open(&key)
}

/// The organisations to which the user with an address belongs.
///
/// # Errors
/// When the store does not answer.
pub async fn organisations_of(ctx: &Ctx, email: &Email) -> Result<Vec<OrgId>> {
    let Some(user) = owner_of(ctx, &email_digest(ctx, email).await?).await? else {
        return Ok(Vec::new());
    };
    let belongings = ctx.store.query_all(keys::belongings(user)).await?;
    let ids = belongings.iter().map(|raw| raw.key.sort().parse());
    ids.collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::internal("a belonging without an organisation"))
}

/// Exceptional access with what it takes to change it.
pub struct Access {
    /// Its id.
    pub id: AccessId,
    /// As it is stored.
    pub item: Item<AccessGrant>,
    tenant: Tenant,
    key: DataKey,
}

/// The access that a request of staff is about.
///
/// # Errors
/// [`Error::NotFound`] when there is none, [`Error::Gone`] when the organisation was erased.
pub async fn of_staff(ctx: &Ctx, staff: &Staff, org: OrgId, id: AccessId) -> Result<Access> {
    let (tenant, key) = (Tenant::new(org), data_key(ctx, staff, org, Class::Account).await?);
    let item = staff.item(&keys::access(tenant, id))?.open(&key)?;
    Ok(Access {
        id,
        item,
        tenant,
        key,
    })
}

/// The access that a member's request is about.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn of_member(member: &Member, id: AccessId) -> Result<Access> {
    let (tenant, key) = (member.permit.tenant(), member.key(Class::Account)?.clone());
    let item = member.item(&keys::access(tenant, id))?.open(&key)?;
    Ok(Access {
        id,
        item,
        tenant,
        key,
    })
}

/// A page of all access of all times, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(
    ctx: &Ctx,
    member: &Member,
    limit: u32,
    after: Option<After>,
) -> Result<(Vec<Item<AccessGrant>>, Option<After>)> {
    let key = member.key(Class::Account)?;
    let partition = keys::accesses(member.permit.tenant());
    let query = Query::new(partition, limit).backwards(true).after(after);
    let page = ctx.store.query(&query).await?;
    let items = page.items.iter().map(|raw| raw.open::<AccessGrant>(key));
    Ok((items.collect::<Result<_>>()?, page.next))
}

/// What somebody asks for.
pub struct Wanted {
    /// Why.
    pub reason: Reason,
    /// To which records.
    pub extent: Extent,
    /// For how many minutes.
    pub minutes: u16,
}

/// Asks for access: the owners are told.
///
/// # Errors
/// [`Error::NotFound`] when there is no such organisation, [`Error::Gone`] when it was erased.
pub async fn request(
    ctx: &Ctx,
    staff: &Staff,
    org: OrgId,
    wanted: Wanted,
) -> Result<(Access, Vec<Outgoing>)> {
    let (now, tenant) = (ctx.now(), Tenant::new(org));
    let key = data_key(ctx, staff, org, Class::Account).await?;
    staff.item(&keys::organisation(tenant))?;
    let id = AccessId::new(now, ctx.id_bytes());
    let facts = rules::requested(staff.person.user, wanted.extent, wanted.minutes, now);
    let payload = AccessGrant {
        reason: wanted.reason,
    };
    let item = Item::sealed(keys::access(tenant, id), facts, payload);
    let mut transaction = Transaction::new();
    transaction.create_sealed("access", &item, &key, ctx.entropy.as_ref())?;
    let access = Access {
        id,
        item,
        tenant,
        key,
    };
    let by = staff.person.user;
    let mails = access
        .commit(ctx, transaction, ActivityKind::AccessRequested, by)
        .await?;
    Ok((access, mails))
}

/// What somebody decides on access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be used from now on.
    Approve,
    /// It may not.
    Refuse,
    /// It may not any more.
    End,
}

impl Access {
    /// Decides: the owners are told.
    ///
    /// # Errors
    /// As the rules say; [`Error::Conflict`] also when somebody else decided at the same time.
    pub async fn decide(
        mut self,
        ctx: &Ctx,
        decision: Decision,
        by: UserId,
    ) -> Result<(Self, Vec<Outgoing>)> {
        let (facts, now) = (&self.item.facts, ctx.now());
        let (facts, kind) = match decision {
            Decision::Approve => (rules::approved(facts, by, now)?, ActivityKind::AccessApproved),
            Decision::Refuse => (rules::refused(facts, by, now)?, ActivityKind::AccessRefused),
            Decision::End => (rules::ended(facts, by, now)?, ActivityKind::AccessEnded),
        };
        self.item.facts = facts;
        self.item.version += 1;
        let mut transaction = Transaction::new();
        transaction.replace_sealed("access", &self.item, &self.key, ctx.entropy.as_ref())?;
        let mails = self.commit(ctx, transaction, kind, by).await?;
        Ok((self, mails))
    }

    /// Ends access as staff: one's own, or as a lead anybody's.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for somebody else's; as [`decide`](Self::decide).
    pub async fn end(self, ctx: &Ctx, staff: &Staff) -> Result<(Self, Vec<Outgoing>)> {
        let by = staff.person.user;
        if self.item.facts.requested_by != by && staff.role != StaffRole::Lead {
            return Err(Error::Forbidden("This access was given to somebody else."));
        }
        self.decide(ctx, Decision::End, by).await
    }

    /// Commits a change of access with its entry in the organisation's log and the mails to its owners.
    async fn commit(
        &self,
        ctx: &Ctx,
        mut transaction: Transaction,
        kind: ActivityKind,
        by: UserId,
    ) -> Result<Vec<Outgoing>> {
        let (actor, object) = (Some(ActorId::User(by)), Some(self.id.to_string()));
        activity::of_organisation(ctx, &mut transaction, self.tenant, kind, actor, object)?;
        let mut mails = Vec::new();
        for owner in owners(ctx, self.tenant).await? {
            let template = Template::ExceptionalAccess(self.notice());
            mails.push(owner.queue(ctx, &mut transaction, template)?);
        }
        match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => Ok(mails),
            Err(Commit::Rejected(_)) => Err(Error::conflict(
                "",
                "Somebody decided on this access at the same time; look at it again.",
            )),
            Err(Commit::Failed(error)) => Err(error),
        }
    }

    fn notice(&self) -> AccessNotice {
        let facts = &self.item.facts;
        AccessNotice {
            access: self.id,
            state: facts.state,
            staff: facts.requested_by,
            reason: self.item.payload.reason.clone(),
            extent: facts.extent.clone(),
            minutes: facts.minutes,
            expires_at: facts.expires_at,
        }
    }
}

/// The owners of an organisation that get a mail.
async fn owners(ctx: &Ctx, tenant: Tenant) -> Result<Vec<Account>> {
    let mut query = Query::new(keys::memberships(tenant), 200).filter(Some(Condition::text("role", "owner")));
    let mut owners = Vec::new();
    loop {
        let page = ctx.store.query(&query).await?;
        for raw in &page.items {
            let suspended = raw.decode::<Membership>()?.facts.suspended_at.is_some();
            if !suspended && owners.len() < MAX_NOTICES {
                owners.extend(Account::read(ctx, member_of(raw)?).await?);
            }
        }
        if page.next.is_none() || owners.len() == MAX_NOTICES {
            return Ok(owners);
        }
        query = query.after(page.next);
    }
}

fn member_of(raw: &Raw) -> Result<UserId> {
    let user = raw.key.sort().strip_prefix("MEMBER#");
    user.and_then(|user| user.parse().ok())
        .ok_or_else(|| Error::internal("a membership without a user"))
}

/// Access that was checked: it can be used now, by who asks. What it gives is noted in the organisation's log before it
/// is given; what cannot be noted is not given.
pub struct Granted {
    access: Access,
    user: UserId,
    content: DataKey,
}

/// Checks that a request of staff may use access.
///
/// # Errors
/// As [`of_staff`] and [`rules::may_use`].
pub async fn granted(ctx: &Ctx, staff: &Staff, org: OrgId, id: AccessId) -> Result<Granted> {
    let access = of_staff(ctx, staff, org, id).await?;
    let user = staff.person.user;
    let member = staff.item(&keys::staff(user))?.decode::<StaffMember>()?;
    rules::may_use(&access.item.facts, user, member.facts.created_at, ctx.now())?;
    Ok(Granted {
        content: data_key(ctx, staff, org, Class::Content).await?,
        access,
        user,
    })
}

impl Granted {
    /// To which organisation, for the cursors of its lists.
    pub fn tenant(&self) -> Tenant {
        self.access.tenant
    }

    /// A record.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the access is not for it, or over; [`Error::NotFound`] when it is not there.
    pub async fn read(&self, ctx: &Ctx, staff: &Staff, id: RecordId) -> Result<Record> {
        let extent = &self.access.item.facts.extent;
        rules::includes(extent, id)?;
        let raw = staff.item(&keys::record(self.access.tenant, id))?;
        let record = records::open(raw, &self.content, &extent.reach())?;
        self.note(ctx, vec![id.to_string()]).await?;
        Ok(record)
    }

    /// A page of the records of a kind, of at most [`MAX_PAGE`]. Each is noted.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the access is not for that kind, or over.
    pub async fn list(&self, ctx: &Ctx, query: &ListQuery) -> Result<(Vec<Record>, Option<After>)> {
        let extent = &self.access.item.facts.extent;
        rules::includes_kind(extent, query.kind)?;
        let (tenant, reach) = (self.access.tenant, extent.reach());
        let mut query = query.clone();
        query.limit = query.limit.min(MAX_PAGE);
        let (records, next) = list::list_within(ctx, tenant, &self.content, &reach, &query).await?;
        let mut seen: Vec<_> = records
            .iter()
            .map(|record| record.key.sort().to_owned())
            .collect();
        // That there is nothing is something, too.
        if seen.is_empty() {
            seen.push(self.access.id.to_string());
        }
        self.note(ctx, seen).await?;
        Ok((records, next))
    }

    /// Notes what is about to be given, if the access was not ended since it was checked.
    async fn note(&self, ctx: &Ctx, objects: Vec<String>) -> Result<()> {
        let Access { item, tenant, .. } = &self.access;
        let mut transaction = Transaction::new();
        transaction.check("access", &item.key, &Condition::version(item.version));
        for object in objects {
            let (kind, actor) = (ActivityKind::AccessUsed, Some(ActorId::User(self.user)));
            activity::of_organisation(ctx, &mut transaction, *tenant, kind, actor, Some(object))?;
        }
        match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => Ok(()),
            Err(Commit::Rejected(_)) => Err(rules::OVER),
            Err(Commit::Failed(error)) => Err(error),
        }
    }
}
