//! Periods of ISO 8601: calendar periods and exact durations.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// The longest period that a manifest can ask for; it keeps every date that we compute inside jiff's range.
pub const LONGEST_YEARS: i64 = 50;

const SECONDS_PER_DAY: i64 = 86_400;

/// A period of ISO 8601: `P6Y`, `P18M`, `P1Y6M` on the calendar, or `PT24H` as elapsed time. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period(Length);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Length {
    Calendar {
        years: i64,
        months: i64,
        weeks: i64,
        days: i64,
    },
    Exact {
        hours: i64,
        minutes: i64,
        seconds: i64,
    },
}

/// Which of two readings to take when a wall time is skipped or repeated by a clock change.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// For floors: never let data go early.
    Later,
    /// For ceilings: never keep data late.
    Earlier,
}

impl Period {
    /// The end of the period on a civil date: the last day of the month where the day does not exist. An exact
    /// duration has no end on a date.
    pub fn end_on(self, start: Date) -> Option<Date> {
        match self.0 {
            Length::Calendar { .. } => start.checked_add(self.span()?).ok(),
            Length::Exact { .. } => None,
        }
    }

    fn span(self) -> Option<Span> {
        match self.0 {
            Length::Calendar {
                years,
                months,
                weeks,
                days,
            } => {
                let span = Span::new().try_years(years).ok()?.try_months(months).ok()?;
                span.try_weeks(weeks).ok()?.try_days(days).ok()
            }
            Length::Exact { .. } => None,
        }
    }

    /// A period that would end beyond the last representable instant ends at that instant.
    pub(super) fn end(self, anchor: Timestamp, tz: &TimeZone, reading: Reading) -> Timestamp {
        let end = match self.0 {
            Length::Exact {
                hours,
                minutes,
                seconds,
            } => anchor
                .checked_add(SignedDuration::from_secs(hours * 3600 + minutes * 60 + seconds))
                .ok(),
            Length::Calendar { .. } => {
                let local = tz.to_datetime(anchor);
                self.end_on(local.date())
                    .and_then(|day| resolve(tz, day, local.time(), reading))
            }
        };
        end.unwrap_or(Timestamp::MAX)
    }

    /// Months and days of a calendar period, `None` for an exact duration.
    pub(super) fn calendar(self) -> Option<(i64, i64)> {
        match self.0 {
            Length::Calendar {
                years,
                months,
                weeks,
                days,
            } => Some((years * 12 + months, weeks * 7 + days)),
            Length::Exact { .. } => None,
        }
    }

    pub(super) fn exact_seconds(self) -> Option<i64> {
        match self.0 {
            Length::Exact {
                hours,
                minutes,
                seconds,
            } => Some(hours * 3600 + minutes * 60 + seconds),
            Length::Calendar { .. } => None,
        }
    }

    pub(super) fn is_a_day_at_most(self) -> bool {
        self.calendar() == Some((0, 1)) || self.exact_seconds().is_some_and(|s| s <= SECONDS_PER_DAY)
    }
}

pub(super) fn resolve(tz: &TimeZone, day: Date, time: Time, reading: Reading) -> Option<Timestamp> {
    let wall = tz.to_ambiguous_timestamp(day.to_datetime(time));
    match reading {
        Reading::Later => wall.later().ok(),
        Reading::Earlier => wall.earlier().ok(),
    }
}

/// Why a text is not a [`Period`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodError {
    text: String,
    why: &'static str,
}

impl fmt::Display for PeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a period such as P6Y, P18M or PT24H: {}",
            self.text, self.why
        )
    }
}

impl std::error::Error for PeriodError {}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        parse(text).map(Self).map_err(|why| PeriodError {
            text: text.to_owned(),
            why,
        })
    }
}

fn parse(text: &str) -> Result<Length, &'static str> {
    let body = text.strip_prefix('P').ok_or("it does not start with P")?;
    if let Some(clock) = body.strip_prefix('T') {
        let [hours, minutes, seconds] = counts(clock, ['H', 'M', 'S'])?;
        let total = hours
            .saturating_mul(60)
            .saturating_add(minutes)
            .saturating_mul(60)
            .saturating_add(seconds);
        check_length(total / SECONDS_PER_DAY, total == 0)?;
        return Ok(Length::Exact {
            hours,
            minutes,
            seconds,
        });
    }
    let [years, months, weeks, days] = counts(body, ['Y', 'M', 'W', 'D'])?;
    let months_in_all = years.saturating_mul(12).saturating_add(months);
    let days_in_all = weeks.saturating_mul(7).saturating_add(days);
    let total = months_in_all.saturating_mul(30).saturating_add(days_in_all);
    check_length(total, total == 0)?;
    Ok(Length::Calendar {
        years,
        months,
        weeks,
        days,
    })
}

fn check_length(days: i64, nothing: bool) -> Result<(), &'static str> {
    if nothing {
        return Err("it has no length");
    }
    if days > LONGEST_YEARS * 12 * 30 {
        Err("it is longer than 50 years")
    } else {
        Ok(())
    }
}

/// Reads whole numbers, each with one of the units, in their order and none twice.
fn counts<const N: usize>(text: &str, units: [char; N]) -> Result<[i64; N], &'static str> {
    let mut counts = [0; N];
    let mut next = 0;
    let mut rest = text;
    while let Some((at, unit)) = rest.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        let unknown = if unit == 'T' {
            "calendar units and clock units do not mix"
        } else {
            "a unit is unknown"
        };
        let place = units.iter().position(|known| *known == unit).ok_or(unknown)?;
        if place < next {
            return Err("its units are out of order or repeated");
        }
        counts[place] = rest[..at]
            .parse()
            .map_err(|_| "a unit has no whole number before it")?;
        next = place + 1;
        rest = &rest[at + unit.len_utf8()..];
    }
    if rest.is_empty() {
        Ok(counts)
    } else {
        Err("a number has no unit after it")
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = match self.0 {
            Length::Calendar {
                years,
                months,
                weeks,
                days,
            } => {
                f.write_str("P")?;
                [(years, "Y"), (months, "M"), (weeks, "W"), (days, "D")]
            }
            Length::Exact {
                hours,
                minutes,
                seconds,
            } => {
                f.write_str("PT")?;
                [(hours, "H"), (minutes, "M"), (seconds, "S"), (0, "")]
            }
        };
        units
            .iter()
            .filter(|(count, _)| *count > 0)
            .try_for_each(|(count, unit)| write!(f, "{count}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_period_is_written_as_it_was_read() {
        for text in [
            "P6Y",
            "P18M",
            "P1Y6M",
            "P2W",
            "P90D",
            "P1Y2M3W4D",
            "PT24H",
            "PT90M",
            "PT1H30M5S",
        ] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_period_is_refused_with_the_reason() {
        let wrong = [
            ("6Y", "it does not start with P"),
            ("P", "it has no length"),
            ("PT", "it has no length"),
            ("P0D", "it has no length"),
            ("P1DT12H", "calendar units and clock units do not mix"),
            ("P6", "a number has no unit after it"),
            ("PY", "a unit has no whole number before it"),
            ("P-6Y", "a unit is unknown"),
            ("P1.5Y", "a unit is unknown"),
            ("p6y", "it does not start with P"),
            ("P6Y6Y", "its units are out of order or repeated"),
            ("P6M1Y", "its units are out of order or repeated"),
            ("PT24D", "a unit is unknown"),
            ("P51Y", "it is longer than 50 years"),
            ("PT999999999H", "it is longer than 50 years"),
            (
                "P9223372036854775807Y9223372036854775807D",
                "it is longer than 50 years",
            ),
            ("P99999999999999999999Y", "a unit has no whole number before it"),
            ("P6é", "a unit is unknown"),
        ];
        for (text, why) in wrong {
            let error = text.parse::<Period>().unwrap_err();
            let expected = format!("`{text}` is not a period such as P6Y, P18M or PT24H: {why}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_calendar_period_ends_on_the_last_day_of_a_month_that_is_too_short() {
        let end = |text: &str, from: Date| text.parse::<Period>().unwrap().end_on(from);
        assert_eq!(end("P1M", date(2027, 1, 31)), Some(date(2027, 2, 28)));
        assert_eq!(end("P1M", date(2028, 1, 31)), Some(date(2028, 2, 29)));
        assert_eq!(end("P1Y", date(2028, 2, 29)), Some(date(2029, 2, 28)));
        assert_eq!(end("P4Y", date(2096, 2, 29)), Some(date(2100, 2, 28)));
        assert_eq!(
            end("P1M1D", date(2027, 1, 31)),
            Some(date(2027, 3, 1)),
            "days count after the month is clamped"
        );
        assert_eq!(end("PT24H", date(2027, 1, 31)), None);
    }
}
