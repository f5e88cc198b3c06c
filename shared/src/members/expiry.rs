//! Deleting invitations that nobody accepted: each has a row under the hour in which it goes.

use super::invitations;
use super::model::{Invitation, InvitationDue};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::ctx::Ctx;
use crate::due;
use crate::error::Result;
use crate::keys::{self, Tenant};
use crate::store::{Commit, Raw, Transaction};
use crate::task::Deadline;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ExpiryReport {
    /// Invitations that were deleted, with the addresses in them.
    pub deleted: u64,
    /// Rows of invitations that went with their organisation.
    pub stale: u64,
    /// Rows that could not be dealt with, for a defect; they are tried again.
    pub failed: u64,
    /// Whether the deadline came before the end.
    pub unfinished: bool,
}

/// Deletes every invitation that nobody accepted for [`invitations::KEPT`] after its code had ended.
///
/// # Errors
/// When a dependency does not answer; what was done stays done.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<ExpiryReport> {
    let mut report = ExpiryReport::default();
    let mut rows = due::Run::over(keys::invitation_due_partition);
    while let Some(row) = rows.next(ctx, deadline).await? {
        let done = end(ctx, &row, &mut report).await;
        rows.take(&row, done)?;
    }
    Ok(ExpiryReport {
        failed: rows.failed,
        unfinished: rows.unfinished,
        ..report
    })
}

async fn end(ctx: &Ctx, row: &Raw, report: &mut ExpiryReport) -> Result<()> {
    let InvitationDue { org, invitation } = row.decode::<InvitationDue>()?.facts;
    let tenant = Tenant::new(org);
    let found = ctx.store.get_one(&keys::invitation(tenant, invitation)).await?;
    let facts = found.map(|raw| raw.facts::<Invitation>()).transpose()?;
    let Some(facts) = facts.filter(|facts| invitations::due_key(invitation, facts) == row.key) else {
        let rows = std::slice::from_ref(&row.key);
        ctx.store.delete_all(rows, ctx.entropy.as_ref()).await?;
        report.stale += 1;
        return Ok(());
    };
    if invitations::gone_at(&facts) > ctx.now() {
        // It is due later in this hour.
        return Ok(());
    }
    let mut transaction = Transaction::new();
    invitations::end(&mut transaction, (org, invitation), &facts);
    let (kind, object) = (ActivityKind::InvitationExpired, Some(invitation.to_string()));
    activity::of_organisation(ctx, &mut transaction, tenant, kind, None, object)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => report.deleted += 1,
        // Another run was here, or somebody sends it again, accepts it or takes it back at this moment.
        Err(Commit::Rejected(_)) => {}
        Err(Commit::Failed(error)) => return Err(error),
    }
    Ok(())
}
