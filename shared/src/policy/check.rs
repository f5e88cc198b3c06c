//! The parser's notebook: it reads single keys and writes down everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;

use super::error::{ManifestError, ManifestErrors};
use super::raw::{RawStated, Text, Texts};
use super::values::{Origin, Prefix, PromiseId, Stated};

/// A table of the manifest, for messages: what to call it and where it is.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

impl Place {
    /// The place of a table that has an id or name, by which the message can call it.
    pub(super) fn of<T>(what: &str, table: &Spanned<T>, id: &Text) -> Self {
        let name = id
            .as_ref()
            .map_or_else(|| what.to_owned(), |id| format!("{what} `{}`", id.get_ref()));
        Self {
            name,
            span: table.span(),
        }
    }
}

pub(super) struct Checker<'a> {
    file: &'a str,
    text: &'a str,
    /// The operator's prefix, once it is known: a value cannot rest on another operator's promise.
    pub(super) prefix: Option<Prefix>,
    errors: Vec<ManifestError>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            prefix: None,
            errors: Vec::new(),
        }
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    pub(super) fn report(&mut self, span: &Range<usize>, message: impl Into<String>) {
        let line = self.line(span);
        self.errors
            .push(ManifestError::new(self.file, line, message.into()));
    }

    /// Hands over what was found; nothing found is a clean manifest.
    pub(super) fn finish<T>(mut self, whole: Option<T>) -> Result<T, ManifestErrors> {
        match whole {
            Some(whole) if self.errors.is_empty() => Ok(whole),
            None if self.errors.is_empty() => {
                self.report(&(0..0), "the manifest is incomplete");
                Err(ManifestErrors::new(self.errors))
            }
            _ => Err(ManifestErrors::new(self.errors)),
        }
    }

    /// A key that must be there.
    pub(super) fn present<'r, T>(
        &mut self,
        field: &'r Option<Spanned<T>>,
        key: &str,
        place: &Place,
    ) -> Option<&'r Spanned<T>> {
        if field.is_none() {
            self.report(&place.span, format!("{} has no {key}", place.name));
        }
        field.as_ref()
    }

    /// A key that must be there and parse.
    pub(super) fn value<T>(&mut self, field: &Text, key: &str, place: &Place) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.present(field, key, place)?;
        self.parsed(text, key)
    }

    /// A key that may be absent; `Some(None)` then. `None` means that it is there and wrong.
    pub(super) fn optional<T>(&mut self, field: &Text, key: &str) -> Option<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        match field {
            None => Some(None),
            Some(text) => self.parsed(text, key).map(Some),
        }
    }

    fn parsed<T>(&mut self, text: &Spanned<String>, key: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text.get_ref().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(&text.span(), format!("{key}: {error}"));
                None
            }
        }
    }

    /// A list that must be there, hold something, and hold nothing twice.
    pub(super) fn list<T>(&mut self, field: &Texts, key: &str, place: &Place) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        let list = self.present(field, key, place)?;
        if list.get_ref().is_empty() {
            self.report(&list.span(), format!("{key} of {} is empty", place.name));
            return None;
        }
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        for text in list.get_ref() {
            if !seen.insert(text.get_ref()) {
                self.report(
                    &text.span(),
                    format!("{key}: `{}` is listed twice", text.get_ref()),
                );
            }
            values.extend(self.parsed(text, key));
        }
        (values.len() == list.get_ref().len()).then_some(values)
    }

    /// A value that must say where it comes from.
    pub(super) fn stated<R, T>(
        &mut self,
        field: &Spanned<RawStated<R>>,
        key: &str,
        read: impl FnOnce(&R) -> Result<T, String>,
    ) -> Option<Stated<T>> {
        let raw = field.get_ref();
        let place = Place {
            name: key.to_owned(),
            span: field.span(),
        };
        let value = self.present(&raw.value, "value", &place).and_then(|value| {
            let read = read(value.get_ref());
            read.map_err(|why| self.report(&value.span(), format!("{key}: {why}")))
                .ok()
        });
        let origin = self.origin(raw, &place);
        Some(Stated {
            value: value?,
            origin: origin?,
        })
    }

    fn origin<R>(&mut self, raw: &RawStated<R>, place: &Place) -> Option<Origin> {
        let key = &place.name;
        match (&raw.promise, &raw.operator_choice) {
            (None, None) => {
                self.report(
                    &place.span,
                    format!("{key} names neither a promise nor operator_choice = true"),
                );
                None
            }
            (Some(_), Some(choice)) => {
                self.report(
                    &choice.span(),
                    format!("{key} names both a promise and operator_choice"),
                );
                None
            }
            (None, Some(choice)) if *choice.get_ref() => Some(Origin::OperatorChoice),
            (None, Some(choice)) => {
                self.report(
                    &choice.span(),
                    format!("{key}: operator_choice is either true or absent"),
                );
                None
            }
            (Some(text), None) => {
                let promise: PromiseId = self.parsed(text, key)?;
                if let Some(prefix) = self
                    .prefix
                    .as_ref()
                    .filter(|prefix| prefix.as_str() != promise.prefix())
                {
                    let message = format!("{key}: {promise} is not a promise of this operator ({prefix})");
                    self.report(&text.span(), message);
                    return None;
                }
                Some(Origin::Promise(promise))
            }
        }
    }

    /// A number within bounds that says where it comes from.
    pub(super) fn number<T>(
        &mut self,
        field: &Option<Spanned<RawStated<i64>>>,
        key: &str,
        bounds: (i64, i64),
        place: &Place,
    ) -> Option<Stated<T>>
    where
        T: TryFrom<i64>,
    {
        let (least, most) = bounds;
        let field = self.present(field, key, place)?;
        self.stated(field, key, |number| {
            let within = Some(*number).filter(|number| (least..=most).contains(number));
            within
                .and_then(|number| T::try_from(number).ok())
                .ok_or_else(|| format!("{number} is not between {least} and {most}"))
        })
    }

    /// The ids that a kind of table declares, after reporting those that are declared twice.
    pub(super) fn ids<'r>(&mut self, what: &str, ids: impl Iterator<Item = &'r Text>) -> BTreeSet<&'r str> {
        let mut lines = BTreeMap::new();
        for id in ids.flatten() {
            if let Some(first) = lines.get(id.get_ref().as_str()) {
                let message = format!(
                    "{what} `{}` is declared twice, first on line {first}",
                    id.get_ref()
                );
                self.report(&id.span(), message);
            } else {
                lines.insert(id.get_ref().as_str(), self.line(&id.span()));
            }
        }
        lines.into_keys().collect()
    }

    /// Reports every reference to a table that does not exist.
    pub(super) fn references(&mut self, what: &str, known: &BTreeSet<&str>, references: &Texts) {
        for reference in references.iter().flat_map(Spanned::get_ref) {
            self.reference(what, known, reference);
        }
    }

    /// Reports a reference to a table that does not exist.
    pub(super) fn reference(&mut self, what: &str, known: &BTreeSet<&str>, reference: &Spanned<String>) {
        let id = reference.get_ref().as_str();
        if !known.contains(id) {
            let all: Vec<&str> = known.iter().copied().collect();
            self.report(
                &reference.span(),
                format!("unknown {what} `{id}`; known: {}", all.join(", ")),
            );
        }
    }
}
