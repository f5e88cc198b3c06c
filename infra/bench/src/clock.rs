//! The machine's own time: how long something took, and on which day it was measured. The stacks have their own clocks.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use shared::clock::{Clock as _, SystemClock};

/// When something began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement needs the machine's own time"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago that was.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// How much later another began.
    pub(crate) fn until(self, later: Self) -> Duration {
        later.0.saturating_duration_since(self.0)
    }
}

/// How long this process has worked so far, on all cores; only Linux tells, in hundredths of a second.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may hold anything, and ends with the last bracket; twelve fields on is the time in user mode.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The machine's date and time.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
