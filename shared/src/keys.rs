//! Every key of every table, built in this one file and from typed ids only.
//!
//! The parts are ids, fixed words, hex digests and zero-padded numbers. None can contain `#`, so joining them with
//! `#` is injective; a property test holds that.

use jiff::Timestamp;

use crate::ids::{
    AccessId, ActivityId, ApiKeyId, AttachmentId, ConnectionId, DomainId, ErasureId, EventId, HoldId,
    IdentityId, ImportId, InvitationId, LedgerEntryId, MailId, OrgId, PasskeyId, ServiceAccountId, SessionId,
    UserId,
};
use crate::policy::Class;
use crate::records::model::{Kind, RecordId};
use crate::retention::HourBucket;
use crate::unit::UnitId;

/// A table: they differ by how they are backed up and who may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What customers entrust: sealed payloads. Point-in-time recovery, no TTL.
    Core,
    /// Units, due rows, holds, jobs, ledger and outbox heads: ids and keyed hashes only.
    Control,
    /// Wrapped data keys. In no long backup, so that a destroyed key stays destroyed.
    Keys,
    /// Sessions, one-time codes, idempotency rows. TTL is housekeeping; readers check the time themselves.
    Ephemeral,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 4] = [Self::Core, Self::Control, Self::Keys, Self::Ephemeral];

    /// The table's name in associated data and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Control => "control",
            Self::Keys => "keys",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The table.
    pub table: Table,
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(table: Table, pk: String, sk: impl Into<String>) -> Self {
        Self {
            table,
            pk,
            sk: sk.into(),
        }
    }

    /// A key read back from an item of `table`.
    pub(crate) fn of_item(table: Table, pk: &str, sk: &str) -> Self {
        Self {
            table,
            pk: pk.to_owned(),
            sk: sk.to_owned(),
        }
    }

    /// The partition key's value.
    pub fn partition(&self) -> &str {
        &self.pk
    }

    /// The sort key's value.
    pub fn sort(&self) -> &str {
        &self.sk
    }
}

/// A partition, or the part of it whose sort keys begin with `prefix`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The table.
    pub table: Table,
    pub(crate) pk: String,
    pub(crate) prefix: String,
}

impl Partition {
    fn new(table: Table, pk: String) -> Self {
        Self {
            table,
            pk,
            prefix: String::new(),
        }
    }

    /// The key of the item whose sort key is `sk` in this partition.
    pub(crate) fn key(&self, sk: &str) -> Key {
        Key {
            table: self.table,
            pk: self.pk.clone(),
            sk: sk.to_owned(),
        }
    }
}

/// The right to name one organisation's items. Only an authenticated request for that organisation, or the erasure
/// engine working on one of its units, can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant(OrgId);

impl Tenant {
    pub(crate) const fn new(org: OrgId) -> Self {
        Self(org)
    }

    /// The organisation.
    pub const fn org(self) -> OrgId {
        self.0
    }
}

/// The sort key of an entity that is alone in its partition.
const ALONE: &str = "A";

// Accounts.

pub(crate) fn user(user: UserId) -> Key {
    Key::new(Table::Core, user_partition_name(user), ALONE)
}

pub(crate) fn password(user: UserId) -> Key {
    Key::new(Table::Core, user_partition_name(user), "PASSWORD")
}

fn user_partition_name(user: UserId) -> String {
    format!("USER#{user}")
}

pub(crate) fn user_partition(user: UserId) -> Partition {
    Partition::new(Table::Core, user_partition_name(user))
}

/// Guards the uniqueness of an e-mail address; `digest` is its keyed hash in hex.
pub(crate) fn email_guard(digest: &str) -> Key {
    Key::new(Table::Core, format!("EMAIL#{digest}"), ALONE)
}

/// A mail, by the unit whose key seals it: the account of the person it goes to, or the organisation that invites.
pub(crate) fn mail(unit: UnitId, mail: MailId) -> Key {
    Key::new(Table::Core, format!("MAIL#{unit}"), mail.to_string())
}

pub(crate) fn mails(unit: UnitId) -> Partition {
    Partition::new(Table::Core, format!("MAIL#{unit}"))
}

pub(crate) fn session(user: UserId, session: SessionId) -> Key {
    Key::new(Table::Ephemeral, format!("SESSION#{user}"), session.to_string())
}

/// The one-time code that verifies a user's e-mail address: one per user, so a new one replaces the old.
pub(crate) fn verification_code(user: UserId) -> Key {
    Key::new(Table::Ephemeral, format!("SESSION#{user}"), "CODE#EMAIL")
}

pub(crate) fn sessions(user: UserId) -> Partition {
    Partition::new(Table::Ephemeral, format!("SESSION#{user}"))
}

/// The sessions alone, without the codes that lie beside them.
pub(crate) fn live_sessions(user: UserId) -> Partition {
    Partition {
        prefix: "session_".to_owned(),
        ..sessions(user)
    }
}

/// Whether a key of [`sessions`] is that of a session or of a pending sign-in, and not of a code.
pub(crate) fn is_session_or_sign_in(key: &Key) -> bool {
    ["session_", "PENDING#"]
        .iter()
        .any(|prefix| key.sk.starts_with(prefix))
}

/// A code or ceremony of a user that works once; `purpose` is a fixed word, so a new one replaces the old.
pub(crate) fn one_time(user: UserId, purpose: &'static str) -> Key {
    Key::new(
        Table::Ephemeral,
        format!("SESSION#{user}"),
        format!("CODE#{purpose}"),
    )
}

/// A pending sign-in that still needs a second factor.
pub(crate) fn pending_sign_in(user: UserId, pending: SessionId) -> Key {
    Key::new(
        Table::Ephemeral,
        format!("SESSION#{user}"),
        format!("PENDING#{pending}"),
    )
}

/// That a user is one of the operator's staff.
pub(crate) fn staff(user: UserId) -> Key {
    Key::new(Table::Core, user_partition_name(user), "STAFF")
}

pub(crate) fn totp(user: UserId) -> Key {
    Key::new(Table::Core, user_partition_name(user), "TOTP")
}

pub(crate) fn recovery_codes(user: UserId) -> Key {
    Key::new(Table::Core, user_partition_name(user), "RECOVERY")
}

pub(crate) fn passkey(user: UserId, passkey: PasskeyId) -> Key {
    Key::new(Table::Core, user_partition_name(user), passkey.to_string())
}

pub(crate) fn passkeys(user: UserId) -> Partition {
    Partition {
        prefix: "passkey_".to_owned(),
        ..user_partition(user)
    }
}

/// Guards that a passkey belongs to one user; `digest` is the keyed hash of its credential id in hex.
pub(crate) fn passkey_guard(digest: &str) -> Key {
    Key::new(Table::Core, format!("PASSKEY#{digest}"), ALONE)
}

/// That a user belongs to an organisation, for the user's own list.
pub(crate) fn belonging(user: UserId, org: OrgId) -> Key {
    Key::new(Table::Core, user_partition_name(user), org.to_string())
}

pub(crate) fn belongings(user: UserId) -> Partition {
    Partition {
        prefix: "org_".to_owned(),
        ..user_partition(user)
    }
}

pub(crate) fn account_activity(user: UserId, activity: ActivityId) -> Key {
    Key::new(Table::Ephemeral, format!("ACTIVITY#{user}"), activity.to_string())
}

pub(crate) fn account_activities(user: UserId) -> Partition {
    Partition::new(Table::Ephemeral, format!("ACTIVITY#{user}"))
}

/// What is counted of one subject in one window, which begins at `start`; `digest` is the subject's keyed hash in hex.
pub(crate) fn limit(name: &'static str, digest: &str, start: Timestamp) -> Key {
    Key::new(
        Table::Ephemeral,
        format!("LIMIT#{name}#{digest}"),
        format!("{:012}", start.as_second().max(0)),
    )
}

/// The failures of one account; `digest` is the keyed hash of its address in hex.
pub(crate) fn softlock(digest: &str) -> Key {
    Key::new(Table::Ephemeral, format!("SOFTLOCK#{digest}"), ALONE)
}

/// The challenge of a sign-in by passkey, which is nobody's yet; `name` is random and in hex.
pub(crate) fn ceremony(name: &str) -> Key {
    Key::new(Table::Ephemeral, format!("CEREMONY#{name}"), ALONE)
}

// Organisations.

/// That somebody asked to remove a member's lost factors.
pub(crate) fn factors_reset(tenant: Tenant, user: UserId) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        format!("RESET#{user}"),
    )
}

pub(crate) fn organisation(tenant: Tenant) -> Key {
    Key::new(Table::Core, format!("ORG#{}", tenant.org()), ALONE)
}

pub(crate) fn membership(tenant: Tenant, user: UserId) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        format!("MEMBER#{user}"),
    )
}

/// The memberships of an organisation.
pub(crate) fn memberships(tenant: Tenant) -> Partition {
    Partition {
        prefix: "MEMBER#".to_owned(),
        ..organisation_partition(tenant)
    }
}

pub(crate) fn invitation(tenant: Tenant, invitation: InvitationId) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        invitation.to_string(),
    )
}

pub(crate) fn invitations(tenant: Tenant) -> Partition {
    Partition {
        prefix: "invitation_".to_owned(),
        ..organisation_partition(tenant)
    }
}

/// Guards that an address is invited once; `digest` is its keyed hash in hex.
pub(crate) fn invitation_guard(tenant: Tenant, digest: &str) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        format!("INVITED#{digest}"),
    )
}

pub(crate) fn service_account(tenant: Tenant, service: ServiceAccountId) -> Key {
    Key::new(
        Table::Core,
        format!("APIKEY#{}", tenant.org()),
        service.to_string(),
    )
}

pub(crate) fn api_key(tenant: Tenant, key: ApiKeyId) -> Key {
    Key::new(Table::Core, format!("APIKEY#{}", tenant.org()), key.to_string())
}

/// The service accounts of an organisation, without their keys.
pub(crate) fn service_accounts(tenant: Tenant) -> Partition {
    Partition {
        prefix: "service_".to_owned(),
        ..api_keys(tenant)
    }
}

/// The API keys of all service accounts of an organisation.
pub(crate) fn only_api_keys(tenant: Tenant) -> Partition {
    Partition {
        prefix: "key_".to_owned(),
        ..api_keys(tenant)
    }
}

/// How many service accounts an organisation has.
pub(crate) fn service_count(tenant: Tenant) -> Key {
    api_keys(tenant).key("COUNT")
}

/// The service accounts and API keys of an organisation.
pub(crate) fn api_keys(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("APIKEY#{}", tenant.org()))
}

/// When an API key was last used.
pub(crate) fn api_key_use(tenant: Tenant, key: ApiKeyId) -> Key {
    api_key_uses(tenant).key(&key.to_string())
}

/// When the API keys of an organisation were last used.
pub(crate) fn api_key_uses(tenant: Tenant) -> Partition {
    Partition::new(Table::Ephemeral, format!("KEYUSE#{}", tenant.org()))
}

pub(crate) fn access(tenant: Tenant, access: AccessId) -> Key {
    Key::new(
        Table::Core,
        format!("ACCESS#{}", tenant.org()),
        access.to_string(),
    )
}

/// The exceptional access to an organisation's records, of all times.
pub(crate) fn accesses(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("ACCESS#{}", tenant.org()))
}

pub(crate) fn organisation_activity(tenant: Tenant, activity: ActivityId) -> Key {
    Key::new(
        Table::Ephemeral,
        format!("ACTIVITY#{}", tenant.org()),
        activity.to_string(),
    )
}

pub(crate) fn organisation_activities(tenant: Tenant) -> Partition {
    Partition::new(Table::Ephemeral, format!("ACTIVITY#{}", tenant.org()))
}

pub(crate) fn organisation_partition(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("ORG#{}", tenant.org()))
}

pub(crate) fn billing(tenant: Tenant) -> Key {
    Key::new(Table::Core, format!("BILLING#{}", tenant.org()), ALONE)
}

pub(crate) fn billing_partition(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("BILLING#{}", tenant.org()))
}

pub(crate) fn idempotency(tenant: Tenant, digest: &str) -> Key {
    Key::new(Table::Ephemeral, format!("IDEMPOTENCY#{}", tenant.org()), digest)
}

pub(crate) fn idempotency_partition(tenant: Tenant) -> Partition {
    Partition::new(Table::Ephemeral, format!("IDEMPOTENCY#{}", tenant.org()))
}

// Records.

pub(crate) fn record(tenant: Tenant, record: RecordId) -> Key {
    Key::new(
        Table::Core,
        records_partition_name(tenant, record.kind()),
        record.to_string(),
    )
}

fn records_partition_name(tenant: Tenant, kind: Kind) -> String {
    format!("RECORD#{}#{kind}", tenant.org())
}

pub(crate) fn records(tenant: Tenant, kind: Kind) -> Partition {
    Partition::new(Table::Core, records_partition_name(tenant, kind))
}

/// The sort key of a record in the index by time of change.
pub(crate) fn updated_sort(updated_at: Timestamp, record: RecordId) -> String {
    format!("{:014}#{record}", updated_at.as_millisecond().max(0))
}

pub(crate) fn event(tenant: Tenant, record: RecordId, event: EventId) -> Key {
    Key::new(
        Table::Core,
        format!("EVENT#{}", tenant.org()),
        format!("{record}#{event}"),
    )
}

pub(crate) fn events_of(tenant: Tenant, record: RecordId) -> Partition {
    Partition {
        prefix: format!("{record}#"),
        ..events(tenant)
    }
}

pub(crate) fn events(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("EVENT#{}", tenant.org()))
}

/// Guards the uniqueness of a field within an organisation; `digest` is the value's keyed hash in hex.
pub(crate) fn unique(tenant: Tenant, kind: Kind, field: &'static str, digest: &str) -> Key {
    Key::new(
        Table::Core,
        format!("UNIQUE#{}", tenant.org()),
        format!("{kind}#{field}#{digest}"),
    )
}

pub(crate) fn uniques(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("UNIQUE#{}", tenant.org()))
}

pub(crate) fn attachment(tenant: Tenant, record: RecordId, attachment: AttachmentId) -> Key {
    Key::new(
        Table::Core,
        format!("ATTACHMENT#{}", tenant.org()),
        format!("{record}#{attachment}"),
    )
}

pub(crate) fn attachments_of(tenant: Tenant, record: RecordId) -> Partition {
    Partition {
        prefix: format!("{record}#"),
        ..attachments(tenant)
    }
}

pub(crate) fn attachments(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("ATTACHMENT#{}", tenant.org()))
}

pub(crate) fn import(tenant: Tenant, import: ImportId) -> Key {
    Key::new(
        Table::Core,
        format!("IMPORT#{}", tenant.org()),
        import.to_string(),
    )
}

pub(crate) fn imports(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("IMPORT#{}", tenant.org()))
}

/// The object that holds an attachment's bytes. Its name says nothing of the file's.
pub fn object(tenant: Tenant, class: Class, attachment: AttachmentId) -> String {
    format!("{}{attachment}", object_prefix(tenant, class))
}

/// The prefix of every object of one unit.
pub fn object_prefix(tenant: Tenant, class: Class) -> String {
    format!("org/{}/{}/", tenant.org(), class.as_str())
}

// Keys and control.

pub(crate) fn data_key(unit: UnitId) -> Key {
    Key::new(Table::Keys, format!("UNIT#{unit}"), ALONE)
}

pub(crate) fn unit(unit: UnitId) -> Key {
    Key::new(Table::Control, format!("UNIT#{unit}"), ALONE)
}

pub(crate) fn hold(unit: UnitId, hold: HoldId) -> Key {
    Key::new(Table::Control, format!("UNIT#{unit}"), format!("HOLD#{hold}"))
}

pub(crate) fn holds(unit: UnitId) -> Partition {
    Partition {
        table: Table::Control,
        pk: format!("UNIT#{unit}"),
        prefix: "HOLD#".to_owned(),
    }
}

/// How many partitions the work of a schedule is spread over.
pub const SHARDS: u8 = 4;

/// The shard of an id: its last bits, which are random.
pub(crate) fn shard(bits: u128) -> u8 {
    (bits % u128::from(SHARDS)) as u8
}

/// One due row per unit, in the order of the hour in which it is due.
pub(crate) fn due(class: Class, unit: UnitId, hour: HourBucket) -> Key {
    due_partition(class, shard(unit.bits())).key(&format!("{hour}#{unit}"))
}

pub(crate) fn due_partition(class: Class, shard: u8) -> Partition {
    Partition::new(Table::Control, format!("DUE#{}#{shard}", class.as_str()))
}

/// One row per API key whose end is to be announced, in the order of the hour in which it is.
pub(crate) fn key_due(key: ApiKeyId, hour: HourBucket) -> Key {
    key_due_partition(shard(key.bits())).key(&format!("{hour}#{key}"))
}

pub(crate) fn key_due_partition(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("KEYDUE#{shard}"))
}

pub(crate) fn job(erasure: ErasureId) -> Key {
    Key::new(Table::Control, format!("JOB#{erasure}"), ALONE)
}

pub(crate) fn open_job(erasure: ErasureId) -> Key {
    open_jobs(shard(erasure.bits())).key(&erasure.to_string())
}

pub(crate) fn open_jobs(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("OPENJOBS#{shard}"))
}

pub(crate) fn ledger_head() -> Key {
    Key::new(Table::Control, "LEDGER".to_owned(), "HEAD")
}

pub(crate) fn ledger_pending(entry: LedgerEntryId) -> Key {
    ledger_pendings().key(&entry.to_string())
}

pub(crate) fn ledger_pendings() -> Partition {
    Partition::new(Table::Control, "LEDGERPENDING".to_owned())
}

/// Leaves lie 256 to a partition, like the tiles they go into.
pub(crate) fn ledger_leaf(index: u64) -> Key {
    ledger_leaves(index / 256).key(&format!("{index:020}"))
}

pub(crate) fn ledger_leaves(bundle: u64) -> Partition {
    Partition::new(Table::Control, format!("LEDGERLEAF#{bundle:020}"))
}

/// The head of a mail in the outbox: what is to be sent, and when next.
pub(crate) fn outbox(unit: UnitId, mail: MailId) -> Key {
    outbox_partition(shard(mail.bits())).key(&format!("{unit}#{mail}"))
}

pub(crate) fn outbox_partition(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("OUTBOX#{shard}"))
}

// Single sign-on: identities and flows.

pub(crate) fn identity(user: UserId, identity: IdentityId) -> Key {
    user_partition(user).key(&identity.to_string())
}

pub(crate) fn identities(user: UserId) -> Partition {
    Partition {
        prefix: "identity_".to_owned(),
        ..user_partition(user)
    }
}

/// Guards that an identity is linked to one user; `digest` is the keyed hash of connection, issuer and subject in hex.
pub(crate) fn identity_guard(digest: &str) -> Key {
    Key::new(Table::Core, format!("IDENTITY#{digest}"), ALONE)
}

/// A sign-in that is under way at a provider; `digest` is that of its state in hex.
pub(crate) fn sso_flow(digest: &str) -> Key {
    Key::new(Table::Ephemeral, format!("SSOFLOW#{digest}"), ALONE)
}

// Single sign-on: connections and domains.

pub(crate) fn connection(tenant: Tenant, connection: ConnectionId) -> Key {
    organisation_partition(tenant).key(&connection.to_string())
}

pub(crate) fn connections(tenant: Tenant) -> Partition {
    Partition {
        prefix: "connection_".to_owned(),
        ..organisation_partition(tenant)
    }
}

pub(crate) fn domain(tenant: Tenant, domain: DomainId) -> Key {
    organisation_partition(tenant).key(&domain.to_string())
}

pub(crate) fn domains(tenant: Tenant) -> Partition {
    Partition {
        prefix: "domain_".to_owned(),
        ..organisation_partition(tenant)
    }
}

/// Guards that a domain is one organisation's; `digest` is the keyed hash of its name in hex.
pub(crate) fn domain_guard(digest: &str) -> Key {
    Key::new(Table::Core, format!("DOMAIN#{digest}"), ALONE)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::ids::uuid_v7;

    /// Every key of every kind for a few ids, with what went into it.
    fn all(ids: &[u128], hour: HourBucket) -> Vec<(String, Key)> {
        let mut keys = Vec::new();
        for &a in ids {
            let (user_id, org) = (UserId::from_bits(a), OrgId::from_bits(a));
            let tenant = Tenant::new(org);
            let mut add = |what: String, key: Key| keys.push((what, key));
            add(format!("user {a}"), user(user_id));
            add(format!("password {a}"), password(user_id));
            add(format!("code {a}"), verification_code(user_id));
            add(format!("organisation {a}"), organisation(tenant));
            add(format!("billing {a}"), billing(tenant));
            add(format!("job {a}"), job(ErasureId::from_bits(a)));
            add(format!("open job {a}"), open_job(ErasureId::from_bits(a)));
            add(
                format!("pending {a}"),
                ledger_pending(LedgerEntryId::from_bits(a)),
            );
            add(format!("digest {a}"), email_guard(&format!("{a:032x}")));
            add(format!("service count {a}"), service_count(tenant));
            add(format!("key due {a}"), key_due(ApiKeyId::from_bits(a), hour));
            add(format!("softlock {a}"), softlock(&format!("{a:032x}")));
            add(
                format!("identity guard {a}"),
                identity_guard(&format!("{a:032x}")),
            );
            add(format!("flow {a}"), sso_flow(&format!("{a:032x}")));
            add(format!("domain guard {a}"), domain_guard(&format!("{a:032x}")));
            for name in ["mail", "mail-address"] {
                add(
                    format!("{name} {a}"),
                    limit(name, &format!("{a:032x}"), hour.start()),
                );
            }
            let mut units: Vec<_> = Class::ALL
                .into_iter()
                .map(|class| UnitId::Organisation(org, class))
                .collect();
            units.push(UnitId::User(user_id));
            for id in units {
                add(format!("unit {id}"), unit(id));
                add(format!("key {id}"), data_key(id));
                add(format!("due {id}"), due(id.class(), id, hour));
            }
            for &b in ids {
                let mut add = |what: &str, key: Key| keys.push((format!("{what} {a} {b}"), key));
                add("membership", membership(tenant, UserId::from_bits(b)));
                add("session", session(user_id, SessionId::from_bits(b)));
                let (person, account) = (UnitId::User(user_id), UnitId::Organisation(org, Class::Account));
                add("mail", mail(person, MailId::from_bits(b)));
                add("outbox", outbox(person, MailId::from_bits(b)));
                add("mail of an organisation", mail(account, MailId::from_bits(b)));
                add("outbox of an organisation", outbox(account, MailId::from_bits(b)));
                add("invitation", invitation(tenant, InvitationId::from_bits(b)));
                add("invited", invitation_guard(tenant, &format!("{b:064x}")));
                add("identity", identity(user_id, IdentityId::from_bits(b)));
                add("connection", connection(tenant, ConnectionId::from_bits(b)));
                add("domain", domain(tenant, DomainId::from_bits(b)));
                add("belonging", belonging(user_id, OrgId::from_bits(b)));
                add("import", import(tenant, ImportId::from_bits(b)));
                add(
                    "service account",
                    service_account(tenant, ServiceAccountId::from_bits(b)),
                );
                add("API key", api_key(tenant, ApiKeyId::from_bits(b)));
                add("key use", api_key_use(tenant, ApiKeyId::from_bits(b)));
                add(
                    "activity",
                    organisation_activity(tenant, ActivityId::from_bits(b)),
                );
                add(
                    "own activity",
                    account_activity(user_id, ActivityId::from_bits(b)),
                );
                add("idempotency", idempotency(tenant, &format!("{b:064x}")));
                add("hold", hold(UnitId::User(user_id), HoldId::from_bits(b)));
                for kind in Kind::ALL {
                    let mut random = [0; 10];
                    random.copy_from_slice(&b.to_be_bytes()[6..]);
                    let id = RecordId::new(kind, hour.start(), random);
                    let mut add = |what: &str, key: Key| keys.push((format!("{what} {a} {id}"), key));
                    add("record", record(tenant, id));
                    add("event", event(tenant, id, EventId::from_bits(a)));
                    add("attachment", attachment(tenant, id, AttachmentId::from_bits(a)));
                    add("unique", unique(tenant, kind, "serial", &format!("{b:064x}")));
                }
            }
        }
        keys
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn two_different_inputs_never_give_one_key(ids in prop::collection::vec(any::<u128>(), 1..4), hours in 0_i64..500_000) {
            let hour = HourBucket::of(Timestamp::from_second(hours * 3_600).unwrap());
            let mut seen: HashMap<Key, String> = HashMap::new();
            for (what, key) in all(&ids, hour) {
                if let Some(other) = seen.insert(key.clone(), what.clone()) {
                    prop_assert_eq!(other, what, "{:?}", key);
                }
            }
        }

        #[test]
        fn ids_sort_by_time_as_text(first in 0_i64..4_000_000_000_000, second in 0_i64..4_000_000_000_000) {
            let id = |millis| EventId::from_bits(uuid_v7(Timestamp::from_millisecond(millis).unwrap(), [0; 10]));
            prop_assert_eq!(first.cmp(&second), id(first).to_string().cmp(&id(second).to_string()));
        }
    }
}
