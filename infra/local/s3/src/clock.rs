//! Time and randomness, the two inputs of a store that are not requests.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3s::dto::{Timestamp, TimestampFormat};

/// Tells a store what time it is.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Milliseconds in one day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The machine's own clock, used until another one is set.
#[expect(
    clippy::disallowed_methods,
    reason = "a store without a set clock follows real time"
)]
pub(crate) fn system() -> Clock {
    Arc::new(SystemTime::now)
}

/// Fills an array with bytes nobody can predict.
#[expect(
    clippy::disallowed_methods,
    reason = "names, version ids and salts only have to be unpredictable"
)]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The library reports an error only when the operating system has no randomness at all, and then no name,
    // salt or version id could be trusted: there is nothing sensible to fall back to.
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system supplies randomness");
    bytes
}

/// Milliseconds since 1970 of a moment; earlier moments count as 1970.
pub(crate) fn to_ms(time: SystemTime) -> i64 {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// The wire form of a moment given in milliseconds since 1970.
pub(crate) fn wire(ms: i64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

/// Milliseconds since 1970 of a moment in wire form.
pub(crate) fn from_wire(timestamp: &Timestamp) -> i64 {
    let mut text = Vec::new();
    let written = timestamp.format(TimestampFormat::DateTime, &mut text);
    let parsed = written
        .ok()
        .and_then(|()| std::str::from_utf8(&text).ok()?.parse::<jiff::Timestamp>().ok());
    parsed.map_or(0, jiff::Timestamp::as_millisecond)
}

/// The HTTP date of a moment given in milliseconds since 1970.
pub(crate) fn http_date(ms: i64) -> String {
    let mut text = Vec::new();
    let written = wire(ms).format(TimestampFormat::HttpDate, &mut text);
    written
        .ok()
        .and_then(|()| String::from_utf8(text).ok())
        .unwrap_or_default()
}
