//! The registry of stored types.
//!
//! Every type that reaches a table declares here which class of the policy it falls under, whose data it is, what
//! identifies a person in it, and where the erasure engine finds it. The store takes nothing else: an undeclared type
//! does not compile. Erasure, and whatever publishes what is stored, walk this one list.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::email_change::{EmailChange, EmailChangeFacts};
use crate::accounts::model::{
    EmailGuard, Empty, Password, Session, SessionFacts, StaffMember, UserFacts, UserProfile, VerificationCode,
};
use crate::activity::model::{AccountActivity, ActivityFacts, OrganisationActivity};
use crate::attachments::model::{AttachmentFacts, AttachmentPayload};
use crate::erasure::model::{
    DueRow, Hold, Job, LedgerHead, LedgerLeaf, OpenJob, PendingLeaf, Unit, WrappedKey,
};
use crate::idempotency::{StoredAnswer, StoredAnswerFacts};
use crate::keys::{self, Partition, Tenant};
use crate::limits::Counter;
use crate::members::model::{Invitation, InvitationDue, InvitationFacts, InvitationGuard};
use crate::mfa::model::{CeremonyFacts, Challenge, FactorsReset, PendingFacts, PendingSignIn};
use crate::mfa::passkeys::{Authentication, Passkey, PasskeyFacts, PasskeyGuard, Registration};
use crate::mfa::recovery::RecoveryCodes;
use crate::mfa::totp::{Totp, TotpFacts};
use crate::organisations::model::{
    Belonging, BillingDetails, BillingFacts, Membership, OrganisationFacts, OrganisationProfile,
};
use crate::outbox::model::{MailFacts, MailHead, MailPayload};
use crate::policy::{Class, Role};
use crate::records::import::{ImportFacts, ImportReport};
use crate::records::model::{EventFacts, EventPayload, Kind, RecordFacts, RecordPayload, UniqueGuard};
use crate::service_accounts::model::{
    ApiKeyFacts, ApiKeyProfile, KeyDue, KeyUse, ServiceAccount, ServiceAccountFacts, ServiceCount,
};
use crate::softlock::Softlock;
use crate::sso::connections::{ConnectionFacts, StoredConnection};
use crate::sso::domains::{DomainFacts, DomainGuard, OwnedDomain};
use crate::sso::flows::FlowFacts;
use crate::sso::identities::{IdentityFacts, IdentityGuard};
use crate::sso::model::{Flow, Identity};
use crate::staff::model::{AccessFacts, AccessGrant};
use crate::unit::UnitId;

/// A type that may be stored.
pub trait Stored: Sized {
    /// What its items say in the clear.
    type Facts: Serialize + DeserializeOwned;
    /// What its items say sealed; `()` for types that hold no personal data.
    type Payload: Serialize + DeserializeOwned;
    /// Its declaration.
    const INFO: Info;
}

/// The declaration of a stored type.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// The type's name in items, in associated data and in exports.
    pub name: &'static str,
    /// Whether and how it is personal data.
    pub data: Data,
}

/// Whether and how a stored type is personal data.
#[derive(Debug, Clone, Copy)]
pub enum Data {
    /// It is, or belongs to, personal data.
    Personal {
        /// The retention class: which unit it is erased with.
        class: Class,
        /// Whose decision the data is.
        role: Role,
        /// Whose data it is: the path to the subject.
        subject: &'static str,
        /// The fields by which a person is found.
        identifiers: &'static [&'static str],
        /// How it appears in an export.
        export: Export,
        /// Where the erasure engine finds all of it for a unit.
        places: fn(UnitId) -> Vec<Place>,
    },
    /// Ids, states, instants and keyed hashes that no person can be found by.
    Operational {
        /// Why it may outlive what it is about.
        reason: &'static str,
    },
}

/// How a stored type appears in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// Clear and sealed part as JSON.
    Json,
    /// The bytes of the file beside the JSON.
    File,
    /// Not exported, with the reason that the export states.
    Withheld(&'static str),
}

/// Somewhere that data of a unit lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// All items of a partition of a table.
    Partition(Partition),
    /// The entries of a partition in the index by time of change; they go with their items, a little later.
    Index(Partition),
    /// All versions of all objects below a prefix of the files bucket.
    Objects(String),
}

fn none(_: UnitId) -> Vec<Place> {
    Vec::new()
}

fn of_user(unit: UnitId, partition: fn(crate::ids::UserId) -> Partition) -> Vec<Place> {
    match unit {
        UnitId::User(user) => vec![Place::Partition(partition(user))],
        UnitId::Organisation(..) => Vec::new(),
    }
}

fn of_organisation(unit: UnitId, class: Class, places: fn(Tenant) -> Vec<Place>) -> Vec<Place> {
    match unit {
        UnitId::Organisation(org, of) if of == class => places(Tenant::new(org)),
        UnitId::Organisation(..) | UnitId::User(_) => Vec::new(),
    }
}

macro_rules! stored_types {
    ($($payload:ty, $facts:ty => $type:ty, $name:literal, $data:expr;)*) => {
        $(
            impl Stored for $type {
                type Facts = $facts;
                type Payload = $payload;
                const INFO: Info = Info { name: $name, data: $data };
            }
        )*

        /// Every stored type.
        pub const REGISTRY: &[Info] = &[$(<$type as Stored>::INFO),*];
    };
}

const SECRET: Export =
    Export::Withheld("It is a secret that protects the account; its holder has it already.");
const INTERNAL: Export = Export::Withheld("It repeats other data in a form that only the service can use.");

stored_types! {
    UserProfile, UserFacts => UserProfile, "user", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &["email"], export: Export::Json,
        places: |unit| of_user(unit, keys::user_partition),
    };
    Password, Empty => Password, "password", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::user_partition),
    };
    (), EmailGuard => EmailGuard, "email_guard", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: INTERNAL,
        // Its key is a hash of the address, which the unit keeps: the transaction that destroys the key deletes it.
        places: none,
    };
    Session, SessionFacts => Session, "session", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_user(unit, keys::sessions),
    };
    (), VerificationCode => VerificationCode, "verification_code", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::sessions),
    };
    EmailChange, EmailChangeFacts => EmailChange, "email_change", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &["email"], export: Export::Json,
        places: |unit| of_user(unit, keys::sessions),
    };
    Totp, TotpFacts => Totp, "totp", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::user_partition),
    };
    RecoveryCodes, Empty => RecoveryCodes, "recovery_codes", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::user_partition),
    };
    Passkey, PasskeyFacts => Passkey, "passkey", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::user_partition),
    };
    (), PasskeyGuard => PasskeyGuard, "passkey_guard", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: INTERNAL,
        // Its key is a hash of the credential's id, which the unit keeps: it goes in the transaction that destroys the key.
        places: none,
    };
    Registration, CeremonyFacts => Registration, "passkey_registration", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::sessions),
    };
    Authentication, CeremonyFacts => Authentication, "passkey_check", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::sessions),
    };
    PendingSignIn, PendingFacts => PendingSignIn, "pending_sign_in", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: SECRET,
        places: |unit| of_user(unit, keys::sessions),
    };
    (), FactorsReset => FactorsReset, "factors_reset", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    (), StaffMember => StaffMember, "staff_member", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_user(unit, keys::user_partition),
    };
    (), Belonging => Belonging, "belonging", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_user(unit, keys::user_partition),
    };
    AccountActivity, ActivityFacts => AccountActivity, "account_activity", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_user(unit, keys::account_activities),
    };
    (), OrganisationActivity => OrganisationActivity, "organisation_activity", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_activities(tenant))]
        }),
    };
    ServiceAccount, ServiceAccountFacts => ServiceAccount, "service_account", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| vec![Place::Partition(keys::api_keys(tenant))]),
    };
    (), ServiceCount => ServiceCount, "service_count", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: INTERNAL,
        places: |unit| of_organisation(unit, Class::Account, |tenant| vec![Place::Partition(keys::api_keys(tenant))]),
    };
    ApiKeyProfile, ApiKeyFacts => ApiKeyProfile, "api_key", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: SECRET,
        places: |unit| of_organisation(unit, Class::Account, |tenant| vec![Place::Partition(keys::api_keys(tenant))]),
    };
    AccessGrant, AccessFacts => AccessGrant, "access_grant", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| vec![Place::Partition(keys::accesses(tenant))]),
    };
    MailPayload, MailFacts => MailPayload, "mail", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &["to"], export: Export::Json,
        places: |unit| match unit {
            UnitId::User(_) | UnitId::Organisation(_, Class::Account) => vec![Place::Partition(keys::mails(unit))],
            UnitId::Organisation(..) => Vec::new(),
        },
    };
    OrganisationProfile, OrganisationFacts => OrganisationProfile, "organisation", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    (), Membership => Membership, "membership", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    Invitation, InvitationFacts => Invitation, "invitation", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "invitation", identifiers: &["email"],
        export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    (), InvitationGuard => InvitationGuard, "invitation_guard", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "invitation", identifiers: &[], export: INTERNAL,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    Identity, IdentityFacts => Identity, "identity", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &["subject"], export: Export::Json,
        places: |unit| of_user(unit, keys::user_partition),
    };
    (), IdentityGuard => IdentityGuard, "identity_guard", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "user", identifiers: &[], export: INTERNAL,
        // Its key is a hash of the identity, which the unit keeps: it goes in the transaction that destroys the key.
        places: none,
    };
    Flow, FlowFacts => Flow, "sso_flow", Data::Operational {
        reason: "It names a connection; the rest is sealed with the organisation's account, and it goes soon after ten \
                 minutes.",
    };
    StoredConnection, ConnectionFacts => StoredConnection, "connection", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: SECRET,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    OwnedDomain, DomainFacts => OwnedDomain, "domain", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::organisation_partition(tenant))]
        }),
    };
    (), DomainGuard => DomainGuard, "domain_guard", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: INTERNAL,
        // Its key is a hash of the domain, which the unit keeps: it goes in the transaction that destroys the key.
        places: none,
    };
    BillingDetails, BillingFacts => BillingDetails, "billing_details", Data::Personal {
        class: Class::Billing, role: Role::Controller, subject: "organisation", identifiers: &["name", "vat_number"],
        export: Export::Json,
        places: |unit| of_organisation(unit, Class::Billing, |tenant| {
            vec![Place::Partition(keys::billing_partition(tenant))]
        }),
    };
    RecordPayload, RecordFacts => RecordPayload, "record", Data::Personal {
        class: Class::Content, role: Role::Processor, subject: "record.fields",
        identifiers: &["email", "license_email", "employee_num"], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Content, |tenant| {
            let partitions = || Kind::ALL.into_iter().map(move |kind| keys::records(tenant, kind));
            partitions().map(Place::Partition).chain(partitions().map(Place::Index)).collect()
        }),
    };
    EventPayload, EventFacts => EventPayload, "event", Data::Personal {
        class: Class::Content, role: Role::Processor, subject: "event.changes", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Content, |tenant| vec![Place::Partition(keys::events(tenant))]),
    };
    (), UniqueGuard => UniqueGuard, "unique_guard", Data::Personal {
        class: Class::Content, role: Role::Processor, subject: "record.fields", identifiers: &[], export: INTERNAL,
        places: |unit| of_organisation(unit, Class::Content, |tenant| vec![Place::Partition(keys::uniques(tenant))]),
    };
    AttachmentPayload, AttachmentFacts => AttachmentPayload, "attachment", Data::Personal {
        class: Class::Content, role: Role::Processor, subject: "record.attachments", identifiers: &[],
        export: Export::File,
        places: |unit| of_organisation(unit, Class::Content, |tenant| vec![
            Place::Partition(keys::attachments(tenant)),
            Place::Objects(keys::object_prefix(tenant, Class::Content)),
        ]),
    };
    ImportReport, ImportFacts => ImportReport, "import", Data::Personal {
        class: Class::Content, role: Role::Processor, subject: "import.lines", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Content, |tenant| vec![Place::Partition(keys::imports(tenant))]),
    };
    StoredAnswer, StoredAnswerFacts => StoredAnswer, "stored_answer", Data::Personal {
        class: Class::Content, role: Role::Processor, subject: "record.fields", identifiers: &[], export: INTERNAL,
        places: |unit| of_organisation(unit, Class::Content, |tenant| {
            vec![Place::Partition(keys::idempotency_partition(tenant))]
        }),
    };
    (), KeyUse => KeyUse, "key_use", Data::Personal {
        class: Class::Account, role: Role::Controller, subject: "organisation", identifiers: &[], export: Export::Json,
        places: |unit| of_organisation(unit, Class::Account, |tenant| {
            vec![Place::Partition(keys::api_key_uses(tenant))]
        }),
    };
    (), KeyDue => KeyDue, "key_due", Data::Operational {
        reason: "It names an API key and an hour, and goes when that hour comes.",
    };
    (), InvitationDue => InvitationDue, "invitation_due", Data::Operational {
        reason: "It names an invitation and an hour, and goes when that hour comes.",
    };
    (), Challenge => Challenge, "challenge", Data::Operational {
        reason: "It is random, nobody's, and goes soon after five minutes.",
    };
    (), WrappedKey => WrappedKey, "wrapped_key", Data::Operational {
        reason: "It is random, and destroyed in the transaction that fences the unit.",
    };
    (), Unit => Unit, "unit", Data::Operational {
        reason: "It proves that the unit existed and was erased; its e-mail hash goes with the key.",
    };
    (), DueRow => DueRow, "due_row", Data::Operational { reason: "It names a unit and an hour." };
    (), Hold => Hold, "hold", Data::Operational { reason: "It documents why a unit was kept; without personal data." };
    (), Job => Job, "job", Data::Operational { reason: "It holds the receipt, which outlives what was erased." };
    (), OpenJob => OpenJob, "open_job", Data::Operational { reason: "It names a job." };
    (), PendingLeaf => PendingLeaf, "pending_leaf", Data::Operational { reason: "It is on its way into the ledger." };
    (), LedgerLeaf => LedgerLeaf, "ledger_leaf", Data::Operational { reason: "The ledger is kept for ever." };
    (), LedgerHead => LedgerHead, "ledger_head", Data::Operational { reason: "The ledger is kept for ever." };
    (), Counter => Counter, "counter", Data::Operational {
        reason: "It is a number under a keyed hash, and goes soon after its window.",
    };
    (), Softlock => Softlock, "softlock", Data::Operational {
        reason: "It is a number and instants under a keyed hash of an address, which may be nobody's.",
    };
    (), MailHead => MailHead, "mail_head", Data::Operational {
        reason: "It says when a mail is tried next; the mail itself is sealed with the account.",
    };
}

/// Every place where data of `unit` may lie, each once, in the order in which it is deleted.
pub fn places(unit: UnitId) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for info in REGISTRY {
        if let Data::Personal { places: of, .. } = info.data {
            for place in of(unit) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
    }
    places
}

/// The classes of which an organisation has a unit.
pub fn classes_of_organisation() -> Vec<Class> {
    let org = crate::ids::OrgId::from_bits(0);
    Class::ALL
        .into_iter()
        .filter(|&class| !places(UnitId::Organisation(org, class)).is_empty())
        .collect()
}

/// The personal types with class and role, as the policy check wants them.
pub fn classified() -> impl Iterator<Item = (&'static str, Class, Role)> {
    REGISTRY.iter().filter_map(|info| match info.data {
        Data::Personal { class, role, .. } => Some((info.name, class, role)),
        Data::Operational { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{OrgId, UserId};
    use crate::policy::Profile;

    #[test]
    fn every_policy_covers_every_stored_type() {
        for profile in Profile::ALL {
            crate::policy::check_registry(&profile.policy(), classified()).unwrap_or_else(|errors| {
                panic!("{profile}: {errors:?}");
            });
        }
    }

    #[test]
    fn every_personal_type_is_found_in_the_unit_of_its_class() {
        let org = OrgId::from_bits(1);
        let user = UnitId::User(UserId::from_bits(2));
        for info in REGISTRY {
            let Data::Personal { class, places, .. } = info.data else {
                continue;
            };
            let found = places(UnitId::Organisation(org, class)).len() + places(user).len();
            assert!(
                found > 0
                    || matches!(
                        info.name,
                        "email_guard" | "passkey_guard" | "identity_guard" | "domain_guard"
                    ),
                "{} is nowhere",
                info.name
            );
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = REGISTRY.iter().map(|info| info.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REGISTRY.len());
    }
}
