//! A factor that was wrong: it counts like a failed sign-in, and its owner is told.

use super::factors::Factors;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::ActorId;
use crate::keys::Tenant;
use crate::outbox::send;
use crate::outbox::templates::Template;
use crate::seal::DataKey;
use crate::source::Source;
use crate::store::{Commit, Transaction};

/// Commits what a wrong factor leaves behind. Whoever knows the password, or holds the session, showed it; so the owner is
/// told, once for each sign-in or step-up that goes wrong and not for each try.
pub(super) async fn note(
    ctx: &Ctx,
    mut transaction: Transaction,
    (key, factors): (&DataKey, &Factors),
    tell: bool,
    source: &Source,
) -> Result<()> {
    let user = factors.user_id()?;
    let kind = ActivityKind::SignInFailed;
    let object = Some("second_factor".to_owned());
    activity::of_account(ctx, &mut transaction, (user, key), kind, object.clone(), source)?;
    let tenant = Tenant::new(factors.user.facts.org);
    let actor = Some(ActorId::User(user));
    activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, object)?;
    let mut outgoing = None;
    if tell {
        let template = Template::SecondFactorWrong;
        outgoing = Some(factors.queue(ctx, &mut transaction, key, template)?);
    }
    match send::commit(ctx, transaction, outgoing).await {
        // Another try at the same moment came first; it is noted there.
        Ok(()) | Err(Commit::Rejected(_)) => Ok(()),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// The session has ended while it asked.
pub(super) const SIGNED_OUT: Error = Error::Unauthenticated("The session has ended. Sign in again.");
