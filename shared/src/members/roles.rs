//! Custom roles: sets of actions that an organisation defines. They come with the organisation in every request that
//! needs them, so there are few, and a change acts on the very next request of whoever has the role.

use super::store::{standing, still_allowed};
use crate::activity::model::ActivityKind;
use crate::activity::store::note;
use crate::auth::{Action, Grants, Member, Role};
use crate::ctx::Ctx;
use crate::error::{Error, Result, Violations};
use crate::ids::RoleId;
use crate::keys;
use crate::organisations::model::{OrganisationFacts, OrganisationProfile};
use crate::organisations::store::{self as organisations, put};
use crate::store::{Commit, Condition, Item, Query, Transaction};
use crate::text::Line;

/// The most custom roles of an organisation.
pub const MAX_ROLES: usize = 20;

/// The name of a custom role.
pub type RoleName = Line<100>;

/// Checks that actions may stand in a custom role.
///
/// # Errors
/// [`Error::Invalid`] at each that may not.
pub fn fitting(actions: &[Action]) -> Result<()> {
    let mut violations = Violations::default();
    for (index, action) in actions.iter().enumerate() {
        if !action.fits_custom_role() {
            let detail = format!("A custom role cannot contain {}.", action.as_str());
            violations.push(format!("/actions/{index}"), detail);
        }
    }
    violations.into_result()
}

/// Nobody defines a role with more than their own (G-28).
fn within(member: &Member, grants: &Grants) -> Result<()> {
    let (caller, organisation) = standing(member)?;
    if caller.grants(organisation).cover(grants) {
        Ok(())
    } else {
        Err(Error::Forbidden(
            "Nobody can define a role that is above their own.",
        ))
    }
}

/// Defines a role.
///
/// # Errors
/// [`Error::Conflict`] when there are enough, or one of that name; [`Error::Stale`] when the organisation changed at the
/// same time.
pub async fn create(
    ctx: &Ctx,
    member: &Member,
    name: RoleName,
    grants: Grants,
) -> Result<(RoleId, Item<OrganisationProfile>)> {
    within(member, &grants)?;
    let mut item = organisations::read(member)?;
    if item.facts.roles.len() >= MAX_ROLES {
        let detail = format!("An organisation has at most {MAX_ROLES} roles of its own.");
        return Err(Error::conflict("", detail));
    }
    let role = RoleId::new(ctx.now(), ctx.id_bytes());
    set(&mut item, role, name, grants)?;
    save(ctx, member, &mut item, (ActivityKind::RoleCreated, role)).await?;
    Ok((role, item))
}

fn set(item: &mut Item<OrganisationProfile>, role: RoleId, name: RoleName, grants: Grants) -> Result<()> {
    let lower = |name: &RoleName| name.as_str().to_lowercase();
    let names = &item.payload.role_names;
    let built_in = Role::BUILT_IN.iter().any(|role| role.to_string() == lower(&name));
    if built_in
        || names
            .iter()
            .any(|(id, other)| *id != role && lower(other) == lower(&name))
    {
        return Err(Error::conflict("/name", "There is a role of this name already."));
    }
    item.payload.role_names.insert(role, name);
    item.facts.roles.insert(role, grants);
    Ok(())
}

/// A change of a role; what is absent stays.
#[derive(Debug, Default)]
pub struct Change {
    /// Another name.
    pub name: Option<RoleName>,
    /// Other grants.
    pub grants: Option<Grants>,
}

/// A custom role of the organisation as it was read.
///
/// # Errors
/// [`Error::NotFound`].
pub fn grants(organisation: &OrganisationFacts, role: RoleId) -> Result<&Grants> {
    organisation.roles.get(&role).ok_or(Error::NotFound)
}

/// Changes a role. Who has it can do something else from the next request on.
///
/// # Errors
/// [`Error::NotFound`]; as [`create`].
pub async fn update(
    ctx: &Ctx,
    member: &Member,
    role: RoleId,
    change: Change,
) -> Result<Item<OrganisationProfile>> {
    let mut item = organisations::read(member)?;
    let before = grants(&item.facts, role)?.clone();
    // Nobody changes a role that is above their own, either.
    within(member, &before)?;
    let grants = change.grants.unwrap_or(before);
    within(member, &grants)?;
    let name = match change.name {
        Some(name) => name,
        None => item.payload.role_names.get(&role).ok_or(Error::NotFound)?.clone(),
    };
    set(&mut item, role, name, grants)?;
    save(ctx, member, &mut item, (ActivityKind::RoleUpdated, role)).await?;
    Ok(item)
}

/// Deletes a role that nobody has. Who is given it at this very moment can do nothing until they get another.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] while members or invitations have it; as [`create`].
pub async fn delete(ctx: &Ctx, member: &Member, role: RoleId) -> Result<()> {
    let mut item = organisations::read(member)?;
    within(member, grants(&item.facts, role)?)?;
    let tenant = member.permit.tenant();
    for partition in [keys::memberships(tenant), keys::invitations(tenant)] {
        let has_it = Condition::text("role", role.to_string());
        let mut query = Query::new(partition, 200).filter(Some(has_it));
        loop {
            let page = ctx.store.query(&query).await?;
            if !page.items.is_empty() {
                return Err(Error::conflict("", "Members or invitations have this role."));
            }
            if page.next.is_none() {
                break;
            }
            query = query.after(page.next);
        }
    }
    item.facts.roles.remove(&role);
    item.payload.role_names.remove(&role);
    save(ctx, member, &mut item, (ActivityKind::RoleDeleted, role)).await
}

async fn save(
    ctx: &Ctx,
    member: &Member,
    item: &mut Item<OrganisationProfile>,
    (kind, role): (ActivityKind, RoleId),
) -> Result<()> {
    let before = item.version;
    item.version += 1;
    item.facts.updated_at = ctx.now();
    let mut transaction = Transaction::new();
    put(ctx, &mut transaction, member, item)?;
    still_allowed(member, &mut transaction)?;
    note(ctx, member, &mut transaction, kind, role)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(()),
        Err(Commit::Rejected(_)) => Err(Error::Stale { current: before + 1 }),
        Err(Commit::Failed(error)) => Err(error),
    }
}
