//! The keys of mails and of the outbox.

use super::{Key, Partition, Table, shard};
use crate::ids::MailId;
use crate::unit::UnitId;

/// A mail, by the unit whose key seals it: the account of the person it goes to, or the organisation that invites.
pub(crate) fn mail(unit: UnitId, mail: MailId) -> Key {
    Key::new(Table::Core, format!("MAIL#{unit}"), mail.to_string())
}

pub(crate) fn mails(unit: UnitId) -> Partition {
    Partition::new(Table::Core, format!("MAIL#{unit}"))
}

/// The head of a mail in the outbox: what is to be sent, and when next.
pub(crate) fn outbox(unit: UnitId, mail: MailId) -> Key {
    outbox_partition(shard(mail.bits())).key(&format!("{unit}#{mail}"))
}

pub(crate) fn outbox_partition(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("OUTBOX#{shard}"))
}
