//! The keys of records and of what hangs on them, and the names of the files' objects.

use jiff::Timestamp;

use super::{Key, Partition, Table, Tenant};
use crate::ids::{AttachmentId, EventId, ImportId};
use crate::policy::Class;
use crate::records::model::{Kind, RecordId};

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
