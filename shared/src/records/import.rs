//! Import of many records from a CSV file, in one request.
//!
//! An import is named by its idempotency key, and each line's record by the import and the line. Repeating an import
//! that was cut off therefore finds what it had created, and creates the rest. (Jobs for larger files would begin
//! where [`read_lines`] ends: what follows needs only the lines and the import's row.)

use std::collections::{HashMap, HashSet};

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::model::{Fields, Kind, RecordId};
use super::rules;
use super::store::{self, New, taken};
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result, Violation, Violations};
use crate::ids::ImportId;
use crate::keys;
use crate::policy::Class;
use crate::seal::DataKey;
use crate::store::{Commit, Condition, Item, Rejection, Transaction};

/// The most lines of one import.
pub const MAX_LINES: usize = 5_000;

/// The most lines that may be wrong before the whole file is refused: its columns are probably mixed up.
pub const MAX_FAILURES: usize = 1_000;

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

/// A line of the file.
#[derive(Debug)]
pub struct Line {
    /// Its number in the file; the header is line 1.
    pub number: u32,
    /// Its fields, or what is wrong with them.
    pub fields: Result<Fields, Vec<Violation>>,
}

/// Reads a CSV file (RFC 4180, UTF-8) whose header names fields; `purchase_cost.amount` names a member of one. Empty
/// cells are absent fields.
///
/// # Errors
/// [`Error::Invalid`] when the file as a whole cannot be imported.
pub fn read_lines(kind: Kind, body: &[u8]) -> Result<Vec<Line>> {
    let whole = |detail: &str| Error::invalid("", detail);
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| whole("The file must be UTF-8."))?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|_| whole("The file has no readable header line."))?
        .clone();
    if header.iter().all(str::is_empty) {
        return Err(whole("The file has no readable header line."));
    }
    check_header(kind, &header)?;
    let mut numbers = Numbers::new(text);
    let mut lines = Vec::new();
    let mut seen: HashMap<(&'static str, String), u32> = HashMap::new();
    for row in reader.records() {
        let row = row.map_err(|error| {
            whole(&format!(
                "The file cannot be read behind line {}.",
                line_of(&error)
            ))
        })?;
        let number = numbers.line_at(row.position());
        if lines.len() == MAX_LINES {
            return Err(whole(&format!("A file has at most {MAX_LINES} lines; split it.")));
        }
        let fields = read_line(kind, &header, &row).and_then(|fields| unseen(fields, number, &mut seen));
        lines.push(Line { number, fields });
    }
    let failures: Vec<_> = lines
        .iter()
        .filter_map(|line| Some((line.number, line.fields.as_ref().err()?)))
        .collect();
    if failures.len() > MAX_FAILURES {
        let shown = failures.iter().take(50).flat_map(|(number, violations)| {
            violations.iter().map(move |violation| {
                Violation::new(format!("/{number}{}", violation.pointer), &violation.detail)
            })
        });
        return Err(Error::Invalid(shown.collect()));
    }
    Ok(lines)
}

/// Counts lines. The reader's own count stands before the line break that ends the row before, and is one less behind
/// each CR LF.
struct Numbers<'a> {
    text: &'a [u8],
    counted: usize,
    line: u32,
}

impl<'a> Numbers<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    /// The line on which the row begins whose position the reader gave.
    fn line_at(&mut self, position: Option<&csv::Position>) -> u32 {
        let behind = position.map_or(0, |position| {
            usize::try_from(position.byte()).unwrap_or(usize::MAX)
        });
        while let Some(&byte) = self.text.get(self.counted) {
            if self.counted >= behind && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => self.text.get(self.counted + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u32::from(ends_line);
            self.counted += 1;
        }
        self.line
    }
}

fn line_of(error: &csv::Error) -> u64 {
    error.position().map_or(0, csv::Position::line)
}

/// Every column must name a field, once: a misspelt column would silently lose a field in every line.
fn check_header(kind: Kind, header: &csv::StringRecord) -> Result<()> {
    let mut violations = Violations::default();
    let mut seen = HashSet::new();
    let probe = |name: &str| {
        let mut object = Map::new();
        insert(&mut object, name, Value::Null);
        match Fields::parse(kind, Value::Object(object), "") {
            Err(Error::Invalid(found)) => found
                .into_iter()
                .find(|violation| violation.detail.contains("not a known field")),
            _ => None,
        }
    };
    for (index, name) in header.iter().enumerate() {
        if !seen.insert(name) {
            violations.push(
                format!("/1/{index}"),
                format!("The column {} stands twice.", crate::text::shown(name)),
            );
        } else if let Some(violation) = probe(name) {
            violations.push(format!("/1/{index}"), violation.detail);
        }
    }
    violations.into_result()
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some((outer, inner)) => {
            if let Value::Object(nested) = object.entry(outer).or_insert_with(|| Value::Object(Map::new())) {
                nested.insert(inner.to_owned(), value);
            }
        }
    }
}

fn read_line(
    kind: Kind,
    header: &csv::StringRecord,
    row: &csv::StringRecord,
) -> Result<Fields, Vec<Violation>> {
    if row.len() > header.len() {
        return Err(vec![Violation::new(
            "",
            format!("The line has {} cells, the header {}.", row.len(), header.len()),
        )]);
    }
    if row.iter().any(crate::cards::is_in) {
        return Err(vec![Violation::new("", crate::cards::REFUSAL)]);
    }
    let mut object = Map::new();
    for (name, cell) in header.iter().zip(row.iter()).filter(|(_, cell)| !cell.is_empty()) {
        insert(&mut object, name, cell_value(name, cell));
    }
    Fields::parse(kind, Value::Object(object), "").map_err(|error| match error {
        Error::Invalid(violations) => violations,
        other => vec![Violation::new("", other.to_string())],
    })
}

/// Numbers and truth values are text in CSV; what is not one stays text, and the field says what it expects.
fn cell_value(name: &str, cell: &str) -> Value {
    match name {
        "warranty_months" | "purchase_cost.amount" | "seats" => cell
            .parse::<u64>()
            .map_or_else(|_| Value::from(cell), Value::from),
        "auto_renew" => cell
            .parse::<bool>()
            .map_or_else(|_| Value::from(cell), Value::from),
        "name_servers" => cell.split_whitespace().map(Value::from).collect(),
        "status" => Value::from(cell.to_lowercase()),
        _ => Value::from(cell),
    }
}

/// Refuses a line whose unique value stands in an earlier line.
fn unseen(
    fields: Fields,
    number: u32,
    seen: &mut HashMap<(&'static str, String), u32>,
) -> Result<Fields, Vec<Violation>> {
    let mut violations = Vec::new();
    for unique in rules::uniques(&fields) {
        if let Some(first) = seen.get(&(unique.field, unique.value.clone())) {
            let detail = format!("Line {first} has the same {}.", unique.field);
            violations.push(Violation::new(format!("/{}", unique.field), detail));
        } else {
            seen.insert((unique.field, unique.value), number);
        }
    }
    if violations.is_empty() {
        Ok(fields)
    } else {
        Err(violations)
    }
}

/// The id of the import that `idempotency_key` names.
///
/// # Errors
/// When the member has no key for content: a defect of the route.
pub fn id(member: &Member, idempotency_key: &str) -> Result<ImportId> {
    let name = format!("{}\n{idempotency_key}", member.permit.user());
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

/// The stored import of that id.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(ctx: &Ctx, member: &Member, import: ImportId) -> Result<Import> {
    let key = keys::import(member.permit.tenant(), import);
    ctx.store
        .get_one(&key)
        .await?
        .ok_or(Error::NotFound)?
        .open::<ImportReport>(member.key(Class::Content)?)
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
        Err(Commit::Rejected(_)) => get(ctx, member, import).await,
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
    let found = ctx
        .store
        .get_one(&key)
        .await?
        .map(|raw| raw.open::<ImportReport>(data_key))
        .transpose()?;
    let (mut item, condition) = match found {
        None => {
            let facts = ImportFacts {
                kind,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_fields_and_empty_cells_are_absent() {
        let csv = "asset_tag,name,warranty_months,purchase_cost.amount,purchase_cost.currency\nLT-1,,36,99900,EUR\n";
        let lines = read_lines(Kind::Asset, csv.as_bytes()).unwrap();
        let fields = serde_json::to_value(lines[0].fields.as_ref().unwrap()).unwrap();
        assert_eq!(
            fields,
            serde_json::json!({"asset_tag": "LT-1", "status": "ready", "warranty_months": 36,
                "purchase_cost": {"amount": 99900, "currency": "EUR"}})
        );
    }

    #[test]
    fn each_wrong_line_is_named_and_the_others_are_kept() {
        let csv = "asset_tag,warranty_months\nA,1\n,2\nB,x\nA,4\n\"C\",5\n";
        let lines = read_lines(Kind::Asset, csv.as_bytes()).unwrap();
        let wrong: Vec<_> = lines
            .iter()
            .filter_map(|line| Some((line.number, line.fields.as_ref().err()?[0].pointer.as_str())))
            .collect();
        assert_eq!(
            wrong,
            [(3, "/asset_tag"), (4, "/warranty_months"), (5, "/asset_tag")]
        );
    }

    #[test]
    fn an_unknown_or_repeated_column_refuses_the_file() {
        for csv in [
            "asset_tag,colour\nA,red\n",
            "asset_tag,asset_tag\nA,B\n",
            "",
            "\n\n",
        ] {
            let result = read_lines(Kind::Asset, csv.as_bytes());
            assert!(matches!(result, Err(Error::Invalid(_))), "{csv}");
        }
    }

    #[test]
    fn lines_have_their_numbers_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let csv = ["asset_tag,notes", "A,", "", "\"B\",\"x", "y\"", "C,", ""].join(end);
            let numbers: Vec<_> = read_lines(Kind::Asset, csv.as_bytes())
                .unwrap()
                .iter()
                .map(|line| line.number)
                .collect();
            assert_eq!(numbers, [2, 4, 6], "{end:?}");
        }
    }

    #[test]
    fn a_file_with_too_many_lines_is_refused() {
        let mut csv = "asset_tag\n".to_owned();
        for line in 0..=MAX_LINES {
            csv.push_str(&format!("A{line}\n"));
        }
        assert!(matches!(
            read_lines(Kind::Asset, csv.as_bytes()),
            Err(Error::Invalid(_))
        ));
    }
}
