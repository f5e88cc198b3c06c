//! Limits: how often something may be done in a fixed window of time.
//!
//! Each is one counter per subject and window, added to by DynamoDB itself, so requests at the same time cannot slip
//! past each other. What is counted is named by a keyed hash only. Around the border of two windows up to twice the
//! maximum can happen; limits are against floods, and [`softlock`](crate::softlock) is against guessing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::email::Email;
use crate::error::{Error, Result};
use crate::keys;

/// How often something may be done by one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Its name in keys; a fixed word without `#`.
    pub name: &'static str,
    /// The most in one window.
    pub max: u64,
    /// The length of a window, in whole seconds.
    pub window: SignedDuration,
}

impl Limit {
    const fn new(name: &'static str, max: u64, minutes: i64) -> Self {
        Self {
            name,
            max,
            window: SignedDuration::from_mins(minutes),
        }
    }
}

/// Tries to sign in, of one source address: one password for many accounts.
pub const SIGN_INS_OF_SOURCE: Limit = Limit::new("sign-in", 100, 10);
/// Registrations of one source address.
pub const REGISTRATIONS_OF_SOURCE: Limit = Limit::new("register", 20, 60);
/// Mails with a code, to one address.
pub const MAILS_TO_ADDRESS: Limit = Limit::new("mail-address", 5, 60);
/// Mails with a code, asked for by one source address.
pub const MAILS_OF_SOURCE: Limit = Limit::new("mail-source", 20, 60);
/// Codes tried by one source address.
pub const CODES_OF_SOURCE: Limit = Limit::new("code", 60, 10);
/// Refreshes of one session.
pub const REFRESHES_OF_SESSION: Limit = Limit::new("refresh", 60, 1);
/// Invitations of one organisation.
pub const INVITATIONS_OF_ORGANISATION: Limit = Limit::new("invitation", 50, 60);
/// Exports of one organisation.
pub const EXPORTS_OF_ORGANISATION: Limit = Limit::new("export", 10, 60);

/// Look-ups of one organisation outside: of a domain's challenge, of what an identity provider publishes.
pub const LOOKUPS_OF_ORGANISATION: Limit = Limit::new("lookup", 30, 60);

/// How often something was done in one window: the item's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Unix seconds after which nobody asks for it, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// Counts one more of what `limit` limits, for `subject`: an address, a session's id, an organisation's id.
///
/// # Errors
/// [`Error::TooManyRequests`] when there were as many as may be in this window; otherwise when the table or the key
/// service does not answer.
pub async fn count(ctx: &Ctx, limit: &Limit, subject: &str) -> Result<()> {
    let digest = ctx.root().await?.digest("limit", subject);
    let now = ctx.now();
    let (start, end) = window(limit, now);
    let key = keys::limit(limit.name, &digest, start);
    // The row outlives its window, so that a clock which lags a little finds it.
    let ttl = end.saturating_add(limit.window).unwrap_or(end);
    if ctx.store.count::<Counter>(&key, ttl).await? <= limit.max {
        return Ok(());
    }
    Err(Error::TooManyRequests {
        retry_after: seconds_until(end, now),
    })
}

/// Counts a mail with a code to `email` that somebody at `source` asks for.
///
/// # Errors
/// As [`count`].
pub async fn count_mail(ctx: &Ctx, source: &str, email: &Email) -> Result<()> {
    let address = email.canonical();
    tokio::try_join!(
        count(ctx, &MAILS_OF_SOURCE, source),
        count(ctx, &MAILS_TO_ADDRESS, &address)
    )?;
    Ok(())
}

/// The window that `now` is in: its beginning and the beginning of the next.
fn window(limit: &Limit, now: Timestamp) -> (Timestamp, Timestamp) {
    let length = limit.window.as_secs();
    let start = now.as_second() - now.as_second().rem_euclid(length);
    let instant = |second| Timestamp::from_second(second).unwrap_or(now);
    (instant(start), instant(start + length))
}

/// Whole seconds from `now` until `then`, rounded up, at least one.
pub(crate) fn seconds_until(then: Timestamp, now: Timestamp) -> i64 {
    let millis = then.as_millisecond() - now.as_millisecond();
    (millis + 999).div_euclid(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Limit; 9] = [
        SIGN_INS_OF_SOURCE,
        REGISTRATIONS_OF_SOURCE,
        MAILS_TO_ADDRESS,
        MAILS_OF_SOURCE,
        CODES_OF_SOURCE,
        REFRESHES_OF_SESSION,
        INVITATIONS_OF_ORGANISATION,
        EXPORTS_OF_ORGANISATION,
        LOOKUPS_OF_ORGANISATION,
    ];

    #[test]
    fn names_are_unique_and_fit_into_a_key() {
        let mut names: Vec<_> = ALL.iter().map(|limit| limit.name).collect();
        assert!(names.iter().all(|name| !name.contains('#')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    proptest! {
        #[test]
        fn every_instant_is_in_one_window_and_is_told_when_it_ends(millis in 0_i64..4_000_000_000_000, which in 0..ALL.len()) {
            let (limit, now) = (ALL[which], Timestamp::from_millisecond(millis).unwrap());
            let (start, end) = window(&limit, now);
            prop_assert!(start <= now && now < end);
            prop_assert_eq!(end.duration_since(start), limit.window);
            prop_assert_eq!(window(&limit, end).0, end);
            let retry = now + SignedDuration::from_secs(seconds_until(end, now));
            prop_assert!(retry >= end && retry < end + SignedDuration::from_secs(1));
        }
    }
}
