//! CSV files of records: from bytes to lines with typed fields, or with what is wrong. Pure.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::fields::Fields;
use super::model::Kind;
use super::rules;
use crate::error::{Error, Result, Violation, Violations};

/// The most lines of one import.
pub const MAX_LINES: usize = 5_000;

/// The most lines that may be wrong before the whole file is refused: its columns are probably mixed up.
pub const MAX_FAILURES: usize = 1_000;

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
