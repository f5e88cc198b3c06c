//! Time on this machine: it can be moved ahead and never back, and stays moved over a restart.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};
use shared::clock::{Clock, ManualClock, ShiftedClock};

use crate::error::DataDirectoryError;

const VERSION: u32 = 1;

/// Which clock the functions see.
#[derive(Debug, Clone)]
pub enum Clocks {
    /// One that stands still until a test moves it.
    Manual(Arc<ManualClock>),
    /// The machine's, moved ahead by as much as was asked for so far.
    Shifted,
}

/// Why the clock was not moved.
#[derive(Debug)]
pub enum ClockError {
    /// The instant is in the past.
    Backwards {
        /// What time it is.
        now: Timestamp,
        /// Where the clock was to go.
        to: Timestamp,
    },
    /// The instant is beyond what can be represented.
    OutOfRange,
    /// The new offset could not be written down, so a restart would turn time back.
    NotSaved(io::Error),
}

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backwards { now, to } => write!(
                f,
                "The clock only goes forward: it is {now}, and {to} is before that. What was stored was decided on \
                 at its time; start with another data directory to begin again."
            ),
            Self::OutOfRange => f.write_str("That instant is too far away."),
            Self::NotSaved(error) => write!(f, "The new time could not be written down: {error}."),
        }
    }
}

impl std::error::Error for ClockError {}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    offset_ms: i64,
}

/// The clock and where its offset is kept.
pub(crate) struct Time {
    source: Source,
    file: Option<PathBuf>,
}

enum Source {
    Manual(Arc<ManualClock>),
    Shifted(Arc<ShiftedClock>),
}

impl Time {
    pub(crate) fn open(clocks: Clocks, directory: Option<&Path>) -> Result<Self, DataDirectoryError> {
        if let Clocks::Manual(clock) = clocks {
            return Ok(Self {
                source: Source::Manual(clock),
                file: None,
            });
        }
        let file = directory.map(|directory| directory.join("clock.json"));
        let offset = file.as_deref().map_or(Ok(SignedDuration::ZERO), read)?;
        Ok(Self {
            source: Source::Shifted(Arc::new(ShiftedClock::new(offset))),
            file,
        })
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match &self.source {
            Source::Manual(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            Source::Shifted(clock) => Arc::clone(clock) as Arc<dyn Clock>,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match &self.source {
            Source::Manual(clock) => clock.now(),
            Source::Shifted(clock) => clock.now(),
        }
    }

    /// How far the clock runs ahead of the machine's; a clock that stands still has no such distance.
    pub(crate) fn offset(&self) -> SignedDuration {
        match &self.source {
            Source::Manual(_) => SignedDuration::ZERO,
            Source::Shifted(clock) => clock.offset(),
        }
    }

    /// Moves the clock. The offset is on disk before anybody sees the new time.
    pub(crate) fn move_to(&self, to: Timestamp) -> Result<(), ClockError> {
        let now = self.now();
        if to < now {
            return Err(ClockError::Backwards { now, to });
        }
        match &self.source {
            Source::Manual(clock) => clock.set(to),
            Source::Shifted(clock) => {
                let offset = clock.offset() + to.duration_since(now);
                if let Some(file) = &self.file {
                    write(file, offset).map_err(ClockError::NotSaved)?;
                }
                clock.set_offset(offset);
            }
        }
        Ok(())
    }
}

/// The instant that is a span after another, on the calendar of a time zone.
pub(crate) fn after(now: Timestamp, span: Span, zone: &TimeZone) -> Result<Timestamp, ClockError> {
    let ahead = now.to_zoned(zone.clone()).checked_add(span);
    ahead
        .map(|zoned| zoned.timestamp())
        .map_err(|_| ClockError::OutOfRange)
}

fn read(file: &Path) -> Result<SignedDuration, DataDirectoryError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SignedDuration::ZERO),
        Err(error) => return Err(error.into()),
    };
    let damaged =
        |error| DataDirectoryError::Damaged(format!("{} is not readable: {error}.", file.display()));
    let saved: Saved = serde_json::from_slice(&bytes).map_err(damaged)?;
    if saved.version > VERSION {
        return Err(DataDirectoryError::Newer {
            found: saved.version,
            known: VERSION,
        });
    }
    Ok(SignedDuration::from_millis(saved.offset_ms))
}

fn write(file: &Path, offset: SignedDuration) -> io::Result<()> {
    let offset_ms = i64::try_from(offset.as_millis()).map_err(io::Error::other)?;
    replace(
        file,
        &serde_json::to_vec_pretty(&Saved {
            version: VERSION,
            offset_ms,
        })?,
    )
}

/// Writes a file so that after a kill there is the old one or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_those_of_the_calendar_and_of_the_operators_time_zone() {
        let london = TimeZone::get("Europe/London").unwrap();
        let month: Span = "P1M".parse().unwrap();
        // The night of 25 October 2026 has an hour more.
        assert_eq!(
            after(at("2026-09-30T11:00:00Z"), month, &london).unwrap(),
            at("2026-10-30T12:00:00Z")
        );
        assert_eq!(
            after(at("2027-01-31T12:00:00Z"), month, &london).unwrap(),
            at("2027-02-28T12:00:00Z")
        );
        let far: Span = "P9000Y".parse().unwrap();
        assert!(matches!(
            after(at("2026-09-30T11:00:00Z"), far, &london),
            Err(ClockError::OutOfRange)
        ));
    }

    #[test]
    fn the_clock_never_goes_back() {
        let clock = Arc::new(ManualClock::new(at("2026-01-01T00:00:00Z")));
        let time = Time::open(Clocks::Manual(Arc::clone(&clock)), None).unwrap();
        time.move_to(at("2026-01-02T00:00:00Z")).unwrap();
        let error = time.move_to(at("2026-01-01T23:59:59Z")).unwrap_err().to_string();
        assert!(error.contains("only goes forward"), "{error}");
        assert_eq!(clock.now(), at("2026-01-02T00:00:00Z"));
    }

    #[test]
    fn the_offset_outlives_a_restart_and_a_newer_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Time::open(Clocks::Shifted, Some(directory.path()));
        let first = open().unwrap();
        first
            .move_to(first.now() + SignedDuration::from_hours(1000))
            .unwrap();
        assert_eq!(open().unwrap().offset(), first.offset());
        assert!(first.offset() >= SignedDuration::from_hours(1000));
        std::fs::write(
            directory.path().join("clock.json"),
            r#"{"version":9,"offset_ms":0}"#,
        )
        .unwrap();
        assert!(matches!(
            open(),
            Err(DataDirectoryError::Newer { found: 9, known: 1 })
        ));
    }
}
