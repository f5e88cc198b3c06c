//! The sequencer of the ledger: gives entries their index, then publishes tiles and a signed checkpoint.
//!
//! First the order is fixed in the table, then it is published. Publishing is a function of what the table says, so a
//! sequencer that dies anywhere is simply followed by another that writes the same bytes to the same places.

use jiff::{SignedDuration, Timestamp};

use super::model::{LedgerHead, LedgerLeaf, PendingLeaf};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::LedgerEntryId;
use crate::keys;
use crate::ledger::{Published, publish};
use crate::store::{Commit, Condition, Item, Query, Transaction, Update};
use crate::task::Deadline;

/// Entries that get their index in one transaction: each costs a delete and a put, and the head one more.
const BATCH: u32 = 45;

/// The most entries that one publication adds.
const PUBLISHED_AT_ONCE: u64 = 2_048;

/// How long a sequencer has the ledger before another may take it.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct SequenceReport {
    /// Entries that got an index.
    pub sequenced: u64,
    /// The number of entries that the published checkpoint covers.
    pub published: u64,
    /// Whether another sequencer is at work.
    pub busy: bool,
    /// How long the oldest entry that is left has been waiting.
    pub oldest_entry_seconds: i64,
}

/// Sequences and publishes whatever waits.
///
/// # Errors
/// When the store or the bucket does not answer; the next run goes on.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<SequenceReport> {
    let mut report = SequenceReport::default();
    if let Some(published) = up_to_date(ctx).await? {
        report.published = published;
        return Ok(report);
    }
    let Some(mut sequencer) = Sequencer::claim(ctx).await? else {
        report.busy = true;
        report.oldest_entry_seconds = waiting(ctx).await?;
        return Ok(report);
    };
    while !deadline.has_passed() {
        let count = sequencer.sequence().await?;
        report.sequenced += count;
        if count < u64::from(BATCH) {
            break;
        }
    }
    while !deadline.has_passed() && sequencer.publish().await? {}
    report.published = sequencer.head.facts.published_size;
    sequencer.head.facts.lease_until = 0;
    sequencer.save(Transaction::new()).await?;
    report.oldest_entry_seconds = waiting(ctx).await?;
    Ok(report)
}

/// For how many seconds the oldest entry has been waiting; 0 when none does.
async fn waiting(ctx: &Ctx) -> Result<i64> {
    let oldest = ctx.store.query(&Query::new(keys::ledger_pendings(), 1)).await?;
    let entry = oldest
        .items
        .first()
        .and_then(|raw| raw.key.sort().parse::<LedgerEntryId>().ok());
    Ok(entry.map_or(0, |entry| ctx.now().duration_since(entry.created_at()).as_secs()))
}

/// The published size when nothing waits: such a run writes nothing.
async fn up_to_date(ctx: &Ctx) -> Result<Option<u64>> {
    let Some(head) = ctx.store.get_one(&keys::ledger_head()).await? else {
        return Ok(None);
    };
    let head = head.decode::<LedgerHead>()?.facts;
    if head.checkpoint.is_none() || head.published_size < head.size {
        return Ok(None);
    }
    let waiting = ctx.store.query(&Query::new(keys::ledger_pendings(), 1)).await?;
    Ok(waiting.items.is_empty().then_some(head.published_size))
}

struct Sequencer<'a> {
    ctx: &'a Ctx,
    head: Item<LedgerHead>,
}

impl<'a> Sequencer<'a> {
    async fn claim(ctx: &'a Ctx) -> Result<Option<Self>> {
        let key = keys::ledger_head();
        let found = ctx
            .store
            .get_one(&key)
            .await?
            .map(|raw| raw.decode::<LedgerHead>())
            .transpose()?;
        let now = ctx.now();
        if found
            .as_ref()
            .is_some_and(|head| head.facts.lease_until > now.as_millisecond())
        {
            return Ok(None);
        }
        let head = found.unwrap_or(Item {
            key,
            version: 0,
            facts: LedgerHead::default(),
            payload: (),
        });
        let mut sequencer = Self { ctx, head };
        sequencer.head.facts.epoch += 1;
        let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        sequencer.head.facts.lease_until = until.as_millisecond();
        match sequencer.try_save(Transaction::new()).await {
            Ok(()) => Ok(Some(sequencer)),
            Err(Commit::Rejected(_)) => Ok(None),
            Err(Commit::Failed(error)) => Err(error),
        }
    }

    async fn try_save(&mut self, mut transaction: Transaction) -> Result<(), Commit> {
        let before = self.head.version;
        self.head.version += 1;
        let unchanged = if before == 0 {
            Condition::absent()
        } else {
            Condition::version(before)
        };
        transaction
            .put_if("head", &self.head, &unchanged)
            .map_err(Commit::Failed)?;
        self.ctx
            .store
            .commit(transaction, self.ctx.entropy.as_ref())
            .await
    }

    async fn save(&mut self, transaction: Transaction) -> Result<()> {
        self.try_save(transaction).await.map_err(|commit| match commit {
            Commit::Failed(error) => error,
            Commit::Rejected(_) => Error::unavailable("another sequencer took the ledger"),
        })
    }

    /// Gives the waiting entries, in the order of their ids, the next indexes.
    async fn sequence(&mut self) -> Result<u64> {
        let page = self
            .ctx
            .store
            .query(&Query::new(keys::ledger_pendings(), BATCH))
            .await?;
        if page.items.is_empty() {
            return Ok(0);
        }
        let mut transaction = Transaction::new();
        for raw in &page.items {
            let pending = raw.decode::<PendingLeaf>()?.facts;
            let index = self.head.facts.size;
            let leaf = LedgerLeaf {
                index,
                leaf: pending.leaf,
                erasure: pending.erasure,
                receipt: pending.receipt,
            };
            transaction.create("leaf", &Item::plain(keys::ledger_leaf(index), leaf))?;
            transaction.delete_if("pending", &raw.key, &Condition::present());
            self.head.facts.size += 1;
        }
        self.save(transaction).await?;
        Ok(page.items.len() as u64)
    }

    /// Publishes what has an index and is not published; `false` when there is nothing.
    async fn publish(&mut self) -> Result<bool> {
        let head = &self.head.facts;
        if head.published_size == head.size && head.checkpoint.is_some() {
            return Ok(false);
        }
        let previous = match &head.published {
            None => Published::NOTHING,
            Some(json) => {
                serde_json::from_str(json).map_err(|_| Error::internal("the ledger's head is unreadable"))?
            }
        };
        let end = head.size.min(head.published_size + PUBLISHED_AT_ONCE);
        let leaves = self.leaves(previous.first_leaf(), end).await?;
        let bytes: Vec<Vec<u8>> = leaves.iter().map(|leaf| leaf.leaf.clone().into_bytes()).collect();
        let publication = publish(self.ctx.signer().await?, &previous, &bytes)
            .map_err(|error| Error::internal(format!("the ledger does not continue: {error}")))?;
        for object in publication.objects {
            let text = object.path == "checkpoint";
            let content_type = if text {
                "text/plain; charset=utf-8"
            } else {
                "application/octet-stream"
            };
            self.ctx
                .ledger_files()
                .put(&object.path, object.bytes, content_type)
                .await?;
        }
        let new = leaves.iter().filter(|leaf| leaf.index >= head.published_size);
        for (leaf, proof) in new.zip(&publication.proofs) {
            if leaf.receipt {
                let json =
                    serde_json::to_string(proof).map_err(|_| Error::internal("a proof does not encode"))?;
                let mut transaction = Transaction::new();
                let update = Update::new().set_text("proof", json);
                transaction.update("job", &keys::job(leaf.erasure), update, &Condition::present());
                self.ctx
                    .store
                    .commit(transaction, self.ctx.entropy.as_ref())
                    .await?;
            }
        }
        let published = serde_json::to_string(&publication.next)
            .map_err(|_| Error::internal("the head does not encode"))?;
        self.head.facts.published = Some(published);
        self.head.facts.published_size = end;
        self.head.facts.checkpoint = Some(publication.checkpoint);
        self.save(Transaction::new()).await?;
        Ok(true)
    }

    /// The leaves from `start` to before `end`.
    async fn leaves(&self, start: u64, end: u64) -> Result<Vec<LedgerLeaf>> {
        let mut leaves = Vec::new();
        for bundle in start / 256..=end.saturating_sub(1) / 256 {
            for raw in self.ctx.store.query_all(keys::ledger_leaves(bundle)).await? {
                let leaf = raw.decode::<LedgerLeaf>()?.facts;
                if (start..end).contains(&leaf.index) {
                    leaves.push(leaf);
                }
            }
        }
        if leaves.len() as u64 == end - start {
            Ok(leaves)
        } else {
            Err(Error::internal("a ledger entry is missing"))
        }
    }
}
