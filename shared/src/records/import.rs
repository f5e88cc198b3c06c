//! Import of many records from a CSV file, in one request.
//!
//! An import is named by its idempotency key, and each line's record by the import and the line. Repeating an import
//! that was cut off therefore finds what it had created, and creates the rest. (Jobs for larger files would begin
//! where [`read_lines`](super::csv::read_lines) ends: what follows needs only the lines and the import's row.)

use std::collections::HashMap;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::csv::Line;
use super::model::{Kind, RecordId};
use super::store::{self, New, taken};
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result, Violation};
use crate::ids::{ActorId, ImportId};
use crate::keys::{self, Key, Tenant};
use crate::policy::Class;
use crate::seal::DataKey;
use crate::store::{Commit, Condition, Item, Rejection, Transaction};

/// Lines per transaction: each is a record, an event and up to two guards.
const CHUNK: usize = 24;

/// Transactions at the same time.
const CONCURRENCY: usize = 6;

/// How long a request has its import before a repetition may go on with it: longer than any request runs.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The clear part of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFacts {
    /// What it creates.
    pub kind: Kind,
    /// Who began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<ActorId>,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Whether it is done.
    pub done: bool,
    /// Until when a request works on it; Unix milliseconds.
    pub lease_until: i64,
    /// When it began.
    pub created_at: Timestamp,
}

/// The sealed part of an import: what was wrong. Every line that is not here became a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The numbers of all lines.
    pub lines: Vec<u32>,
    /// The lines that did not become records.
    pub failures: Vec<Failure>,
}

/// A line that did not become a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The number of the line in the file; the header is line 1.
    pub line: u32,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
}

/// An import as it is stored.
pub type Import = Item<ImportReport>;

/// The id of the import that `idempotency_key` names.
///
/// # Errors
/// When the member has no key for content: a defect of the route.
pub fn id(member: &Member, idempotency_key: &str) -> Result<ImportId> {
    let name = format!("{}\n{idempotency_key}", member.permit.actor());
    let tag = member.key(Class::Content)?.mac("import", name.as_bytes());
    let mut bits = [0; 16];
    bits.copy_from_slice(&tag[..16]);
    Ok(ImportId::from_bits(u128::from_be_bytes(bits)))
}

/// The id of the record that a line becomes: in the order of the lines, and the same whenever it is computed.
pub fn record_id(import: ImportId, facts: &ImportFacts, line: u32, data_key: &DataKey) -> RecordId {
    let bits = data_key
        .deterministic_bits("import line", &format!("{import}\n{line}"))
        .to_be_bytes();
    let at = facts
        .created_at
        .saturating_add(SignedDuration::from_millis(i64::from(line / 4_096)))
        .unwrap_or(facts.created_at);
    let order = u16::try_from(line % 4_096).unwrap_or(0).to_be_bytes();
    let mut random = [0; 10];
    random[..2].copy_from_slice(&order);
    random[2..].copy_from_slice(&bits);
    RecordId::new(facts.kind, at, random)
}

/// The key of an import, for the round trip that authenticates.
pub fn key(tenant: Tenant, import: ImportId) -> Key {
    keys::import(tenant, import)
}

/// An import that an authenticated request asked for.
///
/// # Errors
/// [`Error::NotFound`].
pub fn read(member: &Member, import: ImportId) -> Result<Import> {
    let key = key(member.permit.tenant(), import);
    let item = member
        .item(&key)?
        .open::<ImportReport>(member.key(Class::Content)?)?;
    if member
        .permit
        .reach()
        .covers(item.facts.kind, item.facts.created_by)
    {
        Ok(item)
    } else {
        Err(Error::NotFound)
    }
}

async fn find(ctx: &Ctx, member: &Member, import: ImportId) -> Result<Option<Import>> {
    let data_key = member.key(Class::Content)?;
    let raw = ctx.store.get_one(&key(member.permit.tenant(), import)).await?;
    raw.map(|raw| raw.open::<ImportReport>(data_key)).transpose()
}

/// Imports the lines. The same import again gives the same answer; one that was cut off is finished.
///
/// # Errors
/// [`Error::Conflict`] while another request works on it; [`Error::IdempotencyMismatch`] when the key came with
/// another file.
pub async fn run(
    ctx: &Ctx,
    member: &Member,
    import: ImportId,
    kind: Kind,
    body: &[u8],
    lines: Vec<Line>,
) -> Result<Import> {
    store::kind_must_be_reached(&member.permit, kind)?;
    let digest = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body));
    let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
    let mut item = match begin(ctx, member, import, (kind, digest), numbers).await? {
        Begin::Done(item) => return Ok(item),
        Begin::Ours(item) => item,
    };
    let data_key = member.key(Class::Content)?;
    let mut news = Vec::new();
    let mut failures = Vec::new();
    for line in lines {
        match line.fields {
            Ok(fields) => news.push((
                line.number,
                New {
                    id: record_id(import, &item.facts, line.number, data_key),
                    fields,
                },
            )),
            Err(violations) => failures.push(Failure {
                line: line.number,
                violations,
            }),
        }
    }
    let at = item.facts.created_at;
    let mut chunks = Vec::new();
    while !news.is_empty() {
        let rest = news.split_off(news.len().min(CHUNK));
        chunks.push(std::mem::replace(&mut news, rest));
    }
    let mut results = futures::stream::iter(chunks)
        .map(|chunk| create_chunk(ctx, member, data_key, at, chunk))
        .buffer_unordered(CONCURRENCY);
    while let Some(result) = results.next().await {
        failures.append(&mut result?);
    }
    drop(results);
    failures.sort_by_key(|failure| failure.line);
    let before = item.version;
    item.version += 1;
    item.facts.done = true;
    item.facts.lease_until = 0;
    item.payload.failures = failures;
    let mut transaction = Transaction::new();
    transaction.put_sealed_if(
        "import",
        &item,
        data_key,
        ctx.entropy.as_ref(),
        &Condition::version(before),
    )?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(item),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(_)) => find(ctx, member, import).await?.ok_or(Error::NotFound),
    }
}

enum Begin {
    Done(Import),
    Ours(Import),
}

async fn begin(
    ctx: &Ctx,
    member: &Member,
    import: ImportId,
    (kind, digest): (Kind, String),
    lines: Vec<u32>,
) -> Result<Begin> {
    let (now, data_key) = (ctx.now(), member.key(Class::Content)?);
    let key = keys::import(member.permit.tenant(), import);
    let lease_until = now.saturating_add(LEASE).unwrap_or(now).as_millisecond();
    let found = find(ctx, member, import).await?;
    let (mut item, condition) = match found {
        None => {
            let facts = ImportFacts {
                kind,
                created_by: Some(member.permit.actor()),
                digest,
                done: false,
                lease_until,
                created_at: now,
            };
            (
                Item::sealed(
                    key,
                    facts,
                    ImportReport {
                        lines,
                        failures: Vec::new(),
                    },
                ),
                Condition::absent(),
            )
        }
        Some(item) if item.facts.digest != digest || item.facts.kind != kind => {
            return Err(Error::IdempotencyMismatch);
        }
        Some(item) if item.facts.done => return Ok(Begin::Done(item)),
        Some(item) if item.facts.lease_until > now.as_millisecond() => return Err(at_work()),
        Some(mut item) => {
            let condition = Condition::version(item.version);
            item.version += 1;
            (item, condition)
        }
    };
    item.facts.lease_until = lease_until;
    let mut transaction = Transaction::new();
    transaction.put_sealed_if("import", &item, data_key, ctx.entropy.as_ref(), &condition)?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(Begin::Ours(item)),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(_)) => Err(at_work()),
    }
}

fn at_work() -> Error {
    Error::conflict(
        "Idempotency-Key",
        "This import is at work; repeat the request in a minute for its result.",
    )
}

/// Creates the records of a chunk in one transaction. Lines that are refused are taken out, and the rest tried again.
async fn create_chunk(
    ctx: &Ctx,
    member: &Member,
    data_key: &DataKey,
    at: Timestamp,
    mut chunk: Vec<(u32, New)>,
) -> Result<Vec<Failure>> {
    let mut failures = Vec::new();
    while !chunk.is_empty() {
        let mut transaction = Transaction::new();
        let mut owners = Vec::new();
        for (index, (_, new)) in chunk.iter().enumerate() {
            let record = store::first_version(&member.permit, new, at)?;
            store::add_creation(ctx, &mut transaction, &member.permit, data_key, new, &record)?;
            owners.resize(transaction.len(), index);
        }
        let rejections = match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
            Ok(()) => return Ok(failures),
            Err(Commit::Failed(error)) => return Err(error),
            Err(Commit::Rejected(rejections)) => rejections,
        };
        let mut refused: HashMap<usize, Vec<Rejection>> = HashMap::new();
        for rejection in rejections {
            let Some(&owner) = owners.get(rejection.index) else {
                continue;
            };
            refused.entry(owner).or_default().push(rejection);
        }
        if refused.is_empty() {
            return Err(Error::unavailable("a chunk of an import was refused"));
        }
        let mut rest = Vec::new();
        for (index, (line, new)) in chunk.into_iter().enumerate() {
            match refused.get(&index) {
                None => rest.push((line, new)),
                // The record is there: an earlier attempt at this import created it, with everything that belongs to it.
                Some(rejections) if rejections.iter().any(|rejection| rejection.label == "record") => {}
                Some(rejections) => failures.push(Failure {
                    line,
                    violations: violations(rejections, new.id.kind()),
                }),
            }
        }
        chunk = rest;
    }
    Ok(failures)
}

fn violations(rejections: &[Rejection], kind: Kind) -> Vec<Violation> {
    rejections
        .iter()
        .filter_map(|rejection| match taken(rejection, kind) {
            Some(Error::Conflict(violation)) => {
                let pointer = violation.pointer.trim_start_matches("/fields");
                Some(Violation::new(pointer, violation.detail))
            }
            _ => None,
        })
        .collect()
}
