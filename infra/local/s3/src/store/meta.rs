//! The metadata tables and the queries on them.

use std::collections::HashSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::StoreError;
use crate::clock::random;
use crate::record::{Record, Segment};

type Result<T> = std::result::Result<T, StoreError>;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS buckets(
    name TEXT PRIMARY KEY, created INTEGER NOT NULL, versioning INTEGER NOT NULL, object_lock INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS settings(
    bucket TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (bucket, kind)
) STRICT;
CREATE TABLE IF NOT EXISTS versions(
    seq INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, marker INTEGER NOT NULL,
    size INTEGER NOT NULL, modified INTEGER NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS versions_by_id ON versions(bucket, key, id);
CREATE INDEX IF NOT EXISTS versions_by_key ON versions(bucket, key, seq DESC);
CREATE TABLE IF NOT EXISTS uploads(
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL, upload TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS parts(
    upload TEXT NOT NULL, number INTEGER NOT NULL, part TEXT NOT NULL, PRIMARY KEY (upload, number)
) STRICT;
CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO counter VALUES (1, 0);
";

/// Whether a bucket keeps old versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versioning {
    Off,
    Enabled,
    Suspended,
}

/// One bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
    pub(crate) versioning: Versioning,
    pub(crate) object_lock: bool,
}

/// One version of one key, or one delete marker.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Grows with every write; the highest of a key is its current version.
    pub(crate) seq: i64,
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) marker: bool,
    pub(crate) size: u64,
    /// Milliseconds since 1970.
    pub(crate) modified: i64,
    pub(crate) record: Record,
}

/// A transaction in progress and what has to follow its commit.
pub(crate) struct Change<'a> {
    pub(crate) connection: &'a Connection,
    /// Blobs that lost their last reference.
    pub(crate) dead: Vec<String>,
    /// Rows were removed or replaced, so the log has to be emptied.
    pub(crate) scrub: bool,
}

/// Creates the tables and makes deletion overwrite what it deletes.
pub(crate) fn prepare(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection.execute_batch(SCHEMA)?)
}

/// Finds a bucket.
pub(crate) fn bucket(connection: &Connection, name: &str) -> Result<Option<Bucket>> {
    let mut statement = connection.prepare_cached("SELECT * FROM buckets WHERE name = ?")?;
    Ok(statement.query_row([name], read_bucket).optional()?)
}

/// Every bucket, by name.
pub(crate) fn buckets(connection: &Connection) -> Result<Vec<Bucket>> {
    let mut statement = connection.prepare_cached("SELECT * FROM buckets ORDER BY name")?;
    let rows = statement.query_map([], read_bucket)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_bucket(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let versioning = match row.get::<_, i64>("versioning")? {
        1 => Versioning::Enabled,
        2 => Versioning::Suspended,
        _ => Versioning::Off,
    };
    let (name, created, object_lock) = (row.get("name")?, row.get("created")?, row.get("object_lock")?);
    Ok(Bucket {
        name,
        created,
        versioning,
        object_lock,
    })
}

/// Creates a bucket or changes its options.
pub(crate) fn save_bucket(connection: &Connection, bucket: &Bucket) -> Result<()> {
    let sql = "INSERT INTO buckets(name, created, versioning, object_lock) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT(name) DO UPDATE SET versioning = ?3, object_lock = ?4";
    let versioning = bucket.versioning as i64;
    connection.execute(
        sql,
        params![bucket.name, bucket.created, versioning, bucket.object_lock],
    )?;
    Ok(())
}

/// A bucket's configuration document of one kind.
pub(crate) fn setting(connection: &Connection, bucket: &str, kind: &str) -> Result<Option<String>> {
    let sql = "SELECT document FROM settings WHERE bucket = ? AND kind = ?";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([bucket, kind], |row| row.get(0))
        .optional()?)
}

const VERSION: &str = "SELECT seq, key, id, marker, size, modified, record FROM versions";

fn read_version(row: &Row<'_>) -> rusqlite::Result<(Version, String)> {
    let version = Version {
        seq: row.get(0)?,
        key: row.get(1)?,
        id: row.get(2)?,
        marker: row.get(3)?,
        size: row.get::<_, i64>(4)?.unsigned_abs(),
        modified: row.get(5)?,
        record: Record::default(),
    };
    Ok((version, row.get(6)?))
}

fn with_record((version, record): (Version, String)) -> Result<Version> {
    Ok(Version {
        record: serde_json::from_str(&record)?,
        ..version
    })
}

/// The current version of a key, which may be a delete marker.
pub(crate) fn current(connection: &Connection, bucket: &str, key: &str) -> Result<Option<Version>> {
    let sql = format!("{VERSION} WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1");
    let row = connection
        .prepare_cached(&sql)?
        .query_row([bucket, key], read_version)
        .optional()?;
    row.map(with_record).transpose()
}

/// One version of a key by its id.
pub(crate) fn version(connection: &Connection, bucket: &str, key: &str, id: &str) -> Result<Option<Version>> {
    let sql = format!("{VERSION} WHERE bucket = ? AND key = ? AND id = ?");
    let row = connection
        .prepare_cached(&sql)?
        .query_row([bucket, key, id], read_version)
        .optional()?;
    row.map(with_record).transpose()
}

/// Walks versions by key and, within a key, from newest to oldest, beginning after `(after_key, after_seq)` and at
/// `from_key`. The visitor returns whether to go on; records are parsed only when it asks for them.
pub(crate) fn walk<E: From<StoreError>>(
    connection: &Connection,
    bucket: &str,
    from_key: &str,
    after: Option<(&str, i64)>,
    mut visit: impl FnMut(Version, &dyn Fn() -> Result<Record>) -> std::result::Result<bool, E>,
) -> std::result::Result<(), E> {
    let fail = |error: rusqlite::Error| E::from(StoreError::from(error));
    let sql = format!(
        "{VERSION} WHERE bucket = ?1 AND key >= ?2 AND key >= ?3 AND (key > ?3 OR seq < ?4) ORDER BY key, seq DESC"
    );
    let (after_key, after_seq) = after.unwrap_or(("", i64::MAX));
    let mut statement = connection.prepare_cached(&sql).map_err(fail)?;
    let mut rows = statement
        .query(params![bucket, from_key, after_key, after_seq])
        .map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        let (version, record) = read_version(row).map_err(fail)?;
        if !visit(version, &|| Ok(serde_json::from_str(&record)?))? {
            break;
        }
    }
    Ok(())
}

/// The position a version id was given at; `None` for ids this store never made.
pub(crate) fn position_of(id: &str) -> Option<i64> {
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    i64::from_str_radix(id.get(..16)?, 16).ok()
}

/// Every blob that any row refers to.
pub(crate) fn all_blobs(connection: &Connection) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    let mut statement = connection.prepare("SELECT record FROM versions")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record: Record = serde_json::from_str(&row.get::<_, String>(0)?)?;
        found.extend(record.segments.into_iter().map(|segment| segment.blob));
    }
    let mut statement = connection.prepare("SELECT part FROM parts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        #[derive(serde::Deserialize)]
        struct Part {
            segment: Segment,
        }
        found.insert(
            serde_json::from_str::<Part>(&row.get::<_, String>(0)?)?
                .segment
                .blob,
        );
    }
    Ok(found)
}

/// Every row of every table as text.
pub(crate) fn dump(connection: &Connection) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for table in ["buckets", "settings", "versions", "uploads", "parts"] {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            let mut text = Vec::new();
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => {}
                    ValueRef::Integer(value) => text.extend_from_slice(value.to_string().as_bytes()),
                    ValueRef::Real(value) => text.extend_from_slice(value.to_string().as_bytes()),
                    ValueRef::Text(value) | ValueRef::Blob(value) => text.extend_from_slice(value),
                }
                text.push(b'\n');
            }
            found.push((format!("{table}/{number}"), text));
            number += 1;
        }
    }
    Ok(found)
}

impl<'a> Change<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            dead: Vec::new(),
            scrub: false,
        }
    }

    fn execute(&mut self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        Ok(self.connection.prepare_cached(sql)?.execute(values)?)
    }

    /// Adds a version or a delete marker and returns its id. A bucket that does not keep versions has only the
    /// version `null`, which a new one replaces.
    pub(crate) fn insert(&mut self, bucket: &Bucket, version: &Version) -> Result<String> {
        let sql = "UPDATE counter SET last = last + 1 RETURNING last";
        let seq: i64 = self
            .connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?;
        let id = if bucket.versioning == Versioning::Enabled {
            format!("{seq:016x}{}", hex::encode(random::<8>()))
        } else {
            if let Some(replaced) = self::version(self.connection, &bucket.name, &version.key, "null")? {
                self.remove(&replaced)?;
            }
            "null".to_owned()
        };
        let record = serde_json::to_string(&version.record)?;
        let size = i64::try_from(version.size).unwrap_or(i64::MAX);
        self.execute(
            "INSERT INTO versions(seq, bucket, key, id, marker, size, modified, record) VALUES (?,?,?,?,?,?,?,?)",
            params![seq, bucket.name, version.key, id, version.marker, size, version.modified, record],
        )?;
        Ok(id)
    }

    /// Removes a version for good.
    pub(crate) fn remove(&mut self, version: &Version) -> Result<()> {
        self.execute("DELETE FROM versions WHERE seq = ?", [version.seq])?;
        self.dead
            .extend(version.record.segments.iter().map(|segment| segment.blob.clone()));
        self.scrub = true;
        Ok(())
    }

    /// Replaces the record of an existing version.
    pub(crate) fn update(&mut self, version: &Version) -> Result<()> {
        let record = serde_json::to_string(&version.record)?;
        self.execute(
            "UPDATE versions SET record = ? WHERE seq = ?",
            params![record, version.seq],
        )?;
        self.scrub = true;
        Ok(())
    }

    /// Stores or removes a configuration document of a bucket.
    pub(crate) fn set(&mut self, bucket: &str, kind: &str, document: Option<&str>) -> Result<()> {
        self.scrub = true;
        match document {
            Some(document) => {
                let sql = "INSERT OR REPLACE INTO settings(bucket, kind, document) VALUES (?, ?, ?)";
                self.execute(sql, [bucket, kind, document])?;
            }
            None => {
                self.execute(
                    "DELETE FROM settings WHERE bucket = ? AND kind = ?",
                    [bucket, kind],
                )?;
            }
        }
        Ok(())
    }

    /// Removes a bucket that has no versions and no uploads; returns whether it was empty.
    pub(crate) fn remove_bucket(&mut self, name: &str) -> Result<bool> {
        let sql = "SELECT EXISTS(SELECT 1 FROM versions WHERE bucket = ?1)
                       OR EXISTS(SELECT 1 FROM uploads WHERE bucket = ?1)";
        let used: bool = self.connection.query_row(sql, [name], |row| row.get(0))?;
        if !used {
            self.execute("DELETE FROM settings WHERE bucket = ?", [name])?;
            self.execute("DELETE FROM buckets WHERE name = ?", [name])?;
            self.scrub = true;
        }
        Ok(!used)
    }
}
