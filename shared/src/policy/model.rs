//! One version of an operator's policy, as types. A value of these types was checked by [`Policy::parse`].

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::category::{Category, Fate};
use super::values::{Country, Id, Lifetime, Mailbox, Origin, Phrase, PolicyVersion, Prefix, Stated};
use super::words::{Channel, Class, CookieCategory, LawfulBasis, LifecycleEvent, PasswordScheme, Safeguard};
use crate::organisations::model::MfaPolicy;
use crate::retention::Rule;

/// One version of an operator's privacy policy, from which retention, erasure, notices and the legal pages run.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) version: PolicyVersion,
    pub(super) effective: Date,
    pub(super) controller: Controller,
    pub(super) authority: Authority,
    pub(super) minimum_age: Stated<u8>,
    pub(super) notice_days: Stated<u16>,
    pub(super) notice_channels: Vec<Channel>,
    pub(super) password_scheme: Stated<PasswordScheme>,
    pub(super) backup_days: Stated<u16>,
    pub(super) mfa: Option<Stated<MfaPolicy>>,
    pub(super) purposes: Vec<Purpose>,
    pub(super) processors: Vec<Processor>,
    pub(super) cookies: Vec<Cookie>,
    pub(super) categories: Vec<Category>,
    /// The index into `categories` for each class, in the order of [`Class::ALL`].
    pub(super) by_class: [usize; Class::ALL.len()],
}

impl Policy {
    /// The version that a person accepts at registration.
    pub fn version(&self) -> &PolicyVersion {
        &self.version
    }

    /// The day from which this version applies; also the date of the last update that the page shows (CTK-10).
    pub fn effective(&self) -> Date {
        self.effective
    }

    /// Who runs the deployment.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Whom a person can complain to (ITT-12).
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The age below which nobody may register (ITT-15, TRK-11, CTK-9, OCK-18).
    pub fn minimum_age(&self) -> u8 {
        self.minimum_age.value
    }

    /// The days between the announcement of a material change and its effect (ITT-16, TRK-13).
    pub fn notice_days(&self) -> u16 {
        self.notice_days.value
    }

    /// How a material change is announced (ITT-16, TRK-13, OCK-20).
    pub fn notice_channels(&self) -> &[Channel] {
        &self.notice_channels
    }

    /// How passwords are hashed (TRK-9).
    pub fn password_scheme(&self) -> PasswordScheme {
        self.password_scheme.value
    }

    /// After how many days a backup is gone (OCK-12).
    pub fn backup_days(&self) -> u16 {
        self.backup_days.value
    }

    /// From whom every organisation demands a second factor at least, and the promise that it comes from (OCK-13).
    pub fn mfa(&self) -> (MfaPolicy, String) {
        match &self.mfa {
            Some(stated) => (stated.value, stated.origin.to_string()),
            None => (MfaPolicy::Optional, String::new()),
        }
    }

    /// The time zone in which calendar periods are counted.
    pub fn time_zone(&self) -> &TimeZone {
        &self.controller.time_zone
    }

    /// What data is processed for (ITT-7, OCK-9).
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// The purpose of that id.
    pub fn purpose(&self, id: &str) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.id() == id)
    }

    /// The sub-processors (ITT-8, TRK-3, OCK-21, TDO-9).
    pub fn processors(&self) -> &[Processor] {
        &self.processors
    }

    /// The cookie register (ITT-14, TRK-6, OCK-10).
    pub fn cookies(&self) -> &[Cookie] {
        &self.cookies
    }

    /// The categories of personal data.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The one category that covers a class.
    pub fn category(&self, class: Class) -> &Category {
        &self.categories[self.by_class[class as usize]]
    }

    /// The retention rule of a class.
    pub fn rule(&self, class: Class) -> &Rule {
        &self.category(class).rule
    }

    /// What happens to a class when a customer decides so.
    pub fn on(&self, class: Class, event: LifecycleEvent) -> Fate {
        self.category(class).on(event)
    }

    /// Every value that a person can hold the operator to, by its place in the manifest, with its origin.
    pub fn origins(&self) -> Vec<(String, &Origin)> {
        let mut all = vec![
            ("minimum_age".to_owned(), &self.minimum_age.origin),
            ("notice_days".to_owned(), &self.notice_days.origin),
            ("password_scheme".to_owned(), &self.password_scheme.origin),
            ("backup_days".to_owned(), &self.backup_days.origin),
        ];
        all.extend(self.mfa.iter().map(|mfa| ("mfa".to_owned(), &mfa.origin)));
        for category in &self.categories {
            let id = &category.id;
            let bounds = [
                ("not_before", &category.not_before),
                ("not_after", &category.not_after),
            ];
            let stated = bounds
                .into_iter()
                .filter_map(|(name, bound)| Some((name, bound.as_ref()?)));
            all.extend(
                stated.map(|(name, bound)| (format!("category.{id}.retention.{name}"), &bound.origin)),
            );
            let floors = category.item_floors.iter();
            all.extend(floors.map(|floor| {
                (
                    format!("category.{id}.item_floor.{}", floor.id),
                    &floor.floor.origin,
                )
            }));
        }
        all
    }
}

/// The operator: controller of account data, processor of its customers' content.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(super) name: Phrase,
    pub(super) promises: Prefix,
    pub(super) country: Country,
    pub(super) contact: Mailbox,
    pub(super) privacy: Mailbox,
    pub(super) time_zone: TimeZone,
}

impl Controller {
    /// The name under which it does business.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The three letters before the number of each of its promises.
    pub fn promises(&self) -> &str {
        self.promises.as_str()
    }

    /// The country whose law it is under.
    pub fn country(&self) -> &Country {
        &self.country
    }

    /// The general contact address.
    pub fn contact_email(&self) -> &str {
        self.contact.as_str()
    }

    /// The privacy inbox (ITT-17).
    pub fn privacy_email(&self) -> &str {
        self.privacy.as_str()
    }
}

/// The supervisory authority.
#[derive(Debug, Clone)]
pub struct Authority {
    pub(super) name: Phrase,
    pub(super) url: Phrase,
}

impl Authority {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Where a complaint starts.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }
}

/// Something that data is processed for, with its lawful bases (GDPR Article 13(1)(c), OCK-9).
#[derive(Debug, Clone)]
pub struct Purpose {
    pub(super) id: Id,
    pub(super) description: Phrase,
    pub(super) bases: Vec<LawfulBasis>,
    pub(super) interest: Option<Phrase>,
    pub(super) withdrawal: Option<Phrase>,
}

impl Purpose {
    /// The id by which categories and processors refer to it.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// What it is, for people.
    pub fn description(&self) -> &str {
        self.description.as_str()
    }

    /// Its lawful bases.
    pub fn lawful_bases(&self) -> &[LawfulBasis] {
        &self.bases
    }

    /// The legitimate interest, where the purpose rests on one (GDPR Article 13(1)(d)).
    pub fn interest(&self) -> Option<&str> {
        self.interest.as_ref().map(Phrase::as_str)
    }

    /// How consent is withdrawn, where the purpose rests on it (GDPR Article 7(3)).
    pub fn withdrawal(&self) -> Option<&str> {
        self.withdrawal.as_ref().map(Phrase::as_str)
    }
}

/// A sub-processor, as the public list shows it: category, provider, location, purpose (OCK-21).
#[derive(Debug, Clone)]
pub struct Processor {
    pub(super) id: Id,
    pub(super) category: Phrase,
    pub(super) provider: Phrase,
    pub(super) location: Country,
    pub(super) region: Option<Phrase>,
    pub(super) purpose: Id,
    pub(super) categories: Vec<Id>,
    pub(super) safeguard: Safeguard,
    pub(super) agreement: Phrase,
}

impl Processor {
    /// Its id.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// What kind of service it is, such as hosting.
    pub fn category(&self) -> &str {
        self.category.as_str()
    }

    /// The company, or its role where the promise names none.
    pub fn provider(&self) -> &str {
        self.provider.as_str()
    }

    /// The country in which it processes.
    pub fn location(&self) -> &Country {
        &self.location
    }

    /// The region inside the country.
    pub fn region(&self) -> Option<&str> {
        self.region.as_ref().map(Phrase::as_str)
    }

    /// The id of the purpose it serves.
    pub fn purpose(&self) -> &str {
        self.purpose.as_str()
    }

    /// The ids of the categories that it receives.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.categories.iter().map(Id::as_str)
    }

    /// What protects the transfer (ITT-9, TRK-10, OCK-11).
    pub fn safeguard(&self) -> Safeguard {
        self.safeguard
    }

    /// The agreement that binds it (CTK-5, GDPR Article 28(3)).
    pub fn agreement(&self) -> &str {
        self.agreement.as_str()
    }
}

/// A cookie of the register (ITT-14).
#[derive(Debug, Clone)]
pub struct Cookie {
    pub(super) name: Phrase,
    pub(super) category: CookieCategory,
    pub(super) purpose: Phrase,
    pub(super) lifetime: Lifetime,
}

impl Cookie {
    /// Its name in the browser.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Under which switch of the banner it falls.
    pub fn category(&self) -> CookieCategory {
        self.category
    }

    /// What it does, for people.
    pub fn purpose(&self) -> &str {
        self.purpose.as_str()
    }

    /// How long it lives.
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }
}
