//! What every change of somebody's factors does: all other sessions end, the owner is told, and changes at one moment
//! exclude each other by the version of the user's item.

use super::factors::Factors;
use super::failure::SIGNED_OUT;
use crate::accounts::sessions::{self, Issued};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Level, Member};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::outbox::send;
use crate::outbox::templates::Template;
use crate::source::Source;
use crate::store::{Commit, Rejection, Transaction};

/// A change of a member's factors.
pub(super) struct Change<'a> {
    /// What the change itself writes.
    pub(super) transaction: Transaction,
    /// What happened.
    pub(super) kind: ActivityKind,
    /// To what.
    pub(super) object: Option<String>,
    /// What the owner is told.
    pub(super) template: Template,
    /// Whether there is a second factor afterwards.
    pub(super) second_factor: bool,
    /// From where.
    pub(super) source: &'a Source,
}

/// The refusal of a change that met another one.
fn met() -> Error {
    Error::conflict("", "The account changed at the same time; look at it again.")
}

/// Whether factors may be changed by a session: where there is a second factor, only by one that showed two (B-17).
pub(super) fn permitted(member: &Member, factors: &Factors) -> Result<()> {
    if factors.user.facts.second_factor && member.person()?.facts.level < Level::Aal2 {
        return Err(Error::MfaRequired);
    }
    Ok(())
}

impl Change<'_> {
    /// Commits a change by which nobody has shown a new factor. The session that asks goes on.
    pub(super) async fn commit(
        mut self,
        ctx: &Ctx,
        member: &Member,
        factors: Factors,
        refused: fn(&[Rejection]) -> Option<Error>,
    ) -> Result<()> {
        let person = member.person()?;
        // Another change from another session ends this one.
        let own = crate::keys::session(person.user, person.session);
        self.transaction
            .check("session", &own, &crate::store::Condition::present());
        self.finish(ctx, member, factors, refused).await
    }

    /// Commits a change that showed a new factor: the session goes on under a new id, with two factors (C-02).
    pub(super) async fn commit_raised(
        mut self,
        ctx: &Ctx,
        member: &Member,
        factors: Factors,
        refused: fn(&[Rejection]) -> Option<Error>,
    ) -> Result<Issued> {
        let (person, level) = (member.person()?, (member.permit.org(), Level::Aal2));
        let begun = sessions::replace(ctx, &mut self.transaction, person, level, self.source).await?;
        self.finish(ctx, member, factors, refused).await?;
        begun.issue(ctx).await
    }

    async fn finish(
        self,
        ctx: &Ctx,
        member: &Member,
        mut factors: Factors,
        refused: fn(&[Rejection]) -> Option<Error>,
    ) -> Result<()> {
        let person = member.person()?;
        let (key, entropy) = (&person.key, ctx.entropy.as_ref());
        let mut transaction = self.transaction;
        factors.user.version += 1;
        factors.user.facts.second_factor = self.second_factor;
        factors.user.facts.updated_at = ctx.now();
        transaction.replace_sealed("user", &factors.user, key, entropy)?;
        let owner = (person.user, key);
        activity::of_account(ctx, &mut transaction, owner, self.kind, self.object, self.source)?;
        let outgoing = factors.queue(ctx, &mut transaction, key, self.template)?;
        sessions::end_all(ctx, &mut transaction, person.user, Some(person.session)).await?;
        match send::commit(ctx, transaction, Some(outgoing)).await {
            Ok(()) => Ok(()),
            Err(Commit::Rejected(rejections)) => {
                let is = |label| rejections.iter().any(|rejection| rejection.label == label);
                let known = refused(&rejections);
                Err(match known {
                    _ if is("session") => SIGNED_OUT,
                    Some(error) => error,
                    None => met(),
                })
            }
            Err(Commit::Failed(error)) => Err(error),
        }
    }
}

/// No refusal but that of a change that met another one.
pub(super) fn unknown(_: &[Rejection]) -> Option<Error> {
    None
}
