//! Purge, verify, seal: what is left of shredded units is deleted, looked for once more, and signed off.
//!
//! A worker holds a lease with an epoch. Everything it writes to the job is conditional on its epoch, so a worker
//! that woke up after its lease is fenced off. A page is counted before it is deleted and the count says how far it
//! reaches: whoever dies in between, the next worker deletes the same page and counts nothing twice.

use jiff::{SignedDuration, Timestamp};

use super::engine::add_leaf;
use super::model::{Job, JobState, OpenJob, Purged, Unit, UnitState};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::ErasureId;
use crate::keys::{self, Key, Partition, SHARDS};
use crate::ledger::{ErasedUnit, Leaf, Receipt, unit_commitment};
use crate::store::{Commit, Condition, Index, Item, Query, Transaction};
use crate::stored::{self, Place};
use crate::task::Deadline;

/// The longest that a request can run: API Gateway's limit. What a writer that started before the fence could still
/// write is there after this time.
pub const LONGEST_REQUEST: SignedDuration = SignedDuration::from_secs(30);

/// How long a worker has a job before another may take it.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Items deleted per page.
const PAGE: u32 = 100;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct PurgeReport {
    /// Jobs that were sealed.
    pub sealed: u64,
    /// Jobs that are not done yet.
    pub open: u64,
    /// How long ago the oldest of them began.
    pub oldest_job_seconds: i64,
}

/// Works on every open job until it is sealed or the deadline comes.
///
/// # Errors
/// When the store does not answer; the next run goes on.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<PurgeReport> {
    let mut open = Vec::new();
    for shard in 0..SHARDS {
        for raw in ctx.store.query_all(keys::open_jobs(shard)).await? {
            open.push(raw.decode::<OpenJob>()?.facts);
        }
    }
    let mut report = PurgeReport::default();
    // First whatever can be done at once; a young job must not make the others wait for its writers.
    for patience in [Patience::None, Patience::UntilQuiet] {
        let mut left = Vec::new();
        for job in open {
            // Even to read each of many jobs would take longer than what is left of the function's time.
            if deadline.has_passed() {
                left.push(job);
                continue;
            }
            match work(ctx, job.erasure, deadline, patience).await? {
                JobState::Sealed => report.sealed += 1,
                JobState::Shredded | JobState::Purging | JobState::Verifying => left.push(job),
            }
        }
        open = left;
    }
    report.open = open.len() as u64;
    let oldest = open.iter().map(|job| job.fenced_at).min();
    report.oldest_job_seconds = oldest.map_or(0, |since| ctx.now().duration_since(since).as_secs());
    Ok(report)
}

/// Whether a worker waits for requests that may still be running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It leaves what it would have to wait for to a later run.
    None,
    /// It waits, if the deadline allows.
    UntilQuiet,
}

/// Works on one job until it is sealed or the deadline comes, and says where it stands. A job that another worker has
/// is left alone.
///
/// # Errors
/// When the store does not answer.
pub async fn work(
    ctx: &Ctx,
    erasure: ErasureId,
    deadline: &Deadline,
    patience: Patience,
) -> Result<JobState> {
    let key = keys::job(erasure);
    let job = ctx
        .store
        .get_one(&key)
        .await?
        .ok_or(Error::NotFound)?
        .decode::<Job>()?;
    let state = job.facts.state;
    if state == JobState::Sealed || deadline.has_passed() {
        return Ok(state);
    }
    // A job that only waits for its writers is not worth taking; many of them would keep a run from all others.
    if state == JobState::Verifying && patience == Patience::None && ctx.now() < quiet_at(&job.facts) {
        return Ok(state);
    }
    let Some(mut worker) = Worker::claim(ctx, job, deadline).await? else {
        return Ok(state);
    };
    match worker.advance(patience).await {
        Ok(state) => Ok(state),
        Err(Halt::FencedOff) => Ok(state),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// From when on no request can still be running that began before the fence.
fn quiet_at(job: &Job) -> Timestamp {
    let quiet = job.fenced_at.saturating_add(LONGEST_REQUEST);
    quiet.unwrap_or(Timestamp::MAX)
}

/// Why a worker stops.
enum Halt {
    /// Another worker has the job.
    FencedOff,
    /// A dependency failed.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Worker<'a> {
    ctx: &'a Ctx,
    deadline: &'a Deadline,
    job: Item<Job>,
}

impl<'a> Worker<'a> {
    /// Takes the lease, if it is free.
    async fn claim(ctx: &'a Ctx, job: Item<Job>, deadline: &'a Deadline) -> Result<Option<Self>> {
        let now = ctx.now();
        if job.facts.lease_until > now.as_millisecond() {
            return Ok(None);
        }
        let mut worker = Self { ctx, deadline, job };
        worker.job.facts.epoch += 1;
        match worker.save(Transaction::new()).await {
            Ok(()) => Ok(Some(worker)),
            Err(Halt::FencedOff) => Ok(None),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    /// Writes the job and renews the lease, if nobody else wrote it since.
    async fn save(&mut self, transaction: Transaction) -> Result<(), Halt> {
        let until = self.ctx.now().saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        let done = self.job.facts.state == JobState::Sealed;
        let lease = if done { 0 } else { until.as_millisecond() };
        self.write(transaction, lease).await
    }

    /// Gives the lease back, so that the next run need not wait for its end.
    async fn pause(&mut self) -> Result<JobState, Halt> {
        self.write(Transaction::new(), 0).await?;
        Ok(self.job.facts.state)
    }

    async fn write(&mut self, mut transaction: Transaction, lease_until: i64) -> Result<(), Halt> {
        let (store, entropy) = (&self.ctx.store, self.ctx.entropy.as_ref());
        let before = self.job.version;
        self.job.version += 1;
        self.job.facts.lease_until = lease_until;
        transaction.put_if("job", &self.job, &Condition::version(before))?;
        match store.commit(transaction, entropy).await {
            Ok(()) => Ok(()),
            Err(Commit::Rejected(_)) => Err(Halt::FencedOff),
            Err(Commit::Failed(error)) => Err(error.into()),
        }
    }

    fn places(&self) -> Vec<(usize, Place)> {
        let units = self.job.facts.units.iter().enumerate();
        units
            .flat_map(|(index, purged)| stored::places(purged.unit).into_iter().map(move |p| (index, p)))
            .collect()
    }

    async fn advance(&mut self, patience: Patience) -> Result<JobState, Halt> {
        let places = self.places();
        if matches!(self.job.facts.state, JobState::Shredded | JobState::Purging) {
            self.job.facts.state = JobState::Purging;
            while let Some((unit, place)) = places.get(self.job.facts.cursor as usize) {
                if self.deadline.has_passed() {
                    return self.pause().await;
                }
                if !self.purge_page(*unit, place).await? {
                    self.job.facts.cursor += 1;
                    self.job.facts.counted_to = None;
                }
            }
            self.job.facts.state = JobState::Verifying;
            self.job.facts.purged_at = Some(self.ctx.now());
            self.save(Transaction::new()).await?;
        }
        let quiet = quiet_at(&self.job.facts);
        let is_quiet = match patience {
            Patience::None => self.ctx.now() >= quiet,
            Patience::UntilQuiet => self.deadline.wait_until(quiet).await,
        };
        if !is_quiet {
            return self.pause().await;
        }
        if self.find_leftovers(&places).await? {
            // Something was written after the purge, or the index still lags: the next run looks again.
            return self.pause().await;
        }
        self.seal().await?;
        Ok(JobState::Sealed)
    }

    /// Deletes one page of a place; `false` when there was nothing.
    async fn purge_page(&mut self, unit: usize, place: &Place) -> Result<bool, Halt> {
        match place {
            Place::Partition(partition) => self.purge_items(unit, partition).await,
            Place::Objects(prefix) => self.purge_objects(unit, prefix).await,
            Place::Index(_) => Ok(false),
        }
    }

    async fn purge_items(&mut self, unit: usize, partition: &Partition) -> Result<bool, Halt> {
        let page = self.ctx.store.query(&Query::new(partition.clone(), PAGE)).await?;
        let keys: Vec<Key> = page.items.into_iter().map(|raw| raw.key).collect();
        let Some(last) = keys.last() else {
            return Ok(page.next.is_some());
        };
        let counted = self.job.facts.counted_to.clone().unwrap_or_default();
        let new = keys.iter().filter(|key| key.sort() > counted.as_str()).count();
        if new > 0 {
            self.job.facts.units[unit].items += new as u64;
            self.job.facts.counted_to = Some(last.sort().to_owned());
            self.save(Transaction::new()).await?;
        }
        self.ctx
            .store
            .delete_all(&keys, self.ctx.entropy.as_ref())
            .await?;
        Ok(true)
    }

    async fn purge_objects(&mut self, unit: usize, prefix: &str) -> Result<bool, Halt> {
        let page = self.ctx.files().versions(prefix).await?;
        let Some(last) = page.last() else { return Ok(false) };
        let mark = last.mark();
        let counted = self.job.facts.counted_to.clone().unwrap_or_default();
        let new = page.iter().filter(|version| version.mark() > counted).count();
        if new > 0 {
            self.job.facts.units[unit].object_versions += new as u64;
            self.job.facts.counted_to = Some(mark);
            self.save(Transaction::new()).await?;
        }
        self.ctx.files().delete_versions(&page).await?;
        Ok(true)
    }

    /// Looks everywhere once more, deletes what a late writer left, and says whether there was anything.
    async fn find_leftovers(&mut self, places: &[(usize, Place)]) -> Result<bool, Halt> {
        let mut found = false;
        for (unit, place) in places {
            let late = match place {
                Place::Index(partition) => {
                    let query = Query::new(partition.clone(), 1).index(Index::ByUpdate);
                    !self.ctx.store.query(&query).await?.items.is_empty()
                }
                Place::Partition(_) | Place::Objects(_) => {
                    self.job.facts.counted_to = None;
                    let mut any = false;
                    while self.purge_page(*unit, place).await? {
                        any = true;
                    }
                    any
                }
            };
            found |= late;
        }
        Ok(found)
    }

    async fn seal(&mut self) -> Result<(), Halt> {
        let now = self.ctx.now();
        let receipt = self
            .receipt(now)
            .sign(self.ctx.signer().await?)
            .map_err(unsigned)?;
        let mut transaction = Transaction::new();
        for purged in &self.job.facts.units {
            let row = super::units::read(&self.ctx.store, purged.unit)
                .await?
                .ok_or_else(|| Error::internal("a job without its unit"))?;
            let after = Unit {
                state: UnitState::Sealed,
                ..row.facts.clone()
            };
            super::units::change(&mut transaction, &row, after)?;
        }
        let leaf = Leaf::ErasureReceipt(receipt.clone());
        add_leaf(self.ctx, &mut transaction, &leaf, self.job.facts.erasure, true)?;
        transaction.delete("open job", &keys::open_job(self.job.facts.erasure));
        self.job.facts.state = JobState::Sealed;
        self.job.facts.counted_to = None;
        self.job.facts.receipt = Some(serde_json::to_string(&receipt).map_err(unsigned)?);
        self.save(transaction).await
    }

    fn receipt(&self, now: Timestamp) -> Receipt {
        let job = &self.job.facts;
        Receipt {
            version: crate::ledger::leaf::Version1,
            kind: crate::ledger::receipt::ReceiptKind::ErasureReceipt,
            erasure_id: job.erasure.to_string(),
            operator: self.ctx.config.profile.to_string(),
            policy_version: job.policy_version.clone(),
            trigger: job.trigger,
            units: job.units.iter().map(erased).collect(),
            fenced_at: job.fenced_at,
            purged_at: job.purged_at.unwrap_or(now),
            verified_at: now,
        }
    }
}

fn erased(purged: &Purged) -> ErasedUnit {
    ErasedUnit {
        commitment: unit_commitment(&purged.unit.to_string()),
        class: purged.unit.class().to_string(),
        items_deleted: purged.items,
        object_versions_deleted: purged.object_versions,
    }
}

fn unsigned(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a receipt: {error}"))
}
