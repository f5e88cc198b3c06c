//! The keys of sessions, one-time codes, ceremonies and what is counted against guessing.

use jiff::Timestamp;

use super::{ALONE, Key, Partition, Table};
use crate::ids::{SessionId, UserId};

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
