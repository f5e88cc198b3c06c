//! Buckets, versions and bytes: metadata in SQLite, bytes as blobs.

mod blobs;
mod error;
pub(crate) mod meta;

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use bytes::Bytes;
use rusqlite::{Connection, TransactionBehavior};
use s3s::S3Result;

use self::blobs::Blobs;
pub(crate) use self::blobs::Staged;
pub use self::error::StoreError;
use self::meta::{Bucket, Change, Versioning};
use crate::clock::{self, Clock};
use crate::record::Segment;
use crate::sse::CustomerKey;

/// How a bucket behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketOptions {
    /// Every write keeps the versions before it.
    pub versioned: bool,
    /// Versions can be locked against deletion until a date; implies `versioned`.
    pub object_lock: bool,
}

/// Buckets and their objects. Cloning gives another handle to the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: Mutex<Connection>,
    blobs: Arc<Blobs>,
    clock: RwLock<Clock>,
    directory: Option<PathBuf>,
    /// Held for as long as the store is open, so that a second process cannot sweep away our unfinished writes.
    _lock: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("directory", &self.inner.directory)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A store that lives and dies with this process.
    pub fn in_memory() -> Result<Self, StoreError> {
        let database = Connection::open_in_memory()?;
        meta::prepare(&database)?;
        Ok(Self::assemble(database, Blobs::in_memory(), None, None))
    }

    /// Opens the store in `dir`, creating both if needed. Whatever a request was told is stored stays stored, even
    /// when the process is killed; leftovers of unfinished requests are removed here.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(dir)?;
        let lock = File::create(dir.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let database = Connection::open(dir.join("metadata.db"))?;
        // Changes go to a log first, and reach the disk before a request is answered.
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        meta::prepare(&database)?;
        let blobs = Blobs::open(dir)?;
        let known: HashSet<String> = meta::all_blobs(&database)?;
        let swept = blobs.sweep(&known)?;
        if swept > 0 {
            tracing::info!(swept, "removed blobs of unfinished requests");
        }
        let store = Self::assemble(database, blobs, Some(dir.to_owned()), Some(lock));
        store.scrub(&store.database());
        Ok(store)
    }

    fn assemble(database: Connection, blobs: Blobs, directory: Option<PathBuf>, lock: Option<File>) -> Self {
        let inner = Inner {
            database: Mutex::new(database),
            blobs: Arc::new(blobs),
            clock: RwLock::new(clock::system()),
            directory,
            _lock: lock,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Makes sure a bucket exists with at least these options. An existing bucket keeps its objects, and options it
    /// already has are never taken away.
    pub fn create_bucket(&self, name: &str, options: BucketOptions) -> Result<(), StoreError> {
        if !s3s::path::check_bucket_name(name) {
            return Err(StoreError::InvalidBucketName(name.to_owned()));
        }
        let now = self.now();
        let database = self.database();
        let existing = meta::bucket(&database, name)?;
        let versioned = options.versioned || options.object_lock;
        let bucket = Bucket {
            name: name.to_owned(),
            created: existing.as_ref().map_or(now, |bucket| bucket.created),
            versioning: match &existing {
                _ if versioned => Versioning::Enabled,
                Some(bucket) => bucket.versioning,
                None => Versioning::Off,
            },
            object_lock: options.object_lock || existing.is_some_and(|bucket| bucket.object_lock),
        };
        meta::save_bucket(&database, &bucket)
    }

    /// Sets the clock behind `Last-Modified`, Object Lock and lifecycle rules. The expiry of signatures always
    /// follows real time.
    pub fn set_clock(&self, clock: Clock) {
        *self.inner.clock.write().unwrap_or_else(PoisonError::into_inner) = clock;
    }

    /// Everything at rest, as pairs of a name and bytes: every blob as it is stored, every row of metadata written
    /// out as text and, for a store in a directory, every file. Meant for tests that look for traces of a secret.
    #[must_use]
    pub fn raw_bytes(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = self.inner.blobs.dump();
        let rows = meta::dump(&self.database());
        found.extend(
            rows.unwrap_or_else(|error| vec![("unreadable metadata".to_owned(), error.to_string().into())]),
        );
        if let Some(directory) = &self.inner.directory {
            collect_files(directory, directory, &mut found);
        }
        found
    }

    /// Milliseconds since 1970 by the store's clock.
    pub(crate) fn now(&self) -> i64 {
        let clock = Arc::clone(&self.inner.clock.read().unwrap_or_else(PoisonError::into_inner));
        let now: SystemTime = clock();
        clock::to_ms(now)
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // Every change is a transaction, which a panic rolls back, so the connection stays usable after one.
        self.inner.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads metadata.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> S3Result<T>) -> S3Result<T> {
        work(&self.database())
    }

    /// Changes metadata in one transaction; blobs that lost their last reference are removed after the commit.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Change<'_>) -> S3Result<T>) -> S3Result<T> {
        let mut database = self.database();
        let transaction = database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let mut change = Change::new(&transaction);
        let result = work(&mut change)?;
        let Change { dead, scrub, .. } = change;
        transaction.commit().map_err(StoreError::from)?;
        for blob in &dead {
            self.inner.blobs.remove(blob);
        }
        if scrub {
            self.scrub(&database);
        }
        Ok(result)
    }

    /// Moves the log into the database and empties it: deleted rows would otherwise stay readable in the log.
    fn scrub(&self, database: &Connection) {
        if self.inner.directory.is_some()
            && let Err(error) = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the metadata log could not be emptied");
        }
    }

    /// Stores bytes, encrypted if a customer's key is given. Also returns the entity tag, which is the MD5 of what
    /// is stored: of the content only when the content is what is stored.
    pub(crate) fn stage(
        &self,
        plain: Bytes,
        key: Option<&CustomerKey>,
    ) -> S3Result<(Staged, Segment, String)> {
        let size = plain.len() as u64;
        let data = match key {
            Some(key) => Bytes::from(key.seal(&plain)?),
            None => plain,
        };
        let etag = crate::checksum::md5_hex(&data);
        let staged = self.inner.blobs.write(data).map_err(StoreError::from)?;
        let segment = Segment {
            blob: staged.name().to_owned(),
            size,
        };
        Ok((staged, segment, etag))
    }

    /// Reads a range of the bytes that some segments hold together.
    pub(crate) fn fetch(
        &self,
        segments: &[Segment],
        key: Option<&CustomerKey>,
        range: std::ops::Range<u64>,
    ) -> S3Result<Bytes> {
        let mut pieces = Vec::new();
        let mut start = 0;
        for segment in segments {
            let end = start + segment.size;
            let wanted = range.start.max(start)..range.end.min(end);
            if wanted.start < wanted.end {
                pieces.push(self.fetch_segment(segment, key, wanted.start - start..wanted.end - start)?);
            }
            start = end;
        }
        if pieces.len() == 1 {
            return Ok(pieces.remove(0));
        }
        Ok(Bytes::from(pieces.concat()))
    }

    fn fetch_segment(
        &self,
        segment: &Segment,
        key: Option<&CustomerKey>,
        range: std::ops::Range<u64>,
    ) -> S3Result<Bytes> {
        let read = |range| {
            Ok(self
                .inner
                .blobs
                .read(&segment.blob, range)
                .map_err(StoreError::from)?)
        };
        match key {
            Some(key) => Ok(Bytes::from(key.open(segment.size, range, read)?)),
            None => read(range),
        }
    }
}

fn collect_files(root: &Path, dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_files(root, &path, found);
        } else if let Ok(bytes) = fs::read(&path) {
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            found.push((name, bytes));
        }
    }
}
