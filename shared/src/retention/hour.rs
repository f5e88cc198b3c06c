//! Hours of UTC, by which due rows are keyed and walked.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// An hour of UTC, written `yyyymmddhh`: the part of a due row's key by which due rows are walked in time order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourBucket(u32);

impl HourBucket {
    /// The bucket of an instant. Anything before 1970 is due anyway and shares the first bucket.
    pub fn of(instant: Timestamp) -> Self {
        Self(u32::try_from(instant.as_second().div_euclid(3600)).unwrap_or(0))
    }

    /// The instant at which the hour starts.
    pub fn start(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.0) * 3600).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for HourBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = TimeZone::UTC.to_datetime(self.start());
        write!(
            f,
            "{:04}{:02}{:02}{:02}",
            utc.year(),
            utc.month(),
            utc.day(),
            utc.hour()
        )
    }
}

/// The text is not an hour such as `2026110109`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourBucketError;

impl fmt::Display for HourBucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an hour of UTC such as 2026110109")
    }
}

impl std::error::Error for HourBucketError {}

impl FromStr for HourBucket {
    type Err = HourBucketError;

    fn from_str(text: &str) -> Result<Self, HourBucketError> {
        let digits = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = text.parse().ok().filter(|_| digits).ok_or(HourBucketError)?;
        let part = |divisor: u64| i8::try_from(number / divisor % 100).map_err(|_| HourBucketError);
        let year = i16::try_from(number / 1_000_000).map_err(|_| HourBucketError)?;
        let day = Date::new(year, part(10_000)?, part(100)?).map_err(|_| HourBucketError)?;
        let hour = Time::new(part(1)?, 0, 0, 0).map_err(|_| HourBucketError)?;
        let instant = TimeZone::UTC
            .to_timestamp(day.to_datetime(hour))
            .map_err(|_| HourBucketError)?;
        let bucket = Self::of(instant);
        if bucket.start() == instant {
            Ok(bucket)
        } else {
            Err(HourBucketError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(instant: &str) -> HourBucket {
        HourBucket::of(instant.parse().unwrap())
    }

    #[test]
    fn a_bucket_is_the_hour_of_utc_and_reads_back() {
        let bucket = hour("2026-11-01T11:59:59.999+02:00");
        assert_eq!(bucket.to_string(), "2026110109");
        assert_eq!("2026110109".parse(), Ok(bucket));
        assert_eq!(bucket.start().to_string(), "2026-11-01T09:00:00Z");
    }

    #[test]
    fn buckets_and_their_texts_have_the_same_order() {
        let (first, next) = (hour("2026-12-31T23:10:00Z"), hour("2027-01-01T00:10:00Z"));
        assert_eq!(next.to_string(), "2027010100");
        assert!(first < next && first.to_string() < next.to_string());
    }

    #[test]
    fn the_ends_of_time_have_buckets_too() {
        assert_eq!(HourBucket::of(Timestamp::MIN).to_string(), "1970010100");
        let last = HourBucket::of(Timestamp::MAX);
        assert_eq!(last.to_string().parse(), Ok(last));
    }

    #[test]
    fn a_text_that_is_no_hour_is_refused() {
        for text in [
            "",
            "20261101",
            "2026110124",
            "2026113109",
            "+026110109",
            "1969123123",
            "20261101090",
        ] {
            assert_eq!(text.parse::<HourBucket>(), Err(HourBucketError), "{text}");
        }
    }
}
