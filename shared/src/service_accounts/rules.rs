//! What an API key may be. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::auth::{Action, Grants, RecordScope};
use crate::error::{Result, Violations};
use crate::records::model::Kind;

/// The most service accounts of an organisation.
pub const MAX_ACCOUNTS: u64 = 50;

/// The most API keys of a service account, expired ones included.
pub const MAX_KEYS: u64 = 10;

/// For how long an API key may be good.
pub const MAX_LIFE: SignedDuration = SignedDuration::from_hours(366 * 24);

/// How long before its end whoever created a key is warned.
pub const WARNED_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// When the end of a key is announced; `None` for one that is created so late that its own announcement is enough.
pub fn warn_at(created_at: Timestamp, expires_at: Timestamp) -> Option<Timestamp> {
    let at = expires_at.saturating_sub(WARNED_BEFORE).unwrap_or(Timestamp::MIN);
    (at > created_at).then_some(at)
}

/// Checks the scopes and the end of a new key.
///
/// # Errors
/// [`crate::error::Error::Invalid`] with pointers into the request.
pub fn check(
    actions: &[Action],
    records: RecordScope,
    kinds: Option<&[Kind]>,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<Grants> {
    let mut violations = Violations::default();
    if actions.is_empty() {
        violations.push("/scopes/actions", "A key needs something that it may do.");
    }
    for (index, action) in actions.iter().enumerate() {
        let pointer = format!("/scopes/actions/{index}");
        if !action.fits_api_key() {
            violations.push(pointer, format!("{} is nothing for an API key.", action.as_str()));
        } else if actions[..index].contains(action) {
            violations.push(pointer, format!("{} stands twice.", action.as_str()));
        }
    }
    if kinds.is_some_and(<[Kind]>::is_empty) {
        violations.push(
            "/scopes/kinds",
            "Name at least one kind, or leave kinds out for all.",
        );
    }
    if expires_at <= now {
        violations.push("/expires_at", "It must be in the future.");
    } else if expires_at.duration_since(now) > MAX_LIFE {
        violations.push("/expires_at", "It may be at most 366 days ahead.");
    }
    violations.into_result()?;
    Ok(Grants {
        actions: actions.iter().copied().collect(),
        records,
        kinds: kinds.map(|kinds| kinds.iter().copied().collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn pointers(actions: &[Action], kinds: Option<&[Kind]>, days: i64, seconds: i64) -> Vec<String> {
        let end = now() + SignedDuration::from_hours(days * 24) + SignedDuration::from_secs(seconds);
        match check(actions, RecordScope::All, kinds, (now(), end)) {
            Ok(_) => Vec::new(),
            Err(Error::Invalid(violations)) => violations.into_iter().map(|found| found.pointer).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_key_has_an_end_within_a_year_and_a_day_and_does_only_what_keys_may() {
        use Action::{CloseOrganisation, ReadRecords, WriteRecords};
        assert!(pointers(&[ReadRecords, WriteRecords], None, 366, 0).is_empty());
        assert!(pointers(&[ReadRecords], Some(&[Kind::Asset]), 0, 1).is_empty());
        assert_eq!(pointers(&[ReadRecords], None, 366, 1), ["/expires_at"]);
        assert_eq!(pointers(&[ReadRecords], None, 0, 0), ["/expires_at"]);
        assert_eq!(pointers(&[], None, -1, 0), ["/scopes/actions", "/expires_at"]);
        assert_eq!(pointers(&[ReadRecords], Some(&[]), 1, 0), ["/scopes/kinds"]);
        let wrong = [ReadRecords, CloseOrganisation, ReadRecords];
        assert_eq!(
            pointers(&wrong, None, 1, 0),
            ["/scopes/actions/1", "/scopes/actions/2"]
        );
    }

    #[test]
    fn a_warning_comes_14_days_before_the_end_if_the_key_is_older_than_that() {
        let hours = SignedDuration::from_hours;
        assert_eq!(warn_at(now(), now() + hours(14 * 24)), None);
        let end = now() + hours(15 * 24);
        assert_eq!(warn_at(now(), end), Some(now() + hours(24)));
    }
}
