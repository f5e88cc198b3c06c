//! Bytes under random names: in memory, or as files of one directory.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::clock::random;

/// Where blobs are kept.
pub(crate) enum Blobs {
    /// In this process only.
    Memory(Mutex<HashMap<String, Bytes>>),
    /// As files; `blobs` holds finished ones and `incoming` those being written.
    Directory { blobs: PathBuf, incoming: PathBuf },
}

/// A blob that is removed again unless its metadata gets committed.
pub(crate) struct Staged {
    blobs: Arc<Blobs>,
    name: String,
    kept: bool,
}

impl Staged {
    /// The blob's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Leaves the blob in place: something committed refers to it.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept {
            self.blobs.remove(&self.name);
        }
    }
}

impl Blobs {
    pub(crate) fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// Opens the blob directories under `dir`, forgetting writes that were interrupted.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let (blobs, incoming) = (dir.join("blobs"), dir.join("incoming"));
        if incoming.exists() {
            fs::remove_dir_all(&incoming)?;
        }
        fs::create_dir_all(&incoming)?;
        fs::create_dir_all(&blobs)?;
        Ok(Self::Directory { blobs, incoming })
    }

    fn table(map: &Mutex<HashMap<String, Bytes>>) -> MutexGuard<'_, HashMap<String, Bytes>> {
        // Every change of the map is one call, so a panic elsewhere cannot leave it half changed.
        map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores bytes durably under a new name.
    pub(crate) fn write(self: &Arc<Self>, data: Bytes) -> io::Result<Staged> {
        let name = hex::encode(random::<16>());
        match &**self {
            Self::Memory(map) => {
                Self::table(map).insert(name.clone(), data);
            }
            Self::Directory { blobs, incoming } => {
                let temporary = incoming.join(&name);
                let mut file = File::create_new(&temporary)?;
                file.write_all(&data)?;
                file.sync_all()?;
                fs::rename(&temporary, blobs.join(&name))?;
                // The new name itself has to reach the disk before metadata refers to it.
                File::open(blobs)?.sync_all()?;
            }
        }
        Ok(Staged {
            blobs: Arc::clone(self),
            name,
            kept: false,
        })
    }

    /// Reads a range of a blob.
    pub(crate) fn read(&self, name: &str, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Memory(map) => {
                let data = Self::table(map)
                    .get(name)
                    .cloned()
                    .ok_or(io::ErrorKind::NotFound)?;
                let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                };
                if start > end || end > data.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(data.slice(start..end))
            }
            Self::Directory { blobs, .. } => {
                let mut file = File::open(blobs.join(name))?;
                file.seek(SeekFrom::Start(range.start))?;
                let mut data = Vec::new();
                let wanted = range.end.saturating_sub(range.start);
                file.take(wanted).read_to_end(&mut data)?;
                if (data.len() as u64) < wanted {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(Bytes::from(data))
            }
        }
    }

    /// Removes a blob nothing refers to any more.
    pub(crate) fn remove(&self, name: &str) {
        match self {
            Self::Memory(map) => {
                Self::table(map).remove(name);
            }
            Self::Directory { blobs, .. } => {
                if let Err(error) = fs::remove_file(blobs.join(name)) {
                    // The metadata is gone already; the next opening sweeps the file up.
                    tracing::warn!(%error, blob = name, "a blob could not be removed");
                }
            }
        }
    }

    /// Removes every blob that is not in `known`; returns how many there were.
    pub(crate) fn sweep(&self, known: &HashSet<String>) -> io::Result<usize> {
        let orphans: Vec<String> = self
            .names()?
            .into_iter()
            .filter(|name| !known.contains(name))
            .collect();
        for name in &orphans {
            self.remove(name);
        }
        Ok(orphans.len())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        match self {
            Self::Memory(map) => Ok(Self::table(map).keys().cloned().collect()),
            Self::Directory { blobs, .. } => fs::read_dir(blobs)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect(),
        }
    }

    /// Every blob's stored bytes.
    pub(crate) fn dump(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Memory(map) => Self::table(map)
                .iter()
                .map(|(name, data)| (format!("blobs/{name}"), data.to_vec()))
                .collect(),
            Self::Directory { .. } => Vec::new(),
        }
    }
}
