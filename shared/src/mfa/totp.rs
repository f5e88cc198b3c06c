//! Time-based one-time codes (RFC 6238) from an authenticator app.

#[cfg(test)]
mod tests;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::entropy::{self, Entropy};

/// How long a code is shown, in seconds (RFC 6238 §5.2).
pub const STEP_SECONDS: u64 = 30;

/// How many steps a code may be early or late: clocks differ, and people type slowly.
const WINDOW: u64 = 1;

/// How many wrong codes a step takes before the rest of it is closed.
pub const MAX_FAILURES: u8 = 3;

const DIGITS: usize = 6;

/// What may stand in a URI as it is (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The hash that a code is made with. Ours are made with SHA-1, the only one that every app knows; the collisions that
/// broke it do not matter to HMAC (RFC 6238 §1.2 allows all three).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// The code of `digits` decimal digits, at most nine, that `secret` gives at `step` (RFC 4226 §5.3).
pub fn code_at(algorithm: Algorithm, secret: &[u8], step: u64, digits: usize) -> String {
    let algorithm = match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let word = tag[offset..offset + 4]
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    let number = (word & 0x7fff_ffff) % 10_u64.pow(digits.min(9) as u32);
    format!("{number:0digits$}")
}

/// The step that `now` lies in.
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0) / STEP_SECONDS
}

/// The sealed part of an authenticator: 160 random bits that the app and we share (RFC 4226 §4, R6). Wiped when
/// dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct Totp {
    secret: [u8; 20],
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Totp(…)")
    }
}

impl Totp {
    /// A new secret.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self {
            secret: entropy::bytes(entropy),
        }
    }

    /// The secret as it is typed into an app. Shown once, when it is made.
    pub fn reveal(&self) -> String {
        BASE32_NOPAD.encode(&self.secret)
    }

    /// The secret as an app reads it from a QR code. Shown once, when it is made. `issuer` is the operator's name,
    /// `account` the user's address: an app lists both.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let escape = |text| utf8_percent_encode(text, ESCAPED);
        format!(
            "otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            escape(issuer),
            escape(account),
            self.reveal(),
            escape(issuer),
        )
    }

    /// The code that an app shows at `now`.
    pub fn code(&self, now: Timestamp) -> Code {
        Code(self.digits_at(step_at(now)))
    }

    fn digits_at(&self, step: u64) -> String {
        code_at(Algorithm::Sha1, &self.secret, step, DIGITS)
    }

    /// The earliest step of the window around `now` that shows `code` and comes after `last`. The whole window is
    /// computed and compared in constant time, so the time taken says nothing about the code.
    fn matching_step(&self, code: &Code, now: u64, last: u64) -> Option<u64> {
        let mut found = None;
        for step in (now.saturating_sub(WINDOW)..=now + WINDOW).rev() {
            let digits = self.digits_at(step);
            let equal = verify_slices_are_equal(digits.as_bytes(), code.0.as_bytes()).is_ok();
            if equal && step > last {
                found = Some(step);
            }
        }
        found
    }
}

/// A code as somebody typed it: exactly six digits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Code {
    /// Reads a code; apps show it with spaces.
    ///
    /// # Errors
    /// When it is not six ASCII digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        // So many characters suffice for any way to space six digits; a longer text is not worth copying.
        let digits: String = text
            .chars()
            .take(32)
            .filter(|&character| character != ' ')
            .collect();
        if text.len() <= 32 && digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(format!("It must be the {DIGITS} digits that the app shows"))
        }
    }

    /// The digits.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Code {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TotpCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^ *([0-9] *){6}$", "maxLength": 32 })
    }
}

/// The clear part of an authenticator. Steps count from 1970; none of them tells a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpFacts {
    /// When the secret was made.
    pub created_at: Timestamp,
    /// When the user proved to have the secret; before, it is no factor.
    pub confirmed_at: Option<Timestamp>,
    /// The step of the last accepted code: neither it nor an earlier one is accepted again (RFC 6238 §5.2).
    pub last_step: u64,
    /// The step in which a code was wrong last.
    pub failed_step: u64,
    /// How many codes were wrong in it.
    pub failures: u8,
}

/// What becomes of a code. It holds only once the facts in it are stored on condition that the row did not change; a
/// request that loses that race is answered as if the code were wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The code is right and was not used. Store this.
    Accepted(TotpFacts),
    /// The code is wrong, or was used, or is older than one that was. Store this.
    Refused(TotpFacts),
    /// Too many were wrong in this step: the code was not looked at. Nothing is to be stored.
    Locked {
        /// When the step ends.
        until: Timestamp,
    },
    /// The user never proved to have the secret: there is no such factor. Nothing is to be stored.
    Unconfirmed,
}

impl TotpFacts {
    /// The facts of a secret that was just made.
    pub fn new(now: Timestamp) -> Self {
        Self {
            created_at: now,
            confirmed_at: None,
            last_step: 0,
            failed_step: 0,
            failures: 0,
        }
    }

    /// Whether it is a factor (B-15).
    pub fn is_confirmed(&self) -> bool {
        self.confirmed_at.is_some()
    }
}

/// Whether `code` counts as the second factor at `now`.
///
/// Three guesses a step are still 8,640 a day: who asks must also count failures on the account.
pub fn accept(facts: &TotpFacts, totp: &Totp, code: &Code, now: Timestamp) -> Verdict {
    if facts.is_confirmed() {
        judge(facts, totp, code, now)
    } else {
        Verdict::Unconfirmed
    }
}

/// Whether `code` proves that the user's app has the secret; then it becomes a factor. The code is used up by it.
pub fn confirm(facts: &TotpFacts, totp: &Totp, code: &Code, now: Timestamp) -> Verdict {
    match judge(facts, totp, code, now) {
        Verdict::Accepted(facts) => Verdict::Accepted(TotpFacts {
            confirmed_at: facts.confirmed_at.or(Some(now)),
            ..facts
        }),
        other => other,
    }
}

fn judge(facts: &TotpFacts, totp: &Totp, code: &Code, now: Timestamp) -> Verdict {
    let step = step_at(now);
    // A machine whose clock is a little behind must not forget what one before it counted.
    let (failed_step, failures) = if facts.failed_step >= step {
        (facts.failed_step, facts.failures)
    } else {
        (step, 0)
    };
    if failures >= MAX_FAILURES {
        return Verdict::Locked {
            until: end_of(failed_step),
        };
    }
    match totp.matching_step(code, step, facts.last_step) {
        Some(matching) => Verdict::Accepted(TotpFacts {
            last_step: matching,
            failures: 0,
            ..facts.clone()
        }),
        None => Verdict::Refused(TotpFacts {
            failed_step,
            failures: failures + 1,
            ..facts.clone()
        }),
    }
}

fn end_of(step: u64) -> Timestamp {
    i64::try_from((step + 1) * STEP_SECONDS)
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(Timestamp::MAX)
}
