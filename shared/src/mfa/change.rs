//! What every change of somebody's ways to sign in does: all other sessions end, the owner is told, and changes at one moment
//! exclude each other by the version of the user's item.

use super::factors::Factors;
use super::failure::SIGNED_OUT;
use crate::accounts::model::UserFacts;
use crate::accounts::sessions::{self, Issued, Proof};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Level, Member, Person};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::outbox::send;
use crate::outbox::templates::Template;
use crate::source::Source;
use crate::store::{Commit, Rejection, Transaction};

/// A change of a member's factors.
pub(crate) struct Change<'a> {
    /// What the change itself writes.
    pub(crate) transaction: Transaction,
    /// What happened.
    pub(crate) kind: ActivityKind,
    /// To what.
    pub(crate) object: Option<String>,
    /// What the owner is told.
    pub(crate) template: Template,
    /// Whether there is a second factor afterwards.
    pub(crate) second_factor: bool,
    /// From where.
    pub(crate) source: &'a Source,
}

/// The refusal of a change that met another one.
fn met() -> Error {
    Error::conflict("", "The account changed at the same time; look at it again.")
}

/// Whether factors may be changed by a session: where there is a second factor, only by one that showed two (B-17).
pub(crate) fn permitted(person: &Person, account: &UserFacts) -> Result<()> {
    if account.second_factor && person.facts.level < Level::Aal2 {
        return Err(Error::MfaRequired);
    }
    Ok(())
}

impl Change<'_> {
    /// Commits a change by which nobody has shown a new factor. The session that asks goes on.
    pub(crate) async fn commit(
        mut self,
        ctx: &Ctx,
        person: &Person,
        factors: Factors,
        refused: fn(&[Rejection]) -> Option<Error>,
    ) -> Result<()> {
        // Another change from another session ends this one.
        let own = crate::keys::session(person.user, person.session);
        self.transaction
            .check("session", &own, &crate::store::Condition::present());
        self.finish(ctx, person, factors, refused).await
    }

    /// Commits a change that showed a new factor: the session goes on under a new id, with two factors (C-02).
    pub(crate) async fn commit_raised(
        mut self,
        ctx: &Ctx,
        member: &Member,
        factors: Factors,
        refused: fn(&[Rejection]) -> Option<Error>,
    ) -> Result<Issued> {
        let (person, shown) = (member.person()?, (member.permit.org(), Proof::Own(Level::Aal2)));
        let begun = sessions::replace(ctx, &mut self.transaction, person, shown, self.source).await?;
        self.finish(ctx, person, factors, refused).await?;
        begun.issue(ctx).await
    }

    async fn finish(
        self,
        ctx: &Ctx,
        person: &Person,
        mut factors: Factors,
        refused: fn(&[Rejection]) -> Option<Error>,
    ) -> Result<()> {
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
pub(crate) fn unknown(_: &[Rejection]) -> Option<Error> {
    None
}
