//! The one decision who may do what. Pure; denies by default.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::Column;
use super::{Action, Grants, Reach, Role, StaffRole};
use crate::accounts::model::SignInMethod;
use crate::error::{Error, Result};
use crate::ids::ActorId;
use crate::members::rules;
use crate::organisations::model::{MfaPolicy, OrganisationFacts, Subscription};

/// For how long a sign-in or step-up counts as fresh.
pub const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// How sure it is that a session is its user's (NIST SP 800-63B-4 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// One factor was shown.
    Aal1,
    /// Two were, or a passkey with user verification.
    Aal2,
}

/// Who asks, as far as it decides anything.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    /// A person with a session.
    Person {
        /// The role in the organisation; `None` for who is no member.
        role: Option<Role>,
        /// Whether the membership is suspended.
        suspended: bool,
        /// The role among the operator's staff.
        staff: Option<StaffRole>,
        /// The session's assurance.
        level: Level,
        /// How the session was begun.
        method: SignInMethod,
        /// When the person last showed a factor, or an identity provider last vouched for them.
        authenticated_at: Timestamp,
        /// When the person last showed a factor of their own account.
        own_factor_at: Timestamp,
    },
    /// A service account with an API key of these scopes.
    Service(&'a Grants),
}

/// Whether `actor` may do `action`, and on which records. `organisation` is `None` when there is none.
///
/// # Errors
/// [`Error::NotFound`] for what the caller must not know of, [`Error::Forbidden`] with the reason,
/// [`Error::SsoRequired`], [`Error::MfaRequired`], [`Error::StepUpRequired`].
pub fn decide(
    (actor, standing): (ActorId, Standing<'_>),
    action: Action,
    organisation: Option<&OrganisationFacts>,
    now: Timestamp,
) -> Result<Reach> {
    match standing {
        Standing::Service(scopes) => service(actor, scopes, action, organisation),
        Standing::Person { staff, level, .. } if action.is_for_staff() => {
            let staff = staff.ok_or(Error::NotFound)?;
            permitted(staff.in_table(action))?;
            if level < Level::Aal2 {
                return Err(Error::MfaRequired);
            }
            fresh(standing, action, now)
        }
        Standing::Person { .. } if action.is_personal() => fresh(standing, action, now),
        Standing::Person {
            role,
            suspended,
            level,
            method,
            ..
        } => {
            let (role, organisation) = role.zip(organisation).ok_or(Error::NotFound)?;
            if suspended {
                return Err(Error::Forbidden(
                    "Your membership of this organisation is suspended.",
                ));
            }
            if !rules::admits(method, role, organisation) {
                return Err(Error::SsoRequired);
            }
            let reach = role_reach(actor, role, action, organisation)?;
            not_cancelled(action, organisation)?;
            if level < Level::Aal2 && demands_mfa(role, organisation) {
                return Err(Error::MfaRequired);
            }
            fresh(standing, action, now)?;
            Ok(reach)
        }
    }
}

fn service(
    actor: ActorId,
    scopes: &Grants,
    action: Action,
    organisation: Option<&OrganisationFacts>,
) -> Result<Reach> {
    if action.is_for_staff() {
        return Err(Error::NotFound);
    }
    let organisation = organisation.ok_or(Error::NotFound)?;
    if !action.fits_api_key() || !scopes.actions.contains(&action) {
        return Err(Error::Forbidden("The scopes of this API key do not allow this."));
    }
    not_cancelled(action, organisation)?;
    Ok(scopes.reach(actor))
}

fn role_reach(actor: ActorId, role: Role, action: Action, organisation: &OrganisationFacts) -> Result<Reach> {
    match role {
        Role::Custom(id) => {
            let grants = organisation.roles.get(&id);
            let grants =
                grants.filter(|grants| action.fits_custom_role() && grants.actions.contains(&action));
            permitted(grants.is_some())?;
            Ok(grants.map(|grants| grants.reach(actor)).unwrap_or_default())
        }
        built_in => {
            permitted(built_in.in_table(action) == Some(true))?;
            Ok(Reach::default())
        }
    }
}

fn permitted(allowed: bool) -> Result<()> {
    if allowed {
        Ok(())
    } else {
        Err(Error::Forbidden("Your role does not allow this."))
    }
}

fn not_cancelled(action: Action, organisation: &OrganisationFacts) -> Result<()> {
    if organisation.subscription == Subscription::Cancelled && !action.is(Column::Cancelled) {
        return Err(Error::Forbidden(
            "The subscription is cancelled: records can be read and deleted. Resume it to add or change any.",
        ));
    }
    Ok(())
}

/// Whether the organisation's policy demands two factors of a role. A custom role that can do more than work with
/// records counts as an administrator's.
fn demands_mfa(role: Role, organisation: &OrganisationFacts) -> bool {
    match organisation.security.mfa {
        MfaPolicy::Optional => false,
        MfaPolicy::Everyone => true,
        MfaPolicy::Admins => match role {
            Role::Owner | Role::Admin => true,
            Role::Member | Role::Viewer => false,
            Role::Custom(id) => organisation.roles.get(&id).is_some_and(|grants| {
                let of_a_member = |action: &Action| Role::Member.in_table(*action) == Some(true);
                !grants.actions.iter().all(of_a_member)
            }),
        },
    }
}

/// Sensitive actions need a recent proof that it is still the same person (ASVS 7.5.1). For what concerns the organisation
/// its identity provider can give it; for the person's own account, which may be in other organisations too, only a factor
/// of the account can: whoever runs one organisation's provider must not get into another through its members.
fn fresh(standing: Standing<'_>, action: Action, now: Timestamp) -> Result<Reach> {
    let Standing::Person {
        authenticated_at,
        own_factor_at,
        ..
    } = standing
    else {
        return Err(Error::NotFound);
    };
    let own = action.is_personal() || action.is_for_staff();
    let shown_at = if own { own_factor_at } else { authenticated_at };
    if action.needs_step_up() && now.duration_since(shown_at) > FRESH {
        return Err(Error::StepUpRequired);
    }
    Ok(Reach::default())
}

#[cfg(test)]
mod tests;
