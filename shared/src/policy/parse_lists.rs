//! Purposes, processors and cookies.

use std::collections::BTreeSet;

use toml::Spanned;

use super::check::{Checker, Place};
use super::model::{Cookie, Processor, Purpose};
use super::raw::{RawCookie, RawProcessor, RawPurpose, Text};
use super::values::{Country, Phrase};
use super::words::{LawfulBasis, Safeguard};

/// The ids to which a table can refer.
pub(super) struct Known<'r> {
    pub(super) purposes: &'r BTreeSet<&'r str>,
    pub(super) categories: &'r BTreeSet<&'r str>,
}

pub(super) fn purpose(checker: &mut Checker<'_>, raw: &Spanned<RawPurpose>) -> Option<Purpose> {
    let place = Place::of("purpose", raw, &raw.get_ref().id);
    let raw = raw.get_ref();
    let id = checker.value(&raw.id, "id", &place);
    let description = checker.value(&raw.description, "description", &place);
    let bases: Option<Vec<LawfulBasis>> = checker.list(&raw.lawful_bases, "lawful_bases", &place);
    let rests_on = |basis| bases.as_ref().map(|bases| bases.contains(&basis));
    let interest = Companion {
        key: "interest",
        basis: LawfulBasis::LegitimateInterests,
    };
    let interest = interest.read(
        checker,
        &raw.interest,
        rests_on(LawfulBasis::LegitimateInterests),
        &place,
    );
    let withdrawal = Companion {
        key: "withdrawal",
        basis: LawfulBasis::Consent,
    };
    let withdrawal = withdrawal.read(checker, &raw.withdrawal, rests_on(LawfulBasis::Consent), &place);
    Some(Purpose {
        id: id?,
        description: description?,
        bases: bases?,
        interest: interest?,
        withdrawal: withdrawal?,
    })
}

/// A text that one lawful basis demands and that means nothing without it: the interest (GDPR Article 13(1)(d)) and
/// the way to withdraw consent (Article 7(3)).
struct Companion {
    key: &'static str,
    basis: LawfulBasis,
}

impl Companion {
    /// `rests` is absent when the bases themselves could not be read.
    fn read(
        &self,
        checker: &mut Checker<'_>,
        field: &Text,
        rests: Option<bool>,
        place: &Place,
    ) -> Option<Option<Phrase>> {
        let Self { key, basis } = self;
        match (field, rests) {
            (None, Some(true)) => {
                checker.report(
                    &place.span,
                    format!("{} rests on {basis} and has no {key}", place.name),
                );
                None
            }
            (Some(text), Some(false)) => {
                let message = format!("{} has {key} and does not rest on {basis}", place.name);
                checker.report(&text.span(), message);
                None
            }
            _ => checker.optional(field, key),
        }
    }
}

pub(super) fn processor(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawProcessor>,
    known: &Known<'_>,
    operator: Option<&Country>,
) -> Option<Processor> {
    let place = Place::of("processor", raw, &raw.get_ref().id);
    let raw = raw.get_ref();
    checker.references("category", known.categories, &raw.categories);
    if let Some(reference) = &raw.purpose {
        checker.reference("purpose", known.purposes, reference);
    }
    let id = checker.value(&raw.id, "id", &place);
    let category = checker.value(&raw.category, "category", &place);
    let provider = checker.value(&raw.provider, "provider", &place);
    let location = checker.value(&raw.location, "location", &place);
    let region = checker.optional(&raw.region, "region");
    let purpose = checker.value(&raw.purpose, "purpose", &place);
    let categories = checker.list(&raw.categories, "categories", &place);
    let safeguard = checker.value(&raw.safeguard, "safeguard", &place);
    let agreement = checker.value(&raw.agreement, "agreement", &place);
    if let (Some(operator), Some(location), Some(text), Some(safeguard)) =
        (operator, &location, &raw.safeguard, safeguard)
        && let Some(why) = unfit(operator, location, safeguard)
    {
        checker.report(&text.span(), format!("{}: {why}", place.name));
    }
    Some(Processor {
        id: id?,
        category: category?,
        provider: provider?,
        location: location?,
        region: region?,
        purpose: purpose?,
        categories: categories?,
        safeguard: safeguard?,
        agreement: agreement?,
    })
}

/// Why a safeguard cannot protect this transfer (ITT-9, TRK-10, OCK-11).
fn unfit(operator: &Country, location: &Country, safeguard: Safeguard) -> Option<String> {
    let british = matches!(safeguard, Safeguard::Idta | Safeguard::UkAddendum);
    if safeguard == Safeguard::NoTransfer && !operator.needs_no_transfer_to(location) {
        Some(format!(
            "data that goes from {operator} to {location} needs a safeguard"
        ))
    } else if british && operator.as_str() != "GB" {
        Some(format!(
            "{safeguard} is an instrument of the United Kingdom, and the operator is in {operator}"
        ))
    } else {
        None
    }
}

pub(super) fn cookie(checker: &mut Checker<'_>, raw: &Spanned<RawCookie>) -> Option<Cookie> {
    let place = Place::of("cookie", raw, &raw.get_ref().name);
    let raw = raw.get_ref();
    let name = checker.value(&raw.name, "name", &place);
    let category = checker.value(&raw.category, "category", &place);
    let purpose = checker.value(&raw.purpose, "purpose", &place);
    let lifetime = checker.value(&raw.lifetime, "lifetime", &place);
    Some(Cookie {
        name: name?,
        category: category?,
        purpose: purpose?,
        lifetime: lifetime?,
    })
}
