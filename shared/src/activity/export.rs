//! An activity log as a CSV file (RFC 4180) that a spreadsheet shows as text, whatever stands in it. Pure.

use std::borrow::Cow;

use super::model::ActivityFacts;
use crate::error::{Error, Result};
use crate::ids::ActivityId;

/// What makes a spreadsheet take a cell for a formula, or begin another cell or line (OWASP, CSV injection). The wide
/// forms are there because some programs fold them.
const TRIGGERS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A cell that is text in every spreadsheet: an apostrophe stands before what would begin a formula.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(TRIGGERS) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// The entries with a header line, in their order.
///
/// # Errors
/// Only when a line does not encode.
pub fn csv(entries: &[(ActivityId, ActivityFacts)]) -> Result<String> {
    let rows = entries.iter().map(|(id, facts)| {
        let optional = |text: Option<String>| text.unwrap_or_default();
        [
            id.to_string(),
            facts.at.to_string(),
            facts.kind.as_str().to_owned(),
            optional(facts.actor.map(|actor| actor.to_string())),
            optional(facts.object.clone()),
        ]
    });
    let header = ["id", "at", "kind", "actor", "object"].map(str::to_owned);
    table(std::iter::once(header).chain(rows))
}

fn table<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> Result<String> {
    let failed = |what: &str| Error::internal(format!("a CSV file does not encode: {what}"));
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|cell| harmless(cell).into_owned());
        writer
            .write_record(cells)
            .map_err(|error| failed(&error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second reader, by hand: RFC 4180 with every cell quoted.
    fn cells(text: &str) -> Vec<Vec<String>> {
        let mut rows = vec![vec![]];
        let mut rest = text;
        while let Some(inner) = rest.strip_prefix('"') {
            let mut cell = String::new();
            let mut tail = inner;
            loop {
                let (before, after) = tail.split_once('"').unwrap();
                cell.push_str(before);
                tail = after;
                match tail.strip_prefix('"') {
                    Some(more) => {
                        cell.push('"');
                        tail = more;
                    }
                    None => break,
                }
            }
            rows.last_mut().unwrap().push(cell);
            rest = if let Some(more) = tail.strip_prefix(',') {
                more
            } else {
                rows.push(vec![]);
                tail.strip_prefix("\r\n").unwrap()
            };
        }
        assert_eq!((rest, rows.pop().unwrap().len()), ("", 0));
        rows
    }

    #[test]
    fn m_05_m_06_no_cell_begins_a_formula_and_none_breaks_out_of_its_place() {
        let attacks = [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "＋1",
            "－1",
            "＠1",
            "a\",\"=1+1",
            "a\r\n=1+1,b",
            "\"",
            "",
            "plain; text, with = inside",
        ];
        let text = table(
            attacks
                .iter()
                .map(|attack| [(*attack).to_owned(), "next".to_owned()]),
        )
        .unwrap();
        let rows = cells(&text);
        assert_eq!(rows.len(), attacks.len());
        for (row, attack) in rows.iter().zip(attacks) {
            assert_eq!((row.len(), row[1].as_str()), (2, "next"), "{attack:?}");
            assert!(!row[0].starts_with(TRIGGERS), "{attack:?}");
            assert_eq!(row[0].strip_prefix('\'').unwrap_or(&row[0]), attack);
        }
    }
}
