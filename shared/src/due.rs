//! What is due: rows in partitions of `control`, in the order of the hour in which something is to be done.
//!
//! Who does it deletes the row in the same transaction. So the head of a partition is the oldest work left, a run with
//! nothing due reads nothing, and two runs at one moment do it once.

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::keys::{Partition, SHARDS};
use crate::retention::HourBucket;
use crate::store::{After, Query, Raw};
use crate::task::Deadline;

/// Rows read at a time. Each has calls of its own behind it, so longer pages would save next to nothing.
const PAGE: u32 = 10;

/// A run over what is due in the current hour and in those before.
pub(crate) struct Run {
    partition: fn(u8) -> Partition,
    shard: u8,
    page: std::vec::IntoIter<Raw>,
    after: Option<After>,
    begun: bool,
    /// Rows that could not be dealt with, for a defect; they are tried again.
    pub(crate) failed: u64,
    /// Whether the deadline came before the end.
    pub(crate) unfinished: bool,
}

impl Run {
    /// A run over the shards of `partition`.
    pub(crate) fn over(partition: fn(u8) -> Partition) -> Self {
        Self {
            partition,
            shard: 0,
            page: Vec::new().into_iter(),
            after: None,
            begun: false,
            failed: 0,
            unfinished: false,
        }
    }

    /// The next row; `None` at the end and after the deadline.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn next(&mut self, ctx: &Ctx, deadline: &Deadline) -> Result<Option<Raw>> {
        loop {
            if let Some(row) = self.page.next() {
                self.unfinished = deadline.has_passed();
                return Ok(Some(row).filter(|_| !self.unfinished));
            }
            if self.begun && self.after.is_none() {
                (self.shard, self.begun) = (self.shard + 1, false);
            }
            if self.shard == SHARDS {
                return Ok(None);
            }
            // `~` sorts behind every id, so the current hour's rows are all within.
            let until = format!("{}~", HourBucket::of(ctx.now()));
            let query = Query::new((self.partition)(self.shard), PAGE).until(until);
            let page = ctx.store.query(&query.after(self.after.take())).await?;
            self.page = page.items.into_iter();
            (self.after, self.begun) = (page.next, true);
        }
    }

    /// Takes what came of a row. A defect in one must not keep those behind it waiting.
    ///
    /// # Errors
    /// Every other error.
    pub(crate) fn take(&mut self, row: &Raw, done: Result<()>) -> Result<()> {
        match done {
            Err(Error::Internal(cause)) => {
                tracing::error!(%cause, row = row.key.sort(), "what is due was not done");
                self.failed += 1;
                Ok(())
            }
            other => other,
        }
    }
}
