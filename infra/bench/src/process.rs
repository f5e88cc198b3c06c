//! What a process has used so far, as Linux counts it.

use std::fs;
use std::time::Duration;

use crate::Result;

/// How often a process is looked at until it waits.
const LOOKS: usize = 2_000;

/// What a process has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    /// Time on the processor, of all threads, to the nanosecond.
    pub(crate) cpu: Duration,
    /// Memory that is in the machine's memory, in KB.
    pub(crate) resident: u64,
    /// The most that it ever was.
    pub(crate) peak: u64,
}

/// Waits until a process waits itself, and says what it has used: only then are the kernel's figures whole.
pub(crate) async fn at_rest(id: u32) -> Result<Used> {
    let mut before = cpu(id)?;
    for _ in 0..LOOKS {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = cpu(id)?;
        if now == before {
            return Ok(Used {
                cpu: now,
                resident: kilobytes(id, "smaps_rollup", "Rss:")?,
                peak: kilobytes(id, "status", "VmHWM:")?,
            });
        }
        before = now;
    }
    Err(format!("process {id} never rests"))
}

/// The time that the threads of a process were on the processor. `stat` would count in hundredths of a second.
pub(crate) fn cpu(id: u32) -> Result<Duration> {
    let failed = |error: std::io::Error| format!("process {id} is gone: {error}");
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task")).map_err(failed)? {
        let path = thread.map_err(failed)?.path().join("schedstat");
        // A thread may end while the others are looked at.
        let text = fs::read_to_string(path).unwrap_or_default();
        nanoseconds += text
            .split(' ')
            .next()
            .and_then(|first| first.parse::<u64>().ok())
            .unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The processor time of this process's children that have ended, and of theirs, to the hundredth of a second.
pub(crate) fn of_children() -> Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat").map_err(|error| format!("/proc/self/stat: {error}"))?;
    // The second field, in brackets, may hold spaces; user and system time of children are fields 16 and 17.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let hundredths: u64 = fields
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(hundredths * 10))
}

fn kilobytes(id: u32, file: &str, field: &str) -> Result<u64> {
    let path = format!("/proc/{id}/{file}");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| format!("{path} does not say {field}"))
}
