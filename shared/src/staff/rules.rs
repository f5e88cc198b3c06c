//! Who may decide on exceptional access, and when it can be used. Pure.

use jiff::{SignedDuration, Timestamp};

use super::model::{AccessFacts, AccessState, Extent};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::records::model::{Kind, RecordId};

/// For how many minutes access runs when nothing is said.
pub const DEFAULT_MINUTES: u16 = 60;

/// The most minutes that access can run: a working day.
pub const MAX_MINUTES: u16 = 480;

/// For how long a request waits for a decision.
const WAITS: SignedDuration = SignedDuration::from_hours(72);

const NOT_WAITING: &str = "This access does not wait for a decision.";

/// A new request.
pub fn requested(user: UserId, extent: Extent, minutes: u16, now: Timestamp) -> AccessFacts {
    AccessFacts {
        requested_by: user,
        requested_at: now,
        extent,
        minutes,
        state: AccessState::Requested,
        decided_by: None,
        decided_at: None,
        expires_at: None,
        ended_by: None,
        ended_at: None,
    }
}

/// Where access stands at `now`.
pub fn state(facts: &AccessFacts, now: Timestamp) -> AccessState {
    let over = match facts.state {
        AccessState::Requested => now.duration_since(facts.requested_at) >= WAITS,
        AccessState::Approved => facts.expires_at.is_none_or(|end| end <= now),
        AccessState::Refused | AccessState::Ended | AccessState::Expired => false,
    };
    if over { AccessState::Expired } else { facts.state }
}

/// Allows a request. It runs from now on.
///
/// # Errors
/// [`Error::Forbidden`] for one's own request, [`Error::Conflict`] when it does not wait for a decision.
pub fn approved(facts: &AccessFacts, by: UserId, now: Timestamp) -> Result<AccessFacts> {
    waits(facts, now)?;
    if by == facts.requested_by {
        return Err(Error::Forbidden("Somebody else must allow what you asked for."));
    }
    let runs = SignedDuration::from_mins(i64::from(facts.minutes.min(MAX_MINUTES)));
    Ok(AccessFacts {
        expires_at: Some(now.saturating_add(runs).unwrap_or(now)),
        ..decided(facts, AccessState::Approved, by, now)
    })
}

/// Refuses a request.
///
/// # Errors
/// [`Error::Conflict`] when it does not wait for a decision.
pub fn refused(facts: &AccessFacts, by: UserId, now: Timestamp) -> Result<AccessFacts> {
    waits(facts, now)?;
    Ok(decided(facts, AccessState::Refused, by, now))
}

fn waits(facts: &AccessFacts, now: Timestamp) -> Result<()> {
    if state(facts, now) == AccessState::Requested {
        Ok(())
    } else {
        Err(Error::conflict("", NOT_WAITING))
    }
}

fn decided(facts: &AccessFacts, state: AccessState, by: UserId, now: Timestamp) -> AccessFacts {
    AccessFacts {
        state,
        decided_by: Some(by),
        decided_at: Some(now),
        ..facts.clone()
    }
}

/// Ends access that runs, or takes a request back.
///
/// # Errors
/// [`Error::Conflict`] when it is over already.
pub fn ended(facts: &AccessFacts, by: UserId, now: Timestamp) -> Result<AccessFacts> {
    match state(facts, now) {
        AccessState::Requested | AccessState::Approved => Ok(AccessFacts {
            state: AccessState::Ended,
            ended_by: Some(by),
            ended_at: Some(now),
            ..facts.clone()
        }),
        AccessState::Refused | AccessState::Ended | AccessState::Expired => {
            Err(Error::conflict("", "This access is over already."))
        }
    }
}

/// Whether `user`, who is on the staff since `since`, may use access now.
///
/// # Errors
/// [`Error::Forbidden`] with the reason.
pub fn may_use(facts: &AccessFacts, user: UserId, since: Timestamp, now: Timestamp) -> Result<()> {
    // Who left and came back does not find earlier access again.
    if facts.requested_by != user || facts.requested_at < since {
        return Err(Error::Forbidden("This access was given to somebody else."));
    }
    match state(facts, now) {
        AccessState::Approved => Ok(()),
        AccessState::Requested => Err(Error::Forbidden("Nobody has allowed this access yet.")),
        AccessState::Refused | AccessState::Ended | AccessState::Expired => Err(OVER),
    }
}

/// The answer to whoever uses access that is over.
pub const OVER: Error = Error::Forbidden("This access is over.");

const NOT_INCLUDED: Error = Error::Forbidden("This access does not include these records.");

/// Whether access is for a record.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn includes(extent: &Extent, record: RecordId) -> Result<()> {
    let this_one = extent.record.is_none_or(|only| only == record);
    if this_one && extent.reach().covers_kind(record.kind()) {
        Ok(())
    } else {
        Err(NOT_INCLUDED)
    }
}

/// Whether access is for all records of a kind.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn includes_kind(extent: &Extent, kind: Kind) -> Result<()> {
    if extent.record.is_none() && extent.reach().covers_kind(kind) {
        Ok(())
    } else {
        Err(NOT_INCLUDED)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SAM: UserId = UserId::from_bits(1);
    const LOU: UserId = UserId::from_bits(2);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn request(extent: Extent) -> AccessFacts {
        requested(SAM, extent, 60, at(0))
    }

    #[test]
    fn access_runs_from_its_approval_until_its_time_is_over_and_not_an_instant_longer() {
        let access = approved(&request(Extent::default()), LOU, at(100)).unwrap();
        assert_eq!(
            access.expires_at,
            Some(at(3_700)),
            "minutes count from the approval"
        );
        for (now, usable) in [(100, true), (3_699, true), (3_700, false), (1_000_000, false)] {
            assert_eq!(may_use(&access, SAM, at(-5), at(now)).is_ok(), usable, "{now}");
        }
    }

    #[test]
    fn nobody_allows_their_own_request_and_nobody_else_uses_it() {
        let waiting = request(Extent::default());
        assert!(matches!(approved(&waiting, SAM, at(1)), Err(Error::Forbidden(_))));
        assert!(may_use(&waiting, SAM, at(-5), at(1)).is_err(), "not yet");
        let access = approved(&waiting, LOU, at(1)).unwrap();
        assert!(may_use(&access, LOU, at(-5), at(2)).is_err());
        assert!(
            may_use(&access, SAM, at(1), at(2)).is_err(),
            "not who came back later"
        );
    }

    #[test]
    fn a_request_waits_for_three_days() {
        let waiting = request(Extent::default());
        assert!(approved(&waiting, LOU, at(72 * 3_600 - 1)).is_ok());
        assert!(approved(&waiting, LOU, at(72 * 3_600)).is_err());
        assert_eq!(state(&waiting, at(72 * 3_600)), AccessState::Expired);
    }

    #[test]
    fn it_is_for_what_was_asked_and_nothing_else() {
        let (asset, other) = (
            RecordId::new(Kind::Asset, at(0), [1; 10]),
            RecordId::new(Kind::Asset, at(0), [2; 10]),
        );
        let employee = RecordId::new(Kind::Employee, at(0), [1; 10]);
        let all = Extent::default();
        let assets = Extent {
            kinds: Some(BTreeSet::from([Kind::Asset])),
            record: None,
        };
        let one = Extent {
            kinds: None,
            record: Some(asset),
        };
        for (extent, expected) in [
            (&all, [true, true, true]),
            (&assets, [true, true, false]),
            (&one, [true, false, false]),
        ] {
            let found = [asset, other, employee].map(|record| includes(extent, record).is_ok());
            assert_eq!(found, expected, "{extent}");
        }
        assert!(
            includes_kind(&assets, Kind::Asset).is_ok() && includes_kind(&assets, Kind::Employee).is_err()
        );
        assert!(
            includes_kind(&one, Kind::Asset).is_err(),
            "one record is not all of its kind"
        );
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Approve(UserId),
        Refuse(UserId),
        End(UserId),
    }

    fn steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
        let who = prop_oneof![Just(SAM), Just(LOU)];
        let step = prop_oneof![
            who.clone().prop_map(Step::Approve),
            who.clone().prop_map(Step::Refuse),
            who.prop_map(Step::End),
        ];
        prop::collection::vec((step, 0_i64..5_000), 0..6)
    }

    proptest! {
        #[test]
        fn whatever_happens_it_is_used_only_after_somebody_else_said_yes_and_never_after_it_ended(steps in steps()) {
            let (mut access, mut now) = (request(Extent::default()), 0);
            let (mut yes, mut over) = (false, false);
            for (step, later) in steps {
                now += later;
                let next = match step {
                    Step::Approve(by) => approved(&access, by, at(now)),
                    Step::Refuse(by) => refused(&access, by, at(now)),
                    Step::End(by) => ended(&access, by, at(now)),
                };
                if let Ok(next) = next {
                    prop_assert!(!over);
                    yes |= matches!(step, Step::Approve(LOU));
                    over |= matches!(step, Step::Refuse(_) | Step::End(_));
                    access = next;
                }
                if may_use(&access, SAM, at(-1), at(now)).is_ok() {
                    prop_assert!(yes && !over);
                }
            }
        }
    }
}
