//! The keys of people's accounts: credentials, factors, what they belong to and what they did.

use super::{ALONE, Key, Partition, Table};
use crate::ids::{ActivityId, OrgId, PasskeyId, UserId};

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
