//! Retention rules: an anchor, a floor, a ceiling, and the instants that they give.

use std::fmt;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::period::{Period, Reading, resolve};
use crate::policy::Anchor;

/// How long before a ceiling a unit falls due: one calendar day in the operator's time zone.
///
/// A ceiling ("up to 18 months", TDO-8) is the last moment at which data may exist, so the day absorbs a schedule
/// that was down. A ceiling of a day or less (TRK-5) cannot give a day away: half of its period is the lead there.
pub const LEAD_DAYS: i64 = 1;

/// A retention rule: the event from which it counts, a floor before which nothing is erased ("term + 6 years",
/// OCK-12) and a ceiling after which nothing is left ("up to 18 months", TDO-8). At least one of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    anchor: Anchor,
    not_before: Option<Period>,
    not_after: Option<Period>,
}

/// Why a floor and a ceiling make no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleError {
    /// A rule without floor and ceiling would never erase anything.
    NoBound,
    /// "24 hours" and "one day" differ on two days of the year, so a rule with both bounds counts in one of them.
    MixedUnits,
    /// The ceiling does not come after the floor.
    CeilingBeforeFloor {
        /// An anchor date for which it does not, when one is needed to see it.
        from: Option<Date>,
    },
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBound => f.write_str("neither not_before nor not_after is given"),
            Self::MixedUnits => f.write_str("not_before and not_after mix calendar units with elapsed time"),
            Self::CeilingBeforeFloor { from: None } => {
                f.write_str("the ceiling does not come after the floor")
            }
            Self::CeilingBeforeFloor { from: Some(day) } => {
                write!(
                    f,
                    "the ceiling does not come after the floor, for instance counted from {day}"
                )
            }
        }
    }
}

impl std::error::Error for RuleError {}

/// The instants that a rule gives for one anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The floor: nothing is erased before.
    pub not_before: Option<Timestamp>,
    /// The ceiling: nothing is left at this instant.
    pub not_after: Option<Timestamp>,
    /// When the unit falls due: at the floor, or [`LEAD_DAYS`] before the ceiling, whichever is later.
    pub erase_at: Timestamp,
}

impl Rule {
    /// Builds a rule, or says why the bounds contradict each other.
    pub fn new(
        anchor: Anchor,
        not_before: Option<Period>,
        not_after: Option<Period>,
    ) -> Result<Self, RuleError> {
        match (not_before, not_after) {
            (None, None) => Err(RuleError::NoBound),
            (Some(floor), Some(ceiling)) => {
                compare(floor, ceiling)?;
                Ok(Self {
                    anchor,
                    not_before,
                    not_after,
                })
            }
            _ => Ok(Self {
                anchor,
                not_before,
                not_after,
            }),
        }
    }

    /// The event from which the rule counts.
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// The floor.
    pub fn not_before(&self) -> Option<Period> {
        self.not_before
    }

    /// The ceiling.
    pub fn not_after(&self) -> Option<Period> {
        self.not_after
    }

    /// Floor, ceiling and due instant, counted from `anchor` in the operator's time zone. Where the resulting wall
    /// time is skipped or repeated by a clock change, a floor takes the later and a ceiling the earlier reading.
    pub fn due(&self, anchor: Timestamp, tz: &TimeZone) -> Due {
        let not_before = self
            .not_before
            .map(|period| period.end(anchor, tz, Reading::Later));
        let not_after = self
            .not_after
            .map(|period| period.end(anchor, tz, Reading::Earlier));
        let with_lead = self
            .not_after
            .zip(not_after)
            .map(|(period, ceiling)| lead(period, anchor, ceiling, tz));
        // One bound is always there, see `new`; the anchor only stands in for the type's sake.
        let erase_at = not_before.max(with_lead).unwrap_or(anchor);
        Due {
            not_before,
            not_after,
            erase_at,
        }
    }
}

/// The point before a ceiling at which the unit falls due, never before its anchor.
fn lead(period: Period, anchor: Timestamp, ceiling: Timestamp, tz: &TimeZone) -> Timestamp {
    if period.is_a_day_at_most() {
        let half = ceiling.duration_since(anchor) / 2;
        return anchor.checked_add(half).unwrap_or(anchor);
    }
    let local = tz.to_datetime(ceiling);
    let day_before = local.date().checked_sub(Span::new().days(LEAD_DAYS)).ok();
    let point = day_before.and_then(|day| resolve(tz, day, local.time(), Reading::Earlier));
    point.unwrap_or(anchor).max(anchor)
}

/// Rejects a pair of bounds unless the ceiling comes after the floor from every anchor between 2000 and 2100.
fn compare(floor: Period, ceiling: Period) -> Result<(), RuleError> {
    let plain = |fine: bool| {
        if fine {
            Ok(())
        } else {
            Err(RuleError::CeilingBeforeFloor { from: None })
        }
    };
    match (floor.calendar(), ceiling.calendar()) {
        (None, None) => plain(floor.exact_seconds() < ceiling.exact_seconds()),
        (Some((months, days)), Some((more_months, more_days))) => {
            if days == 0 && more_days == 0 {
                return plain(months < more_months);
            }
            if months == more_months {
                return plain(days < more_days);
            }
            let tie = |day: &Date| floor.end_on(*day) >= ceiling.end_on(*day);
            sample_days().find(tie).map_or(Ok(()), |day| {
                Err(RuleError::CeilingBeforeFloor { from: Some(day) })
            })
        }
        _ => Err(RuleError::MixedUnits),
    }
}

/// Anchor days that show every length a mixture of months and days can have: two leap cycles in which no century
/// year intervenes, and those around 2100, which is no leap year. Both hold 29 February and 31 August.
fn sample_days() -> impl Iterator<Item = Date> {
    let cycle = |start: Date| start.series(Span::new().days(1)).take(8 * 366);
    cycle(date(2023, 1, 1))
        .chain(cycle(date(2000, 1, 1)))
        .chain(cycle(date(2093, 1, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(not_before: Option<&str>, not_after: Option<&str>) -> Result<Rule, RuleError> {
        let read = |text: Option<&str>| text.map(|text| text.parse::<Period>().unwrap());
        Rule::new(Anchor::Cancellation, read(not_before), read(not_after))
    }

    fn floor(period: &str) -> Rule {
        rule(Some(period), None).unwrap()
    }

    fn ceiling(period: &str) -> Rule {
        rule(None, Some(period)).unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn t01_six_years_from_29_february_end_on_28_february() {
        let london = zone("Europe/London");
        let anchor = date(2024, 2, 29)
            .at(0, 0, 0, 0)
            .to_zoned(london.clone())
            .unwrap()
            .timestamp();
        let due = floor("P6Y").due(anchor, &london);
        assert_eq!(due.not_before, Some(at("2030-02-28T00:00:00Z")));
        assert_eq!(
            due.erase_at,
            at("2030-02-28T00:00:00Z"),
            "a floor alone is the due instant"
        );
        assert_eq!(due.not_after, None);
    }

    #[test]
    fn t03_eighteen_months_from_31_august_end_on_29_february() {
        let london = zone("Europe/London");
        let anchor = date(2026, 8, 31)
            .at(9, 30, 0, 0)
            .to_zoned(london.clone())
            .unwrap()
            .timestamp();
        let due = ceiling("P18M").due(anchor, &london);
        assert_eq!(
            due.not_after,
            Some(at("2028-02-29T09:30:00Z")),
            "the same wall time, in winter now"
        );
        assert_eq!(due.erase_at, at("2028-02-28T09:30:00Z"), "a calendar day ahead");
    }

    #[test]
    fn t04_twenty_four_hours_are_elapsed_time_across_a_clock_change() {
        let due = ceiling("PT24H").due(at("2026-03-28T23:30:00Z"), &zone("Europe/London"));
        assert_eq!(due.not_after, Some(at("2026-03-29T23:30:00Z")));
        assert_eq!(
            due.erase_at,
            at("2026-03-29T11:30:00Z"),
            "half of a period that has no day to give away"
        );
    }

    #[test]
    fn a_day_on_the_calendar_is_shorter_than_24_hours_when_clocks_go_forward() {
        let due = ceiling("P1D").due(at("2026-03-28T12:00:00Z"), &zone("Europe/London"));
        assert_eq!(due.not_after, Some(at("2026-03-29T12:00:00+01:00")));
        assert_eq!(due.erase_at, at("2026-03-28T23:30:00Z"));
    }

    #[test]
    fn the_date_is_the_operators_and_not_that_of_utc() {
        let anchor = at("2027-01-31T23:30:00Z");
        let kyiv = floor("P1M").due(anchor, &zone("Europe/Kyiv"));
        assert_eq!(
            kyiv.erase_at,
            at("2027-03-01T01:30:00+02:00"),
            "it was already February in Kyiv"
        );
        let new_york = floor("P1M").due(anchor, &zone("America/New_York"));
        assert_eq!(new_york.erase_at, at("2027-02-28T18:30:00-05:00"));
    }

    #[test]
    fn in_an_hour_that_clocks_skip_a_floor_ends_after_it_and_a_ceiling_before_it() {
        let anchor = at("2025-03-29T01:30:00Z");
        let london = zone("Europe/London");
        let floor = floor("P1Y").due(anchor, &london);
        assert_eq!(
            floor.not_before,
            Some(at("2026-03-29T01:30:00Z")),
            "29 March 2026 01:30 did not exist: 02:30 +01:00"
        );
        let ceiling = ceiling("P1Y").due(anchor, &london);
        assert_eq!(ceiling.not_after, Some(at("2026-03-29T00:30:00Z")));
    }

    #[test]
    fn in_an_hour_that_comes_twice_a_floor_ends_in_the_second_and_a_ceiling_in_the_first() {
        let anchor = at("2025-10-25T00:30:00Z");
        let london = zone("Europe/London");
        let due = floor("P1Y").due(anchor, &london);
        assert_eq!(due.not_before, Some(at("2026-10-25T01:30:00Z")));
        assert_eq!(
            ceiling("P1Y").due(anchor, &london).not_after,
            Some(at("2026-10-25T00:30:00Z"))
        );
    }

    #[test]
    fn with_both_bounds_the_unit_goes_a_day_before_the_ceiling_and_never_before_the_floor() {
        let anchor = at("2026-08-31T00:00:00Z");
        let due = rule(Some("P12M"), Some("P24M"))
            .unwrap()
            .due(anchor, &TimeZone::UTC);
        assert_eq!(due.erase_at, at("2028-08-30T00:00:00Z"));
        let tight = rule(Some("P12M"), Some("P12M1D"))
            .unwrap()
            .due(anchor, &TimeZone::UTC);
        assert_eq!(
            tight.erase_at,
            at("2027-08-31T00:00:00Z"),
            "the floor leaves no full day of lead"
        );
    }

    #[test]
    fn a_rule_that_could_not_be_kept_is_refused() {
        let refused = |floor, ceiling| rule(Some(floor), Some(ceiling)).unwrap_err();
        assert_eq!(rule(None, None), Err(RuleError::NoBound));
        assert_eq!(
            refused("P2Y", "P18M"),
            RuleError::CeilingBeforeFloor { from: None }
        );
        assert_eq!(
            refused("P1Y", "P12M"),
            RuleError::CeilingBeforeFloor { from: None }
        );
        assert_eq!(
            refused("PT2H", "PT120M"),
            RuleError::CeilingBeforeFloor { from: None }
        );
        assert_eq!(refused("PT1H", "P1D"), RuleError::MixedUnits);
        let leap_year_only = RuleError::CeilingBeforeFloor {
            from: Some(date(2023, 3, 1)),
        };
        assert_eq!(refused("P1Y", "P366D"), leap_year_only);
        assert!(rule(Some("P1Y"), Some("P367D")).is_ok());
        let short_february = RuleError::CeilingBeforeFloor {
            from: Some(date(2023, 1, 31)),
        };
        assert_eq!(refused("P28D", "P1M"), short_february);
    }

    #[test]
    fn only_a_century_year_without_leap_day_shows_some_faults() {
        let refused = rule(Some("P1460D"), Some("P4Y")).unwrap_err();
        assert_eq!(
            refused,
            RuleError::CeilingBeforeFloor {
                from: Some(date(2096, 2, 29))
            }
        );
    }

    #[test]
    fn an_anchor_at_the_end_of_time_is_never_due_early_and_does_not_panic() {
        assert_eq!(
            floor("P50Y").due(Timestamp::MAX, &TimeZone::UTC).erase_at,
            Timestamp::MAX
        );
        assert_eq!(
            ceiling("PT24H").due(Timestamp::MAX, &TimeZone::UTC).erase_at,
            Timestamp::MAX
        );
    }

    fn period() -> impl Strategy<Value = Period> {
        let calendar = (0..=8_i64, 0..=20_i64, 0..=3_i64, 0..=400_i64)
            .prop_map(|(y, m, w, d)| format!("P{y}Y{m}M{w}W{d}D"));
        let months = (1..=600_i64).prop_map(|m| format!("P{m}M"));
        let exact = (0..=100_i64, 0..=90_i64, 0..=90_i64).prop_map(|(h, m, s)| format!("PT{h}H{m}M{s}S"));
        prop_oneof![calendar, months, exact].prop_filter_map("no length", |text| text.parse().ok())
    }

    proptest! {
        #[test]
        fn every_accepted_rule_erases_from_the_floor_on_and_before_the_ceiling(
            (not_before, not_after) in (proptest::option::of(period()), proptest::option::of(period())),
            second in 946_684_800_i64..4_133_980_800,
            place in proptest::sample::select(vec![
                "UTC", "Europe/London", "Europe/Kyiv", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
            ]),
        ) {
            if let Ok(rule) = Rule::new(Anchor::Collected, not_before, not_after) {
                let anchor = Timestamp::from_second(second).unwrap();
                let due = rule.due(anchor, &zone(place));
                prop_assert!(due.erase_at >= anchor);
                prop_assert!(due.not_before.is_none_or(|floor| due.erase_at >= floor), "{due:?}");
                prop_assert!(due.not_after.is_none_or(|ceiling| due.erase_at < ceiling), "{due:?}");
            }
        }

        #[test]
        fn bounds_close_to_each_other_are_accepted_only_if_every_anchor_keeps_them(
            months in 1..=120_i64, extra in 0..=3_i64, slack in -4..=4_i64, second in 946_684_800_i64..4_133_980_800,
        ) {
            let days = months * 30_437 / 1000 + slack;
            let texts = [format!("P{months}M{extra}D"), format!("P{days}D")];
            let [calendar, counted] = texts.map(|text| text.parse::<Period>().unwrap());
            for (floor, ceiling) in [(calendar, counted), (counted, calendar)] {
                if let Ok(rule) = Rule::new(Anchor::Collected, Some(floor), Some(ceiling)) {
                    let due = rule.due(Timestamp::from_second(second).unwrap(), &zone("Europe/London"));
                    prop_assert!(due.not_before < due.not_after, "{due:?}");
                    prop_assert!(Some(due.erase_at) < due.not_after, "{due:?}");
                }
            }
        }
    }
}
