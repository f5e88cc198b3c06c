//! The daily audit of the ledger: everything that was published is read again and held against its signed head.
//!
//! Object Lock keeps what is in the bucket from being deleted or overwritten. What it cannot show is that the bucket
//! holds what was signed; this does.

use futures::future::try_join;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::receipts;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ledger::tile::{WIDTH, bundle_path, tile_path};
use crate::ledger::{Audit, Checkpoint, VerifierKey, checkpoint};
use crate::task::Deadline;

/// Bundles that are on their way at a time: a run of a minute then reads millions of entries.
const AT_ONCE: usize = 16;

/// What a run found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct AuditReport {
    /// Entries that were read and are what was signed.
    pub entries: u64,
    /// 1 when something is missing or is not what was signed; the log says what.
    pub failures: u64,
    /// Whether the deadline came before the end.
    pub unfinished: bool,
}

/// Reads the published ledger from its first entry to its last.
///
/// # Errors
/// When the store or the bucket does not answer. That the ledger is wrong is a report, not an error: to repeat the
/// run would not mend it.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<AuditReport> {
    let mut report = AuditReport::default();
    match audit(ctx, deadline, &mut report).await {
        Ok(()) => {}
        Err(Halt::Wrong(what)) => {
            tracing::error!(%what, "the ledger is not what was signed");
            report.failures = 1;
        }
        Err(Halt::Failed(error)) => return Err(error),
    }
    Ok(report)
}

/// Why an audit ends before the end of the ledger.
enum Halt {
    /// The ledger is wrong.
    Wrong(String),
    /// A dependency failed.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn wrong(what: impl ToString) -> Halt {
    Halt::Wrong(what.to_string())
}

async fn audit(ctx: &Ctx, deadline: &Deadline, report: &mut AuditReport) -> Result<(), Halt> {
    let key = VerifierKey::parse(&ctx.config.ledger_verifier_key)
        .map_err(|_| Error::internal("LEDGER_VERIFIER_KEY is not a key"))?;
    // The table's checkpoint is read first: the sequencer writes it last, so the bucket's may be newer but not older.
    let (size, stored) = receipts::checkpoint(ctx).await?;
    let Some(stored) = stored else {
        return Ok(());
    };
    let stored = Checkpoint::open(&stored, &key).map_err(wrong)?;
    let published = object(ctx, checkpoint::PATH).await?;
    let published = String::from_utf8(published).map_err(wrong)?;
    let published = Checkpoint::open(&published, &key).map_err(wrong)?;
    if stored.size != size || published.size < size {
        return Err(wrong("the published checkpoint is older than the stored one"));
    }
    let size = published.size;
    let mut audit = Audit::against(vec![stored, published]).map_err(wrong)?;
    let mut bundles = stream::iter(0..size.div_ceil(WIDTH))
        .map(|index| bundle(ctx, index, WIDTH.min(size - index * WIDTH)))
        .buffered(AT_ONCE);
    while let Some((path, width, (entries, tile))) = bundles.try_next().await? {
        if deadline.has_passed() {
            report.unfinished = true;
            return Ok(());
        }
        let read = audit.read(width, &entries, &tile, &key);
        read.map_err(|error| wrong(format!("{path}: {error}")))?;
        report.entries = audit.size();
    }
    Ok(())
}

/// A bundle of entries and the tile of their hashes.
async fn bundle(ctx: &Ctx, index: u64, width: u64) -> Result<(String, u64, (Vec<u8>, Vec<u8>)), Halt> {
    let (bundle, tile) = (bundle_path(index, width), tile_path(0, index, width));
    let read = try_join(object(ctx, &bundle), object(ctx, &tile)).await?;
    Ok((bundle, width, read))
}

async fn object(ctx: &Ctx, path: &str) -> Result<Vec<u8>, Halt> {
    let found = ctx.ledger_files().get(path).await?;
    found.ok_or_else(|| wrong(format!("{path} is missing")))
}
