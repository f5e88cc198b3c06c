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

/// The machine's date and time.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
