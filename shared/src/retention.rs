//! When stored data must go: periods, rules, and the decision for one unit.
//!
//! Everything here is pure: the anchor, the time zone and the present instant come in as arguments. A period that
//! counts in years, months, weeks or days is calendar arithmetic on the operator's local date; a period that counts
//! in hours, minutes or seconds is elapsed time (OCK-12, TDO-8 against TRK-5).

mod hour;
mod period;
mod rule;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use self::hour::{HourBucket, HourBucketError};
pub use self::period::{LONGEST_YEARS, Period, PeriodError};
pub use self::rule::{Due, LEAD_DAYS, Rule, RuleError};
pub use crate::policy::Anchor;

/// A legal hold: the items that it covers stay, whatever a rule or a request says, until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The hold's id, which the person concerned is told.
    pub id: String,
    /// When it lapses by itself, if it does.
    pub until: Option<Timestamp>,
}

/// What may happen to a unit now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Too early: the unit stays until this instant at least.
    NotDue {
        /// The earliest instant.
        at: Timestamp,
    },
    /// Erase it.
    Due,
    /// It would be due, and these holds keep it.
    Held {
        /// The ids of the holds in force.
        by: Vec<String>,
    },
}

/// Decides for a unit whose period runs from `anchor`. A hold wins over the ceiling (CTK-6).
pub fn effective(rule: &Rule, anchor: Timestamp, holds: &[Hold], now: Timestamp, tz: &TimeZone) -> Decision {
    decide(Some(rule.due(anchor, tz).erase_at), holds, now)
}

/// Decides for a unit whose erasure somebody asked for: at once, unless a statutory floor or a hold stands against
/// it (CTK-6, OCK-12). The ceiling plays no part, since a request only ever shortens.
pub fn on_request(statutory_floor: Option<Timestamp>, holds: &[Hold], now: Timestamp) -> Decision {
    decide(statutory_floor, holds, now)
}

fn decide(earliest: Option<Timestamp>, holds: &[Hold], now: Timestamp) -> Decision {
    if let Some(at) = earliest.filter(|at| now < *at) {
        return Decision::NotDue { at };
    }
    let in_force = holds
        .iter()
        .filter(|hold| hold.until.is_none_or(|until| now < until));
    let by: Vec<String> = in_force.map(|hold| hold.id.clone()).collect();
    if by.is_empty() {
        Decision::Due
    } else {
        Decision::Held { by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

    fn ceiling(period: &str) -> Rule {
        Rule::new(Anchor::Cancellation, None, Some(period.parse().unwrap())).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_unit_is_due_from_its_instant_on_and_not_before() {
        let (rule, anchor) = (ceiling("P18M"), at("2026-08-31T00:00:00Z"));
        let due = at("2028-02-28T00:00:00Z");
        let decide = |now| effective(&rule, anchor, &[], now, &TimeZone::UTC);
        assert_eq!(decide(due - 1.second()), Decision::NotDue { at: due });
        assert_eq!(decide(due), Decision::Due);
    }

    #[test]
    fn a_hold_in_force_wins_over_the_ceiling_and_a_lapsed_one_does_not() {
        let (rule, anchor) = (ceiling("P18M"), at("2026-08-31T00:00:00Z"));
        let now = at("2030-01-01T00:00:00Z");
        let hold = |id: &str, until: Option<&str>| Hold {
            id: id.to_owned(),
            until: until.map(at),
        };
        let holds = [hold("court", None), hold("old", Some("2029-01-01T00:00:00Z"))];
        let held = Decision::Held {
            by: vec!["court".to_owned()],
        };
        assert_eq!(effective(&rule, anchor, &holds, now, &TimeZone::UTC), held);
        assert_eq!(
            effective(&rule, anchor, &holds[1..], now, &TimeZone::UTC),
            Decision::Due
        );
    }

    #[test]
    fn a_request_is_due_at_once_unless_a_statutory_floor_or_a_hold_stands_against_it() {
        let (now, later) = (at("2026-11-01T00:00:00Z"), at("2032-11-01T00:00:00Z"));
        let hold = Hold {
            id: "court".to_owned(),
            until: None,
        };
        assert_eq!(on_request(None, &[], now), Decision::Due);
        assert_eq!(on_request(Some(later), &[], now), Decision::NotDue { at: later });
        assert_eq!(on_request(Some(later), &[], later), Decision::Due);
        assert_eq!(
            on_request(None, &[hold], now),
            Decision::Held {
                by: vec!["court".to_owned()]
            }
        );
    }
}
