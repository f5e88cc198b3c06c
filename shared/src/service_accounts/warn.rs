//! Announcing the end of API keys: each key has a row under the hour in which its end is announced.

use jiff::SignedDuration;

use super::model::{ApiKeyFacts, ApiKeyProfile, KeyDue};
use super::rules;
use crate::accounts::store::Account;
use crate::auth::{ApiKey, Role};
use crate::ctx::Ctx;
use crate::due;
use crate::error::Result;
use crate::ids::UserId;
use crate::keys::{self, Tenant};
use crate::organisations::model::Membership;
use crate::outbox::templates::Template;
use crate::store::{Commit, Condition, Item, Raw, Transaction, Update};
use crate::task::Deadline;

/// An announcement that nobody came to for so long has been waiting for several runs.
const LATE: SignedDuration = SignedDuration::from_hours(48);

/// The most owners that are told when nobody else can be.
const MOST_OWNERS: usize = 10;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct WarnReport {
    /// Keys whose end was announced.
    pub warned: u64,
    /// Of these, those that should have been announced more than two days ago: the schedule is late.
    pub overdue: u64,
    /// Rows that no longer meant anything: of keys that were revoked, have ended or were announced.
    pub stale: u64,
    /// Rows that could not be dealt with, for a defect; they are tried again.
    pub failed: u64,
    /// Whether the deadline came before the end.
    pub unfinished: bool,
}

/// Announces the end of every key for which it is time. The mails are sent by the schedule of the outbox.
///
/// # Errors
/// When a dependency does not answer; what was done stays done.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<WarnReport> {
    let mut report = WarnReport::default();
    let mut rows = due::Run::over(keys::key_due_partition);
    while let Some(row) = rows.next(ctx, deadline).await? {
        let done = announce(ctx, &row, &mut report).await;
        rows.take(&row, done)?;
    }
    Ok(WarnReport {
        failed: rows.failed,
        unfinished: rows.unfinished,
        ..report
    })
}

async fn announce(ctx: &Ctx, row: &Raw, report: &mut WarnReport) -> Result<()> {
    let now = ctx.now();
    let KeyDue { org, key: id } = row.decode::<KeyDue>()?.facts;
    let tenant = Tenant::new(org);
    let key = keys::api_key(tenant, id);
    let found = ctx.store.get_one(&key).await?;
    let facts = found.map(|raw| raw.facts::<ApiKeyProfile>()).transpose()?;
    let Some(facts) = facts.filter(|facts| !facts.warned && facts.expires_at > now) else {
        let rows = std::slice::from_ref(&row.key);
        ctx.store.delete_all(rows, ctx.entropy.as_ref()).await?;
        report.stale += 1;
        return Ok(());
    };
    let Some(at) = rules::warn_at(facts.created_at, facts.expires_at).filter(|at| *at <= now) else {
        // It is due later in this hour.
        return Ok(());
    };
    let mut transaction = Transaction::new();
    transaction.delete_if("due row", &row.key, &Condition::present());
    let update = Update::new().set_true("warned");
    transaction.update("key", &key, update, &Condition::present());
    for user in recipients(ctx, tenant, &facts).await? {
        if let Some(account) = Account::read(ctx, user).await? {
            let template = Template::ApiKeyEnds {
                prefix: ApiKey::prefix(org, id),
                ends: facts.expires_at.to_string(),
            };
            account.queue(ctx, &mut transaction, template)?;
        }
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => {
            report.warned += 1;
            report.overdue += u64::from(now.duration_since(at) > LATE);
            Ok(())
        }
        // Another run was faster, or the key was revoked, which takes the row away.
        Err(Commit::Rejected(_)) => Ok(()),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Who is told: whoever created the key while they are a member, else the owners.
async fn recipients(ctx: &Ctx, tenant: Tenant, facts: &ApiKeyFacts) -> Result<Vec<UserId>> {
    let creator = ctx
        .store
        .get_one(&keys::membership(tenant, facts.created_by))
        .await?;
    let creator = creator.map(|raw| raw.decode::<Membership>()).transpose()?;
    if creator.is_some_and(|item| item.facts.suspended_at.is_none()) {
        return Ok(vec![facts.created_by]);
    }
    let mut owners = Vec::new();
    for raw in ctx.store.query_all(keys::memberships(tenant)).await? {
        let item: Item<Membership> = raw.decode()?;
        let user = raw.key.sort().strip_prefix("MEMBER#");
        let user: Option<UserId> = user.and_then(|user| user.parse().ok());
        let is_owner = item.facts.role == Role::Owner && item.facts.suspended_at.is_none();
        owners.extend(user.filter(|_| is_owner));
    }
    owners.truncate(MOST_OWNERS);
    Ok(owners)
}
