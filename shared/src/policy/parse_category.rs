//! Categories with their retention and what happens to them on a customer's decision.

use std::collections::BTreeSet;

use toml::Spanned;

use super::category::{Category, Fate, ItemFloor};
use super::check::{Checker, Place};
use super::model::Purpose;
use super::raw::{RawCategory, RawItemFloor, RawRetention, RawStated, Text};
use super::values::{Id, Phrase, Stated};
use super::words::{Anchor, HoldScope, LawfulBasis, LifecycleEvent};
use crate::retention::{Period, Rule, RuleError};

pub(super) fn category(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawCategory>,
    purpose_ids: &BTreeSet<&str>,
    all_purposes: &[Option<Purpose>],
) -> Option<Category> {
    let place = Place::of("category", raw, &raw.get_ref().id);
    let raw = raw.get_ref();
    checker.references("purpose", purpose_ids, &raw.purposes);
    checker.ids(
        "item_floor",
        raw.item_floors.iter().map(|floor| &floor.get_ref().id),
    );
    let id = checker.value(&raw.id, "id", &place);
    let title = checker.value(&raw.title, "title", &place);
    let description = checker.value(&raw.description, "description", &place);
    let subjects = checker.list(&raw.subjects, "subjects", &place);
    let role = checker.value(&raw.role, "role", &place);
    let classes = checker.list(&raw.classes, "classes", &place);
    let purposes: Option<Vec<Id>> = checker.list(&raw.purposes, "purposes", &place);
    let bases: Option<Vec<LawfulBasis>> = checker.list(&raw.lawful_bases, "lawful_bases", &place);
    if let (Some(purposes), Some(bases)) = (&purposes, &bases) {
        matching_bases(checker, raw, purposes, bases, all_purposes, &place);
    }
    let holds = checker.optional(&raw.holds, "holds");
    let retention = checker
        .present(&raw.retention, "retention", &place)
        .and_then(|raw| retention(checker, raw));
    let item_floors: Option<Vec<_>> = raw
        .item_floors
        .iter()
        .map(|raw| item_floor(checker, raw))
        .collect();
    let fates = fates(checker, raw, &place);
    let (rule, not_before, not_after, reason) = retention?;
    Some(Category {
        id: id?,
        title: title?,
        description: description?,
        subjects: subjects?,
        role: role?,
        classes: classes?,
        purposes: purposes?,
        bases: bases?,
        holds: holds?.unwrap_or(HoldScope::Unit),
        rule,
        not_before,
        not_after,
        reason,
        item_floors: item_floors?,
        fates: fates?,
    })
}

/// A category stands on the bases of its purposes and on no other, and every purpose finds one of its own among them
/// (OCK-9). Nothing is said while a purpose of the category is itself unreadable.
fn matching_bases(
    checker: &mut Checker<'_>,
    raw: &RawCategory,
    purposes: &[Id],
    bases: &[LawfulBasis],
    all: &[Option<Purpose>],
    place: &Place,
) {
    let find = |id: &Id| all.iter().flatten().find(|purpose| purpose.id() == id.as_str());
    let Some(served) = purposes.iter().map(find).collect::<Option<Vec<_>>>() else {
        return;
    };
    for text in raw.lawful_bases.iter().flat_map(Spanned::get_ref) {
        let named = |purpose: &&Purpose| purpose.bases.iter().any(|basis| basis.as_str() == text.get_ref());
        if !served.iter().any(named) {
            let message = format!("{}: no purpose of it rests on {}", place.name, text.get_ref());
            checker.report(&text.span(), message);
        }
    }
    let texts = raw.purposes.iter().flat_map(Spanned::get_ref);
    for (purpose, text) in served.iter().zip(texts) {
        if !purpose.bases.iter().any(|basis| bases.contains(basis)) {
            let message = format!(
                "{}: it has no lawful basis for purpose `{}`",
                place.name,
                purpose.id()
            );
            checker.report(&text.span(), message);
        }
    }
}

type Retention = (Rule, Option<Stated<Period>>, Option<Stated<Period>>, Phrase);

fn retention(checker: &mut Checker<'_>, raw: &Spanned<RawRetention>) -> Option<Retention> {
    let place = Place {
        name: "retention".to_owned(),
        span: raw.span(),
    };
    let raw = raw.get_ref();
    let anchor: Option<Anchor> = checker.value(&raw.anchor, "anchor", &place);
    let reason = checker.value(&raw.reason, "reason", &place);
    let not_before = bound(checker, &raw.not_before, "not_before");
    let not_after = bound(checker, &raw.not_after, "not_after");
    let (not_before, not_after) = (not_before?, not_after?);
    let value = |stated: &Option<Stated<Period>>| stated.as_ref().map(|stated| stated.value);
    // The bounds are compared even where the anchor is missing, so that both errors show at once.
    let compared = Rule::new(
        anchor.unwrap_or(Anchor::Collected),
        value(&not_before),
        value(&not_after),
    );
    let rule = compared.map_err(|error| {
        let ceiling = raw.not_after.as_ref().filter(|_| error != RuleError::NoBound);
        let span = ceiling.map_or_else(|| place.span.clone(), Spanned::span);
        checker.report(&span, format!("retention: {error}"));
    });
    anchor?;
    Some((rule.ok()?, not_before, not_after, reason?))
}

/// `Some(None)` is an absent bound, `None` a wrong one.
fn bound(
    checker: &mut Checker<'_>,
    field: &Option<Spanned<RawStated<String>>>,
    key: &str,
) -> Option<Option<Stated<Period>>> {
    match field {
        None => Some(None),
        Some(raw) => period(checker, raw, key).map(Some),
    }
}

fn period(checker: &mut Checker<'_>, raw: &Spanned<RawStated<String>>, key: &str) -> Option<Stated<Period>> {
    checker.stated(raw, key, |text| {
        text.parse::<Period>().map_err(|error| error.to_string())
    })
}

fn item_floor(checker: &mut Checker<'_>, raw: &Spanned<RawItemFloor>) -> Option<ItemFloor> {
    let place = Place::of("item_floor", raw, &raw.get_ref().id);
    let raw = raw.get_ref();
    let id = checker.value(&raw.id, "id", &place);
    let anchor = checker.value(&raw.anchor, "anchor", &place);
    let reason = checker.value(&raw.reason, "reason", &place);
    let floor = checker.present(&raw.not_before, "not_before", &place);
    let floor = floor.and_then(|raw| period(checker, raw, "not_before"))?;
    let rule = Rule::new(anchor?, Some(floor.value), None).ok()?;
    Some(ItemFloor {
        id: id?,
        rule,
        floor,
        reason: reason?,
    })
}

fn fates(
    checker: &mut Checker<'_>,
    raw: &RawCategory,
    place: &Place,
) -> Option<[Fate; LifecycleEvent::ALL.len()]> {
    let statute: Option<Phrase> = checker.optional(&raw.statutory_reason, "statutory_reason")?;
    let floor = raw
        .retention
        .as_ref()
        .is_some_and(|retention| retention.get_ref().not_before.is_some());
    let fields = LifecycleEvent::ALL.map(|event| match event {
        LifecycleEvent::AccountDeletion => ("on_account_deletion", &raw.on_account_deletion),
        LifecycleEvent::OrganisationDeletion => ("on_organisation_deletion", &raw.on_organisation_deletion),
        LifecycleEvent::Cancellation => ("on_cancellation", &raw.on_cancellation),
    });
    let read = fields.map(|(key, field)| fate(checker, key, field, statute.as_ref(), floor, place));
    let restricts = fields
        .iter()
        .any(|(_, text)| text.as_ref().is_some_and(|text| text.get_ref() == "restrict"));
    if let Some(reason) = raw.statutory_reason.as_ref().filter(|_| !restricts) {
        let message = format!("{} has a statutory_reason and restricts nothing", place.name);
        checker.report(&reason.span(), message);
    }
    let [first, second, third] = read;
    Some([first?, second?, third?])
}

fn fate(
    checker: &mut Checker<'_>,
    key: &str,
    field: &Text,
    statute: Option<&Phrase>,
    floor: bool,
    place: &Place,
) -> Option<Fate> {
    let text = checker.present(field, key, place)?;
    let name = &place.name;
    let wrong = match (text.get_ref().as_str(), statute) {
        ("keep", _) => return Some(Fate::Keep),
        ("erase", None) => return Some(Fate::Erase),
        ("erase", Some(_)) => format!("{key} of {name} erases what its statutory_reason says must be kept"),
        ("restrict", _) if !floor => {
            format!("{key} of {name} restricts without a floor (not_before) to end it")
        }
        ("restrict", None) => format!("{key} of {name} restricts without a statutory_reason"),
        ("restrict", Some(reason)) => {
            return Some(Fate::Restrict {
                reason: reason.to_string(),
            });
        }
        (other, _) => format!("{key}: unknown fate `{other}`; known: erase, restrict, keep"),
    };
    checker.report(&text.span(), wrong);
    None
}
