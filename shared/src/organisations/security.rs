//! How members of an organisation sign in.

use super::model::{OrganisationProfile, Security};
use super::store;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::store::{Commit, Item, Transaction};

/// Changes how members sign in; never below what the operator promises.
///
/// # Errors
/// [`Error::Invalid`] naming the promise, or for single sign-on without a provider; [`Error::Stale`] when the organisation changed at the same time.
pub async fn put(
    ctx: &Ctx,
    member: &Member,
    mut item: Item<OrganisationProfile>,
    security: Security,
) -> Result<Item<OrganisationProfile>> {
    let (floor, origin) = ctx.policy().mfa();
    if security.mfa < floor {
        return Err(Error::invalid(
            "/mfa",
            format!(
                "It must be at least `{}`, which our policy promises ({origin}).",
                floor.as_str()
            ),
        ));
    }
    // The organisation is written under its version, so no connection goes off at the same moment.
    if security.sso_only && !item.facts.has_provider() {
        return Err(Error::invalid(
            "/sso_only",
            "Nobody could sign in: there is no connection to an identity provider that is on.",
        ));
    }
    if item.facts.security == security {
        return Ok(item);
    }
    item.version += 1;
    item.facts.updated_at = ctx.now();
    item.facts.security = security;
    let mut transaction = Transaction::new();
    store::put(ctx, &mut transaction, member, &item)?;
    let (tenant, actor) = (member.permit.tenant(), Some(member.permit.actor()));
    let kind = ActivityKind::SecurityChanged;
    activity::of_organisation(ctx, &mut transaction, tenant, kind, actor, None)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(item),
        Err(Commit::Rejected(_)) => Err(Error::Stale {
            current: item.version,
        }),
        Err(Commit::Failed(error)) => Err(error),
    }
}
