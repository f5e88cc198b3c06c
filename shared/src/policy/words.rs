//! The closed vocabularies of a manifest. Each is an enum with one spelling, used in TOML, JSON and log lines alike.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not one of the known words of its vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    what: &'static str,
    text: String,
    known: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown {} `{}`; known: {}",
            self.what,
            self.text,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownWord {}

macro_rules! words {
    ($what:literal; $(#[$meta:meta])* pub enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The one spelling of this value.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.into_iter().find(|word| word.as_str() == text);
                found.ok_or_else(|| UnknownWord { what: $what, text: text.to_owned(), known: &[$($text),+] })
            }
        }
    };
}

words! { "profile";
    /// One of the five operators whose promises the platform keeps.
    pub enum Profile {
        /// IT asset tracking, United Kingdom (ITT).
        Ittrackr = "ittrackr",
        /// Job-search management, Ukraine (TRK).
        Trackr = "trackr",
        /// Case management, United States (CTK).
        Casetrakr = "casetrakr",
        /// B2B platform with integrations, United Kingdom (OCK).
        Ocktra = "ocktra",
        /// Contract management, European Union (TDO).
        Trackado = "trackado",
    }
}

words! { "class";
    /// A retention class of stored data. Every stored type declares one; every manifest covers each exactly once.
    pub enum Class {
        /// Users, organisations, memberships, consents and preferences.
        Account = "account",
        /// What customers track: records, their timeline, attachments, imports.
        Content = "content",
        /// Tickets, contact messages and data-subject requests.
        Support = "support",
        /// Subscriptions, invoices and payment references.
        Billing = "billing",
        /// Usage events, security logs, analytics.
        Usage = "usage",
        /// Connections to other services and their tokens.
        Integration = "integration",
        /// What AI features read and wrote (TRK-2).
        Ai = "ai",
    }
}

words! { "role";
    /// In which role the operator handles a category (GDPR Article 4(7) and (8), ITT-1).
    pub enum Role {
        /// The operator decides why and how.
        Controller = "controller",
        /// The customer decides; the operator acts on instruction (OCK-7, CTK-2).
        Processor = "processor",
    }
}

words! { "lawful basis";
    /// A lawful basis of GDPR Article 6(1).
    pub enum LawfulBasis {
        /// Article 6(1)(a).
        Consent = "consent",
        /// Article 6(1)(b).
        Contract = "contract",
        /// Article 6(1)(c).
        LegalObligation = "legal_obligation",
        /// Article 6(1)(d).
        VitalInterests = "vital_interests",
        /// Article 6(1)(e).
        PublicTask = "public_task",
        /// Article 6(1)(f).
        LegitimateInterests = "legitimate_interests",
    }
}

words! { "hashing scheme";
    /// How passwords are hashed.
    pub enum PasswordScheme {
        /// Argon2id, the default.
        Argon2id = "argon2id",
        /// bcrypt, where the operator promises it by name (TRK-9).
        Bcrypt = "bcrypt",
    }
}

words! { "anchor";
    /// The event from which a retention period runs.
    pub enum Anchor {
        /// The data was collected or written.
        Collected = "collected",
        /// The person or organisation last used the service.
        LastActivity = "last_activity",
        /// The subscription was cancelled (TDO-8).
        Cancellation = "cancellation",
        /// The subscription term ended (OCK-12).
        TermEnd = "term_end",
        /// The account was deleted (TRK-7).
        AccountDeletion = "account_deletion",
        /// The organisation was deleted.
        OrganisationDeletion = "organisation_deletion",
        /// The ticket was closed (OCK-12).
        TicketClosed = "ticket_closed",
        /// The access of an integration was revoked (TRK-5).
        Revocation = "revocation",
    }
}

words! { "lifecycle event";
    /// A decision of a customer on which the manifest says what happens to each category.
    pub enum LifecycleEvent {
        /// A user deletes the account (TRK-7, TRK-8).
        AccountDeletion = "account_deletion",
        /// An owner deletes the organisation.
        OrganisationDeletion = "organisation_deletion",
        /// An owner cancels the subscription (TDO-8).
        Cancellation = "cancellation",
    }
}

words! { "hold scope";
    /// What one legal hold covers (CTK-6).
    pub enum HoldScope {
        /// The whole unit.
        Unit = "unit",
        /// Single items of the unit; the rest of it goes when it is due.
        Item = "item",
    }
}

words! { "safeguard";
    /// What protects a transfer of personal data to a processor (GDPR Chapter V).
    pub enum Safeguard {
        /// There is no transfer: same country, or both in the European Economic Area.
        NoTransfer = "no_transfer",
        /// An adequacy decision or regulation (Article 45).
        Adequacy = "adequacy",
        /// Standard contractual clauses (Article 46, ITT-9, TRK-10).
        Scc = "scc",
        /// The United Kingdom's international data transfer agreement (OCK-11).
        Idta = "idta",
        /// The clauses with the United Kingdom's addendum (OCK-11).
        UkAddendum = "uk_addendum",
        /// Binding corporate rules (Article 47).
        Bcr = "bcr",
    }
}

words! { "cookie category";
    /// A category of cookies, as the banner offers them (ITT-14, OCK-10). There is none for advertising.
    pub enum CookieCategory {
        /// Needed for the service; set without consent.
        Essential = "essential",
        /// Comfort; set with consent.
        Functional = "functional",
        /// Measurement; set with consent.
        Analytics = "analytics",
    }
}

words! { "notice channel";
    /// How a material change of the policy is announced (ITT-16, TRK-13, OCK-20).
    pub enum Channel {
        /// An email to every user.
        Email = "email",
        /// A message in the application.
        InApp = "in_app",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_spelling_in_text_and_json() {
        for class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(serde_json::to_string(&class).unwrap(), format!("\"{class}\""));
            assert_eq!(
                serde_json::from_str::<Class>(&format!("\"{class}\"")).unwrap(),
                class
            );
        }
        assert_eq!(Class::ALL.len(), 7);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let error = "sha1".parse::<PasswordScheme>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown hashing scheme `sha1`; known: argon2id, bcrypt"
        );
    }
}
