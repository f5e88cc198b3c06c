//! Scheduled tasks: until when they may work.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

/// The instant at which a task stops beginning new work, so that it is never cut off in the middle of a step.
#[derive(Clone)]
pub struct Deadline {
    clock: Arc<dyn Clock>,
    at: Timestamp,
}

impl Deadline {
    /// A deadline `budget` from now.
    pub fn after(clock: Arc<dyn Clock>, budget: SignedDuration) -> Self {
        let at = clock.now().saturating_add(budget).unwrap_or(Timestamp::MAX);
        Self { clock, at }
    }

    /// Whether it is too late to begin anything.
    pub fn has_passed(&self) -> bool {
        self.clock.now() >= self.at
    }

    /// Waits until `instant` if that is before the deadline; says whether it did.
    pub async fn wait_until(&self, instant: Timestamp) -> bool {
        let now = self.clock.now();
        if instant <= now {
            return true;
        }
        if instant >= self.at || !self.clock.runs() {
            return false;
        }
        let wait = Duration::try_from(instant.duration_since(now)).unwrap_or_default();
        tokio::time::sleep(wait).await;
        self.clock.now() >= instant
    }
}
