//! From the text of a manifest to a [`Policy`], or to the list of all that is wrong with it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::Spanned;

use super::category::Category;
use super::check::{Checker, Place};
use super::error::ManifestErrors;
use super::model::{Authority, Controller, Policy};
use super::raw::{RawAuthority, RawManifest, RawOperator, Text};
use super::values::{PolicyVersion, Stated};
use super::words::{Class, PasswordScheme};
use super::{parse_category, parse_lists};
use crate::organisations::model::MfaPolicy;

impl Policy {
    /// Reads a manifest. `file_name` is what the errors call it.
    ///
    /// # Errors
    ///
    /// All inconsistencies with file and line. A syntax error, a wrong type and an unknown key come alone, since
    /// nothing behind them can be read.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, ManifestErrors> {
        let mut checker = Checker::new(file_name, text);
        match toml::from_str::<RawManifest>(text) {
            Ok(raw) => {
                let policy = manifest(&mut checker, &raw);
                checker.finish(policy)
            }
            Err(error) => {
                checker.report(&error.span().unwrap_or(0..0), error.message().replace('\n', " "));
                checker.finish(None)
            }
        }
    }
}

fn manifest(checker: &mut Checker<'_>, raw: &RawManifest) -> Option<Policy> {
    let place = Place {
        name: "the manifest".to_owned(),
        span: 0..0,
    };
    // The operator comes first: its prefix decides which promises the values may name.
    let controller = checker
        .present(&raw.operator, "operator", &place)
        .and_then(|raw| operator(checker, raw));
    let authority = checker
        .present(&raw.authority, "authority", &place)
        .and_then(|raw| authority(checker, raw));
    let version = version(checker, raw, &place);
    let minimum_age = checker.number(&raw.minimum_age, "minimum_age", (13, 21), &place);
    let notice_days = checker.number(&raw.notice_days, "notice_days", (1, 365), &place);
    let notice_channels = checker.list(&raw.notice_channels, "notice_channels", &place);
    let backup_days = checker.number(&raw.backup_days, "backup_days", (1, 365), &place);
    let mfa = mfa(checker, raw);
    let password_scheme = checker
        .present(&raw.password_scheme, "password_scheme", &place)
        .and_then(|raw| {
            let read = |text: &String| text.parse::<PasswordScheme>().map_err(|error| error.to_string());
            checker.stated(raw, "password_scheme", read)
        });

    let purpose_ids = checker.ids(
        "purpose",
        raw.purposes.iter().map(|purpose| &purpose.get_ref().id),
    );
    let category_ids = checker.ids(
        "category",
        raw.categories.iter().map(|category| &category.get_ref().id),
    );
    checker.ids(
        "processor",
        raw.processors.iter().map(|processor| &processor.get_ref().id),
    );
    checker.ids("cookie", raw.cookies.iter().map(|cookie| &cookie.get_ref().name));
    unused_purposes(checker, raw);

    let purposes: Vec<_> = raw
        .purposes
        .iter()
        .map(|raw| parse_lists::purpose(checker, raw))
        .collect();
    let categories: Vec<_> = raw
        .categories
        .iter()
        .map(|raw| parse_category::category(checker, raw, &purpose_ids, &purposes))
        .collect();
    let known = parse_lists::Known {
        purposes: &purpose_ids,
        categories: &category_ids,
    };
    let country = controller
        .as_ref()
        .map(|controller: &Controller| &controller.country);
    let processors: Option<Vec<_>> = raw
        .processors
        .iter()
        .map(|raw| parse_lists::processor(checker, raw, &known, country))
        .collect();
    let cookies: Option<Vec<_>> = raw
        .cookies
        .iter()
        .map(|raw| parse_lists::cookie(checker, raw))
        .collect();
    coverage(checker, raw);

    let (version, effective) = version?;
    let categories: Vec<Category> = categories.into_iter().collect::<Option<_>>()?;
    Some(Policy {
        version,
        effective,
        controller: controller?,
        authority: authority?,
        minimum_age: minimum_age?,
        notice_days: notice_days?,
        notice_channels: notice_channels?,
        password_scheme: password_scheme?,
        backup_days: backup_days?,
        mfa: mfa?,
        purposes: purposes.into_iter().collect::<Option<_>>()?,
        processors: processors?,
        cookies: cookies?,
        by_class: by_class(&categories)?,
        categories,
    })
}

/// The demand for second factors, which a policy may leave to its customers. The inner value is `None` then.
fn mfa(checker: &mut Checker<'_>, raw: &RawManifest) -> Option<Option<Stated<MfaPolicy>>> {
    let Some(field) = &raw.mfa else { return Some(None) };
    checker
        .stated(field, "mfa", |text: &String| text.parse())
        .map(Some)
}

fn operator(checker: &mut Checker<'_>, raw: &Spanned<RawOperator>) -> Option<Controller> {
    let place = Place {
        name: "operator".to_owned(),
        span: raw.span(),
    };
    let raw = raw.get_ref();
    checker.prefix = checker.value(&raw.promises, "promises", &place);
    let name = checker.value(&raw.name, "name", &place);
    let country = checker.value(&raw.country, "country", &place);
    let contact = checker.value(&raw.contact_email, "contact_email", &place);
    let privacy = checker.value(&raw.privacy_email, "privacy_email", &place);
    let time_zone = time_zone(checker, &raw.time_zone, &place);
    Some(Controller {
        name: name?,
        promises: checker.prefix.clone()?,
        country: country?,
        contact: contact?,
        privacy: privacy?,
        time_zone: time_zone?,
    })
}

fn time_zone(checker: &mut Checker<'_>, field: &Text, place: &Place) -> Option<TimeZone> {
    let name = checker.present(field, "time_zone", place)?;
    let zone = TimeZone::get(name.get_ref()).ok();
    if zone.is_none() {
        checker.report(
            &name.span(),
            format!("time_zone: unknown time zone `{}`", name.get_ref()),
        );
    }
    zone
}

fn authority(checker: &mut Checker<'_>, raw: &Spanned<RawAuthority>) -> Option<Authority> {
    let place = Place {
        name: "authority".to_owned(),
        span: raw.span(),
    };
    let name = checker.value(&raw.get_ref().name, "name", &place);
    let url = checker.value(&raw.get_ref().url, "url", &place);
    Some(Authority {
        name: name?,
        url: url?,
    })
}

fn version(checker: &mut Checker<'_>, raw: &RawManifest, place: &Place) -> Option<(PolicyVersion, Date)> {
    let version: Option<PolicyVersion> = checker.value(&raw.version, "version", place);
    let effective: Option<Date> = checker.value(&raw.effective, "effective", place);
    let (version, effective) = (version?, effective?);
    if let Some(field) = raw.effective.as_ref().filter(|_| effective < version.day()) {
        checker.report(
            &field.span(),
            format!("effective: {effective} is before version {version} was settled"),
        );
        return None;
    }
    Some((version, effective))
}

/// A purpose that no category serves would appear in the notice without anything behind it (ITT-7).
fn unused_purposes(checker: &mut Checker<'_>, raw: &RawManifest) {
    let lists = raw
        .categories
        .iter()
        .filter_map(|category| category.get_ref().purposes.as_ref());
    let used: BTreeSet<&str> = lists
        .flat_map(Spanned::get_ref)
        .map(|purpose| purpose.get_ref().as_str())
        .collect();
    for id in raw
        .purposes
        .iter()
        .filter_map(|purpose| purpose.get_ref().id.as_ref())
    {
        if !used.contains(id.get_ref().as_str()) {
            checker.report(
                &id.span(),
                format!("purpose `{}` is used by no category", id.get_ref()),
            );
        }
    }
}

/// Every class belongs to exactly one category, or some stored data would have no retention, or two.
fn coverage(checker: &mut Checker<'_>, raw: &RawManifest) {
    for class in Class::ALL {
        let lists = raw
            .categories
            .iter()
            .filter_map(|category| category.get_ref().classes.as_ref());
        let mut covers = lists
            .flat_map(Spanned::get_ref)
            .filter(|text| text.get_ref() == class.as_str());
        match covers.next() {
            None => checker.report(&(0..0), format!("no category covers class `{class}`")),
            Some(first) => {
                let line = checker.line(&first.span());
                for again in covers {
                    let message = format!("class `{class}` is covered twice, first on line {line}");
                    checker.report(&again.span(), message);
                }
            }
        }
    }
}

fn by_class(categories: &[Category]) -> Option<[usize; Class::ALL.len()]> {
    let mut indices = [0; Class::ALL.len()];
    for class in Class::ALL {
        indices[class as usize] = categories
            .iter()
            .position(|category| category.classes.contains(&class))?;
    }
    Some(indices)
}
