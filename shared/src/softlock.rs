//! The softlock: how often one account can be guessed at, however many sources the guesses come from.
//!
//! A try is counted before it is verified, so tries at the same time cannot all be free; a right one clears the
//! count. The row is keyed by the keyed hash of the canonical address, and an address that nobody has gets one just the same.
//! While it is locked nothing is verified: a right password gets the answer of a wrong one, and neither counts.
//!
//! | failures      | the account is locked after each                        |
//! |---------------|---------------------------------------------------------|
//! | 1 to 4        | not at all                                              |
//! | 5 to 9        | for 30 seconds                                          |
//! | 10 to 29      | for 5 minutes                                           |
//! | 30 to 99      | for 1 hour                                              |
//! | 100           | until the password is reset; the row stays for 400 days |
//!
//! Below 100, all failures are forgotten 24 hours after the last. So 100 guesses take almost three days, and there are
//! no more before the owner acts.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::keys::{self, Key};
use crate::limits::seconds_until;
use crate::store::{Condition, Item, Raw, Transaction};

/// So many failures lock the account until its password is reset.
pub const RESET_NEEDED: u32 = 100;

/// After so long without a failure all are forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// So long the row of an account stays that needs a reset.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// How often a lost race is run again.
const ATTEMPTS: u32 = 4;

/// The failures of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Softlock {
    /// The failures, and the tries whose verification is not over.
    pub failures: u32,
    /// Until when no try is verified.
    pub locked_until: Timestamp,
    /// When the last of them began.
    pub last_at: Timestamp,
    /// When all of them are forgotten.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// Why a try is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Seconds after which a try can be verified; `None` when only a reset of the password helps.
    pub retry_after: Option<i64>,
}

impl Softlock {
    /// The state to write before a try is verified.
    ///
    /// # Errors
    /// When the account is locked: then nothing is written.
    pub fn reserve(before: Option<&Self>, now: Timestamp) -> Result<Self, Locked> {
        // TTL deletes late; the time decides.
        let before = before.filter(|before| now < before.expires_at);
        if let Some(before) = before.filter(|before| now < before.locked_until) {
            let retry_after =
                (before.failures < RESET_NEEDED).then(|| seconds_until(before.locked_until, now));
            return Err(Locked { retry_after });
        }
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let later = |by| now.saturating_add(by).unwrap_or(Timestamp::MAX);
        let kept = if failures < RESET_NEEDED { FORGOTTEN } else { KEPT };
        Ok(Self {
            failures,
            locked_until: delay(failures).map_or_else(|| later(KEPT), later),
            last_at: now,
            expires_at: later(kept),
            ttl: later(kept).as_second(),
        })
    }
}

/// How long an account is locked after so many failures; `None` is until a reset.
fn delay(failures: u32) -> Option<SignedDuration> {
    match failures {
        0..5 => Some(SignedDuration::ZERO),
        5..10 => Some(SignedDuration::from_secs(30)),
        10..30 => Some(SignedDuration::from_mins(5)),
        30..RESET_NEEDED => Some(SignedDuration::from_hours(1)),
        RESET_NEEDED.. => None,
    }
}

impl From<Locked> for Error {
    fn from(locked: Locked) -> Self {
        Self::TooManyRequests {
            // Waiting does not help who needs a reset, so they are told of the longest wait there is.
            retry_after: locked.retry_after.unwrap_or(KEPT.as_secs()),
        }
    }
}

/// The row of the account whose address has this keyed hash, for the round trip that finds the account.
pub(crate) fn key(email_digest: &str) -> Key {
    keys::softlock(email_digest)
}

/// Whether so many failures lock the account for longer than one less: then its owner is told, once per level.
pub(crate) fn is_first_of_level(failures: u32) -> bool {
    matches!(failures, 5 | 10 | 30 | RESET_NEEDED)
}

/// Counts a try for the account whose address has this keyed hash, before it is verified. `found` is its row as it was
/// just read.
///
/// The inner result says whether it may be. Who loses the race for the row too often is refused, too.
///
/// # Errors
/// When the table does not answer: then nothing may be verified.
pub(crate) async fn reserve(
    ctx: &Ctx,
    email_digest: &str,
    found: Option<&Raw>,
) -> Result<Result<Softlock, Locked>> {
    let key = key(email_digest);
    let mut before = found.map(Raw::decode::<Softlock>).transpose()?;
    for _ in 0..ATTEMPTS {
        let after = match Softlock::reserve(before.as_ref().map(|item| &item.facts), ctx.now()) {
            Ok(after) => after,
            Err(locked) => return Ok(Err(locked)),
        };
        let (item, condition) = match before {
            Some(before) => (before.next(after), Condition::version(before.version)),
            None => (Item::plain(key.clone(), after), Condition::absent()),
        };
        if ctx.store.put(&item, &condition).await? {
            return Ok(Ok(item.facts));
        }
        let found = ctx.store.get_one(&key).await?;
        before = found.map(|raw| raw.decode::<Softlock>()).transpose()?;
    }
    Ok(Err(Locked { retry_after: Some(1) }))
}

/// As [`reserve`], for who has not read the row.
///
/// # Errors
/// [`Error::TooManyRequests`] when the account is locked; otherwise when the table does not answer.
pub(crate) async fn count(ctx: &Ctx, email_digest: &str) -> Result<Softlock> {
    let found = ctx.store.get_one(&key(email_digest)).await?;
    Ok(reserve(ctx, email_digest, found.as_ref()).await??)
}

/// Adds to the transaction that the failures are forgotten: the account was entered, with every factor it has, or its
/// password was reset.
pub(crate) fn forget(transaction: &mut Transaction, email_digest: &str) {
    transaction.delete("softlock", &key(email_digest));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }

    /// Fails `times` times, each as soon as it can.
    fn fail(times: u32, now: &mut Timestamp) -> Softlock {
        let mut state = None;
        for _ in 0..times {
            if let Some(Softlock { locked_until, .. }) = state {
                *now = (*now).max(locked_until);
            }
            state = Some(Softlock::reserve(state.as_ref(), *now).unwrap());
        }
        state.unwrap()
    }

    #[test]
    fn a_24_delays_grow_as_documented_and_the_hundredth_failure_needs_a_reset() {
        for (failures, seconds) in [
            (1, 0),
            (4, 0),
            (5, 30),
            (9, 30),
            (10, 300),
            (29, 300),
            (30, 3_600),
            (99, 3_600),
        ] {
            let mut now = start();
            let state = fail(failures, &mut now);
            assert_eq!(state.failures, failures);
            assert_eq!(
                state.locked_until,
                now + SignedDuration::from_secs(seconds),
                "{failures}"
            );
            assert_eq!(state.expires_at, now + FORGOTTEN, "{failures}");
            if seconds > 0 {
                let almost = state.locked_until - SignedDuration::from_millis(1);
                let locked = |retry_after| Err(Locked { retry_after });
                assert_eq!(Softlock::reserve(Some(&state), now), locked(Some(seconds)));
                assert_eq!(Softlock::reserve(Some(&state), almost), locked(Some(1)));
            }
            assert!(
                Softlock::reserve(Some(&state), state.locked_until).is_ok(),
                "{failures}"
            );
        }
        let mut now = start();
        let state = fail(100, &mut now);
        assert!(now.duration_since(start()) > SignedDuration::from_hours(71));
        for days in [0, 1, 2, 399] {
            let later = now + SignedDuration::from_hours(24 * days);
            assert_eq!(
                Softlock::reserve(Some(&state), later),
                Err(Locked { retry_after: None }),
                "{days}"
            );
        }
    }

    #[test]
    fn failures_are_forgotten_a_day_after_the_last() {
        let mut now = start();
        let state = fail(99, &mut now);
        let almost = now + FORGOTTEN - SignedDuration::from_millis(1);
        assert_eq!(Softlock::reserve(Some(&state), almost).unwrap().failures, 100);
        assert_eq!(
            Softlock::reserve(Some(&state), now + FORGOTTEN).unwrap().failures,
            1
        );
    }

    proptest! {
        #[test]
        fn no_way_of_trying_gets_more_guesses_than_the_table_says(pauses in prop::collection::vec(0_i64..4_000, 1..400)) {
            let (mut now, mut state, mut guesses) = (start(), None::<Softlock>, 0_u32);
            for pause in pauses {
                now += SignedDuration::from_secs(pause);
                let before = state.clone();
                match Softlock::reserve(before.as_ref(), now) {
                    Ok(after) => {
                        guesses += 1;
                        prop_assert_eq!(after.failures, guesses, "each guess is counted");
                        prop_assert!(before.is_none_or(|before| before.locked_until <= now));
                        prop_assert!(after.locked_until >= now && after.expires_at > after.locked_until || guesses == 100);
                        state = Some(after);
                    }
                    Err(Locked { retry_after }) => {
                        let locked = before.unwrap();
                        prop_assert_eq!(retry_after.is_none(), locked.failures == RESET_NEEDED);
                        if let Some(seconds) = retry_after {
                            prop_assert!(now + SignedDuration::from_secs(seconds) >= locked.locked_until);
                        }
                    }
                }
            }
            prop_assert!(guesses <= RESET_NEEDED);
        }
    }
}
