//! When stored data must go: periods and rules.
//!
//! Everything here is pure: the anchor, the time zone and the present instant come in as arguments. A period that
//! counts in years, months, weeks or days is calendar arithmetic on the operator's local date; a period that counts
//! in hours, minutes or seconds is elapsed time (OCK-12, TDO-8 against TRK-5).

mod hour;
mod period;
mod rule;

pub use self::hour::{HourBucket, HourBucketError};
pub use self::period::{LONGEST_YEARS, Period, PeriodError};
pub use self::rule::{Due, LEAD_DAYS, Rule, RuleError};
pub use crate::policy::Anchor;
