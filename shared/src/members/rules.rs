//! What may be done to members, and what follows; pure.

use jiff::Timestamp;

use crate::accounts::model::SignInMethod;
use crate::auth::Role;
use crate::error::{Error, Result};
use crate::organisations::model::{Membership, OrganisationFacts};

/// A change of a membership; what is absent stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change {
    /// Another role.
    pub role: Option<Role>,
    /// Whether it is suspended.
    pub suspended: Option<bool>,
}

/// Whether who has `granter` may give somebody `granted`: nobody gives more than they have (G-28).
///
/// # Errors
/// [`Error::Invalid`] for a custom role that the organisation does not have, [`Error::Forbidden`] for one above one's own.
pub fn may_grant(granter: Role, granted: Role, organisation: &OrganisationFacts) -> Result<()> {
    if let Role::Custom(id) = granted
        && !organisation.roles.contains_key(&id)
    {
        return Err(Error::invalid("/role", "The organisation has no such role."));
    }
    if granter.grants(organisation).cover(&granted.grants(organisation)) {
        Ok(())
    } else {
        Err(Error::Forbidden(
            "Nobody can give a role that is above their own.",
        ))
    }
}

/// Whether who has `caller` may change, suspend or remove somebody who has `target`.
///
/// # Errors
/// [`Error::Forbidden`] for a role above one's own.
pub fn may_touch(caller: Role, target: Role, organisation: &OrganisationFacts) -> Result<()> {
    if caller.grants(organisation).cover(&target.grants(organisation)) {
        Ok(())
    } else {
        Err(Error::Forbidden("This member's role is above your own."))
    }
}

/// The membership after a change by who has `caller`.
///
/// # Errors
/// As [`may_touch`] and [`may_grant`].
pub fn changed(
    caller: Role,
    before: &Membership,
    change: Change,
    organisation: &OrganisationFacts,
    now: Timestamp,
) -> Result<Membership> {
    may_touch(caller, before.role, organisation)?;
    let role = change.role.unwrap_or(before.role);
    if role != before.role {
        may_grant(caller, role, organisation)?;
    }
    let suspended_at = match change.suspended {
        None => before.suspended_at,
        Some(true) => before.suspended_at.or(Some(now)),
        Some(false) => None,
    };
    Ok(Membership {
        role,
        suspended_at,
        ..before.clone()
    })
}

/// How many owners a membership counts for: a suspended owner cannot act as one.
pub fn owners(membership: Option<&Membership>) -> i64 {
    membership.map_or(0, |membership| {
        i64::from(membership.role == Role::Owner && membership.suspended_at.is_none())
    })
}

/// Whether a session that was begun by `method` is good for the organisation, for who has `role` there. Where members sign in through an identity
/// provider only, owners still can without: they are the way in when the provider is broken.
pub fn admits(method: SignInMethod, role: Role, organisation: &OrganisationFacts) -> bool {
    !organisation.security.sso_only || method == SignInMethod::Sso || role == Role::Owner
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::auth::{Action, Grants, RecordScope};
    use crate::ids::RoleId;
    use crate::records::model::Kind;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn organisation(roles: &[(u128, Grants)]) -> OrganisationFacts {
        let mut facts = OrganisationFacts::new(NOW);
        for (id, grants) in roles {
            facts.roles.insert(RoleId::from_bits(*id), grants.clone());
        }
        facts
    }

    fn grants(actions: &[Action], records: RecordScope, kinds: Option<&[Kind]>) -> Grants {
        Grants {
            actions: actions.iter().copied().collect(),
            records,
            kinds: kinds.map(|kinds| kinds.iter().copied().collect::<BTreeSet<_>>()),
        }
    }

    fn custom(id: u128) -> Role {
        Role::Custom(RoleId::from_bits(id))
    }

    #[test]
    fn g_28_nobody_gives_or_touches_a_role_above_their_own() {
        let organisation = organisation(&[]);
        let order = [Role::Viewer, Role::Member, Role::Admin, Role::Owner];
        for (height, granter) in order.into_iter().enumerate() {
            for (other, granted) in order.into_iter().enumerate() {
                let allowed = other <= height;
                assert_eq!(
                    may_grant(granter, granted, &organisation).is_ok(),
                    allowed,
                    "{granter} {granted}"
                );
                assert_eq!(
                    may_touch(granter, granted, &organisation).is_ok(),
                    allowed,
                    "{granter} {granted}"
                );
            }
        }
    }

    #[test]
    fn g_28_a_custom_role_gives_only_what_it_has_of_actions_records_and_kinds() {
        use Action::{InviteMembers, ReadRecords, WriteRecords};
        let all = grants(
            &[InviteMembers, ReadRecords, WriteRecords],
            RecordScope::All,
            None,
        );
        let own = grants(&[InviteMembers, ReadRecords], RecordScope::Own, None);
        let assets = grants(
            &[InviteMembers, ReadRecords],
            RecordScope::All,
            Some(&[Kind::Asset]),
        );
        let invites = grants(&[InviteMembers], RecordScope::All, None);
        let organisation = organisation(&[(1, all), (2, own), (3, assets), (4, invites)]);
        let allowed = |granter: u128, granted: Role| may_grant(custom(granter), granted, &organisation);
        for (granter, granted) in [
            (1, 1),
            (1, 2),
            (1, 3),
            (1, 4),
            (2, 2),
            (3, 3),
            (2, 4),
            (3, 4),
            (4, 4),
        ] {
            assert_eq!(allowed(granter, custom(granted)), Ok(()), "{granter} {granted}");
        }
        for (granter, granted) in [(2, 1), (3, 1), (2, 3), (3, 2), (4, 1), (4, 2)] {
            let refused = matches!(allowed(granter, custom(granted)), Err(Error::Forbidden(_)));
            assert!(refused, "{granter} {granted}");
        }
        for built_in in Role::BUILT_IN {
            assert!(allowed(2, built_in).is_err(), "{built_in}");
        }
        assert!(matches!(allowed(1, custom(9)), Err(Error::Invalid(_))));
    }

    #[test]
    fn g_29_what_a_custom_role_may_not_contain_is_not_granted_by_it() {
        let organisation = organisation(&[(1, grants(&[Action::ManageMembers], RecordScope::All, None))]);
        assert!(custom(1).grants(&organisation).actions.is_empty());
        assert!(may_touch(custom(1), Role::Viewer, &organisation).is_err());
    }

    #[test]
    fn a_suspended_owner_counts_for_none() {
        let mut membership = Membership {
            role: Role::Owner,
            created_at: NOW,
            suspended_at: None,
        };
        assert_eq!((owners(Some(&membership)), owners(None)), (1, 0));
        membership.suspended_at = Some(NOW);
        assert_eq!(owners(Some(&membership)), 0);
        membership = Membership {
            role: Role::Admin,
            suspended_at: None,
            ..membership
        };
        assert_eq!(owners(Some(&membership)), 0);
    }
}
