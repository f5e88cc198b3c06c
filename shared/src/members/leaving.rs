//! Leaving: one organisation of one's own will, or all of them before the account is deleted.

use super::own::{self, Place};
use super::rules;
use super::store::{end, last_owner, own_membership};
use crate::accounts::sessions;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Member, Person};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{ActorId, OrgId};
use crate::keys::{self, Tenant};
use crate::source::Source;
use crate::store::{Commit, Query, Transaction};

/// The most organisations that go with the one person in them, in the one transaction that erases them all.
const MAX_OWN: usize = 5;

/// Leaves the organisation of the session, whose sessions end with it.
///
/// # Errors
/// [`Error::NotFound`] for who is no member; [`Error::Conflict`] for the last owner.
pub async fn leave(ctx: &Ctx, member: &Member, source: &Source) -> Result<()> {
    let (tenant, person) = (member.permit.tenant(), member.person()?);
    let membership = own_membership(member)?;
    let mut transaction = Transaction::new();
    end(&mut transaction, tenant, person.user, &membership);
    noted(ctx, &mut transaction, person, tenant, source)?;
    sessions::end_of_organisation(ctx, &mut transaction, person.user, tenant.org(), None).await?;
    commit(ctx, transaction).await
}

fn noted(
    ctx: &Ctx,
    transaction: &mut Transaction,
    person: &Person,
    tenant: Tenant,
    source: &Source,
) -> Result<()> {
    let (kind, user) = (ActivityKind::MemberLeft, person.user);
    let actor = Some(ActorId::User(user));
    activity::of_organisation(ctx, transaction, tenant, kind, actor, Some(user.to_string()))?;
    let object = Some(tenant.org().to_string());
    activity::of_account(ctx, transaction, (user, &person.key), kind, object, source)
}

async fn commit(ctx: &Ctx, transaction: Transaction) -> Result<()> {
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(rejections)) if rejections.iter().any(|at| at.label == "owners") => {
            Err(last_owner())
        }
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "",
            "The membership changed at the same time; look at it again.",
        )),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Leaves every organisation that a person is in, before the account is deleted, and gives those that go with the person
/// because nobody else is in them, where the policy says so. One transaction each; a repetition goes on where it was cut
/// off. The person's sessions are left to the deletion.
///
/// # Errors
/// [`Error::Conflict`], before anything was left, that names an organisation that would be without an owner.
pub async fn leave_all(
    ctx: &Ctx,
    person: &Person,
    with_the_person: bool,
    source: &Source,
) -> Result<Vec<OrgId>> {
    let (mut going, mut left) = (Vec::new(), Vec::new());
    for place in own::places(ctx, person.user).await? {
        if rules::owners(Some(&place.membership.facts)) == 0 || place.organisation.facts.owners > 1 {
            left.push(place);
        } else if with_the_person && going.len() < MAX_OWN && is_alone(ctx, place.org).await? {
            going.push(place.org);
        } else {
            return Err(only_owner(&place));
        }
    }
    for place in left {
        let tenant = Tenant::new(place.org);
        let mut transaction = Transaction::new();
        end(&mut transaction, tenant, person.user, &place.membership);
        noted(ctx, &mut transaction, person, tenant, source)?;
        commit(ctx, transaction).await?;
    }
    Ok(going)
}

fn only_owner(place: &Place) -> Error {
    let name = place.organisation.payload.name.as_str();
    let detail = format!(
        "You are the only owner of {name} ({}). Make somebody else an owner, or close it with DELETE /v1/organisation; \
         what is yours alone can then be deleted here.",
        place.org
    );
    Error::conflict("", detail)
}

/// Whether an organisation has one member.
async fn is_alone(ctx: &Ctx, org: OrgId) -> Result<bool> {
    let query = Query::new(keys::memberships(Tenant::new(org)), 2);
    Ok(ctx.store.query(&query).await?.items.len() < 2)
}
