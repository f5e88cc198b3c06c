use super::*;
use crate::ids::{RoleId, ServiceAccountId, UserId};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn organisation() -> OrganisationFacts {
    OrganisationFacts::new(now())
}

fn actor() -> ActorId {
    ActorId::User(UserId::from_bits(1))
}

fn person(role: Option<Role>, level: Level) -> Standing<'static> {
    Standing::Person {
        role,
        suspended: false,
        staff: None,
        level,
        method: SignInMethod::Password,
        authenticated_at: now(),
        own_factor_at: now(),
    }
}

fn may(role: Role, action: Action, organisation: &OrganisationFacts) -> Result<Reach> {
    decide(
        (actor(), person(Some(role), Level::Aal1)),
        action,
        Some(organisation),
        now(),
    )
}

#[test]
fn a_built_in_role_never_loses_an_action_that_a_lesser_role_has() {
    for &action in Action::ALL {
        let allowed = Role::BUILT_IN.map(|role| may(role, action, &organisation()).is_ok());
        assert!(
            allowed.windows(2).all(|pair| pair[0] >= pair[1]),
            "{action:?}: {allowed:?}"
        );
    }
}

#[test]
fn without_a_membership_only_the_own_account_is_there() {
    for &action in Action::ALL {
        let decided = decide((actor(), person(None, Level::Aal2)), action, None, now());
        let expected = if action.is_personal() {
            Ok(Reach::default())
        } else {
            Err(Error::NotFound)
        };
        assert_eq!(decided, expected, "{action:?}");
    }
}

#[test]
fn only_an_owner_closes_cancels_and_hands_over() {
    for action in [
        Action::CloseOrganisation,
        Action::ManageSubscription,
        Action::TransferOwnership,
    ] {
        for role in Role::BUILT_IN {
            assert_eq!(
                may(role, action, &organisation()).is_ok(),
                role == Role::Owner,
                "{role} {action:?}"
            );
        }
    }
}

#[test]
fn after_cancellation_records_are_read_and_deleted_but_not_written() {
    let mut cancelled = organisation();
    cancelled.subscription = Subscription::Cancelled;
    for (action, expected) in [
        (Action::ReadRecords, true),
        (Action::DeleteRecords, true),
        (Action::ManageSubscription, true),
        (Action::WriteRecords, false),
        (Action::InviteMembers, false),
    ] {
        assert_eq!(
            may(Role::Owner, action, &cancelled).is_ok(),
            expected,
            "{action:?}"
        );
    }
}

#[test]
fn g_29_a_custom_role_grants_what_it_names_and_nothing_that_it_may_not_contain() {
    let id = RoleId::from_bits(7);
    let grants: Grants = serde_json::from_value(serde_json::json!({
        "actions": ["records.read", "organisation.close", "records.frobnicate"], "records": "own", "kinds": ["asset"],
    }))
    .unwrap();
    let mut with_role = organisation();
    with_role.roles.insert(id, grants);
    let reach = may(Role::Custom(id), Action::ReadRecords, &with_role).unwrap();
    assert_eq!(reach.own, Some(actor()));
    assert!(!reach.is_full());
    for action in [
        Action::CloseOrganisation,
        Action::WriteRecords,
        Action::ManageMembers,
    ] {
        assert!(may(Role::Custom(id), action, &with_role).is_err(), "{action:?}");
    }
    let unknown = Role::Custom(RoleId::from_bits(8));
    assert!(
        may(unknown, Action::ReadRecords, &with_role).is_err(),
        "a role that was deleted grants nothing"
    );
}

#[test]
fn an_organisation_that_demands_two_factors_gets_them() {
    for (policy, role, demanded) in [
        (MfaPolicy::Optional, Role::Owner, false),
        (MfaPolicy::Admins, Role::Admin, true),
        (MfaPolicy::Admins, Role::Member, false),
        (MfaPolicy::Everyone, Role::Viewer, true),
    ] {
        let mut strict = organisation();
        strict.security.mfa = policy;
        let decided = may(role, Action::ReadRecords, &strict);
        let expected = if demanded {
            Err(Error::MfaRequired)
        } else {
            Ok(Reach::default())
        };
        assert_eq!(decided, expected, "{policy:?} {role}");
        let raised = person(Some(role), Level::Aal2);
        assert!(decide((actor(), raised), Action::ReadRecords, Some(&strict), now()).is_ok());
        let enrolling = decide(
            (actor(), person(Some(role), Level::Aal1)),
            Action::SecureOwnAccount,
            None,
            now(),
        );
        assert!(enrolling.is_ok(), "who must enrol can");
    }
}

#[test]
fn a_sensitive_action_needs_a_factor_of_the_last_five_minutes() {
    for &action in Action::ALL {
        for (seconds, fresh) in [(300, true), (301, false)] {
            let later = now() + SignedDuration::from_secs(seconds);
            let decided = decide(
                (actor(), person(Some(Role::Owner), Level::Aal2)),
                action,
                Some(&organisation()),
                later,
            );
            if action.is_for_staff() {
                assert_eq!(decided, Err(Error::NotFound));
            } else if action.needs_step_up() && !fresh {
                assert_eq!(decided, Err(Error::StepUpRequired), "{action:?}");
            } else {
                assert!(decided.is_ok(), "{action:?}");
            }
        }
    }
}

#[test]
fn staff_reach_nothing_of_an_organisation_and_need_two_factors() {
    for staff in [StaffRole::Support, StaffRole::Lead] {
        for level in [Level::Aal1, Level::Aal2] {
            let standing = Standing::Person {
                role: None,
                suspended: false,
                staff: Some(staff),
                level,
                method: SignInMethod::Password,
                authenticated_at: now(),
                own_factor_at: now(),
            };
            for &action in Action::ALL {
                let decided = decide((actor(), standing), action, None, now());
                match (action.is_for_staff(), action.is_personal()) {
                    (true, _) if !staff.in_table(action) => {
                        assert!(matches!(decided, Err(Error::Forbidden(_))));
                    }
                    (true, _) if level == Level::Aal1 => assert_eq!(decided, Err(Error::MfaRequired)),
                    (true, _) | (_, true) => assert!(decided.is_ok(), "{action:?}"),
                    (false, false) => assert_eq!(decided, Err(Error::NotFound), "{action:?}"),
                }
            }
        }
    }
}

#[test]
fn an_api_key_does_what_its_scopes_say_and_nothing_personal() {
    let actor = ActorId::Service(ServiceAccountId::from_bits(3));
    for &action in Action::ALL {
        let all = Grants {
            actions: Action::ALL.iter().copied().collect(),
            ..Grants::default()
        };
        let decided = decide(
            (actor, Standing::Service(&all)),
            action,
            Some(&organisation()),
            now(),
        );
        assert_eq!(decided.is_ok(), action.fits_api_key(), "{action:?}");
        let none = decide(
            (actor, Standing::Service(&Grants::default())),
            action,
            Some(&organisation()),
            now(),
        );
        assert!(none.is_err(), "{action:?}");
    }
}

#[test]
fn g_28_nobody_grants_more_than_they_have() {
    let id = RoleId::from_bits(7);
    let grants = |value: serde_json::Value| serde_json::from_value::<Grants>(value).unwrap();
    let may = |role: Role, own: serde_json::Value, given: serde_json::Value| {
        let mut with_role = organisation();
        with_role.roles.insert(id, grants(own));
        role.grants(&with_role).cover_service(&grants(given))
    };
    let read = serde_json::json!({ "actions": ["records.read"] });
    let none = serde_json::json!({ "actions": [] });
    assert!(may(Role::Admin, none.clone(), read.clone()));
    let write = serde_json::json!({ "actions": ["records.read", "records.write"] });
    assert!(!may(Role::Viewer, none.clone(), write));
    assert!(!may(Role::Custom(RoleId::from_bits(8)), none, read.clone()));
    let custom = Role::Custom(id);
    assert!(may(custom, read.clone(), read.clone()));
    let assets = serde_json::json!({ "actions": ["records.read"], "kinds": ["asset"] });
    assert!(may(custom, assets.clone(), assets.clone()));
    assert!(!may(custom, assets, read.clone()), "kinds are not widened");
    let own = serde_json::json!({ "actions": ["records.read"], "records": "own" });
    assert!(!may(custom, own.clone(), read), "own records are not all");
    assert!(!may(custom, own.clone(), own), "one's own are not another's own");
}
