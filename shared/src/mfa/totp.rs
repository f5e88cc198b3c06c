//! Time-based one-time codes (RFC 6238) from an authenticator app.

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
    let failures = if facts.failed_step == step {
        facts.failures
    } else {
        0
    };
    if failures >= MAX_FAILURES {
        return Verdict::Locked { until: end_of(step) };
    }
    match totp.matching_step(code, step, facts.last_step) {
        Some(matching) => Verdict::Accepted(TotpFacts {
            last_step: matching,
            failures: 0,
            ..facts.clone()
        }),
        None => Verdict::Refused(TotpFacts {
            failed_step: step,
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The middle of a step.
    fn noon() -> Timestamp {
        at(1_795_348_815)
    }

    fn later(steps: i64) -> Timestamp {
        noon() + SignedDuration::from_secs(steps * 30)
    }

    fn confirmed() -> (TotpFacts, Totp) {
        let facts = TotpFacts {
            confirmed_at: Some(noon()),
            ..TotpFacts::new(noon())
        };
        (facts, Totp::new(&SystemEntropy))
    }

    /// A code that none of the steps around noon shows.
    fn wrong(totp: &Totp) -> Code {
        let shown: Vec<_> = (-9..9).map(|steps| totp.code(later(steps))).collect();
        (0..)
            .map(|number| Code(format!("{number:06}")))
            .find(|code| !shown.contains(code))
            .unwrap()
    }

    fn accepted(verdict: Verdict) -> TotpFacts {
        match verdict {
            Verdict::Accepted(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn b_01_the_vectors_of_rfc_6238_give_exact_codes() {
        let seed = |length: usize| {
            b"1234567890"
                .iter()
                .copied()
                .cycle()
                .take(length)
                .collect::<Vec<u8>>()
        };
        let vectors = [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ];
        for (second, codes) in vectors {
            let step = step_at(at(second));
            assert_eq!(code_at(Algorithm::Sha1, &seed(20), step, 8), codes[0], "{second}");
            assert_eq!(
                code_at(Algorithm::Sha256, &seed(32), step, 8),
                codes[1],
                "{second}"
            );
            assert_eq!(
                code_at(Algorithm::Sha512, &seed(64), step, 8),
                codes[2],
                "{second}"
            );
        }
    }

    #[test]
    fn b_01_the_counters_of_rfc_4226_give_exact_codes() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(code_at(Algorithm::Sha1, b"12345678901234567890", step, 6), code);
        }
    }

    #[test]
    fn b_02_a_code_is_accepted_once() {
        let (facts, totp) = confirmed();
        let code = totp.code(noon());
        let facts = accepted(accept(&facts, &totp, &code, noon()));
        for now in [noon(), later(1)] {
            assert!(
                matches!(accept(&facts, &totp, &code, now), Verdict::Refused(_)),
                "{now}"
            );
        }
    }

    #[test]
    fn b_02_no_earlier_code_is_accepted_after_a_later_one() {
        let (facts, totp) = confirmed();
        let facts = accepted(accept(&facts, &totp, &totp.code(later(1)), noon()));
        for steps in [-1, 0, 1] {
            let verdict = accept(&facts, &totp, &totp.code(later(steps)), noon());
            assert!(matches!(verdict, Verdict::Refused(_)), "{steps}: {verdict:?}");
        }
        accepted(accept(&facts, &totp, &totp.code(later(2)), later(1)));
    }

    #[test]
    fn b_05_the_window_is_one_step_each_way() {
        let (facts, totp) = confirmed();
        for steps in -3..=3 {
            let verdict = accept(&facts, &totp, &totp.code(later(steps)), noon());
            let is_near = (-1..=1).contains(&steps);
            assert_eq!(
                matches!(verdict, Verdict::Accepted(_)),
                is_near,
                "{steps}: {verdict:?}"
            );
        }
    }

    #[test]
    fn b_06_a_code_of_somebody_else_is_refused() {
        let (facts, totp) = confirmed();
        let other = (0..)
            .map(|_| Totp::new(&SystemEntropy).code(noon()))
            .find(|code| (-1..=1).all(|steps| totp.code(later(steps)) != *code))
            .unwrap();
        assert!(matches!(
            accept(&facts, &totp, &other, noon()),
            Verdict::Refused(_)
        ));
    }

    #[test]
    fn b_07_after_three_wrong_codes_the_rest_of_the_step_is_closed_also_for_the_right_one() {
        let (mut facts, totp) = confirmed();
        for failures in 1..=MAX_FAILURES {
            let Verdict::Refused(next) = accept(&facts, &totp, &wrong(&totp), noon()) else {
                panic!("it is wrong")
            };
            assert_eq!((next.failed_step, next.failures), (step_at(noon()), failures));
            facts = next;
        }
        let end = noon() + SignedDuration::from_secs(15);
        for now in [noon(), end - SignedDuration::from_millis(1)] {
            assert_eq!(
                accept(&facts, &totp, &totp.code(noon()), now),
                Verdict::Locked { until: end },
                "{now}"
            );
        }
        let facts = accepted(accept(&facts, &totp, &totp.code(end), end));
        assert_eq!(facts.failures, 0);
    }

    #[test]
    fn b_07_a_replayed_code_counts_as_wrong() {
        let (facts, totp) = confirmed();
        let mut facts = accepted(accept(&facts, &totp, &totp.code(noon()), noon()));
        for _ in 0..MAX_FAILURES {
            let Verdict::Refused(next) = accept(&facts, &totp, &totp.code(noon()), noon()) else {
                panic!("it was used")
            };
            facts = next;
        }
        assert!(matches!(
            accept(&facts, &totp, &totp.code(later(1)), noon()),
            Verdict::Locked { .. }
        ));
    }

    #[test]
    fn b_14_neither_secret_nor_code_shows_in_debug_output() {
        let (_, totp) = confirmed();
        let shown = format!("{totp:?} {:?}", totp.code(noon()));
        assert_eq!(shown, "Totp(…) Code(…)");
    }

    #[test]
    fn b_15_a_factor_counts_only_after_a_code_confirmed_it() {
        let (facts, totp) = (TotpFacts::new(noon()), Totp::new(&SystemEntropy));
        let code = totp.code(noon());
        assert_eq!(accept(&facts, &totp, &code, noon()), Verdict::Unconfirmed);
        let Verdict::Refused(still) = confirm(&facts, &totp, &wrong(&totp), noon()) else {
            panic!("it is wrong")
        };
        assert!(!still.is_confirmed());
        let facts = accepted(confirm(&still, &totp, &code, noon()));
        assert_eq!(facts.confirmed_at, Some(noon()));
        assert!(
            matches!(accept(&facts, &totp, &code, noon()), Verdict::Refused(_)),
            "the code that confirmed is used up"
        );
    }

    #[test]
    fn b_30_at_the_borders_of_steps_and_of_time_a_code_is_judged_by_the_given_clock() {
        let (facts, totp) = confirmed();
        let start = at(1_795_348_800);
        let code = totp.code(start);
        for (seconds, good) in [
            (-31, false),
            (-30, true),
            (-1, true),
            (0, true),
            (29, true),
            (59, true),
            (60, false),
        ] {
            let verdict = accept(&facts, &totp, &code, start + SignedDuration::from_secs(seconds));
            assert_eq!(
                matches!(verdict, Verdict::Accepted(_)),
                good,
                "{seconds}: {verdict:?}"
            );
        }
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let _ = accept(&facts, &totp, &code, now);
        }
    }

    #[test]
    fn b_30_a_clock_that_is_set_back_refuses_until_it_has_caught_up() {
        let (facts, totp) = confirmed();
        let facts = accepted(accept(&facts, &totp, &totp.code(noon()), noon()));
        let back = later(-3);
        assert!(matches!(
            accept(&facts, &totp, &totp.code(back), back),
            Verdict::Refused(_)
        ));
        accepted(accept(&facts, &totp, &totp.code(later(1)), later(1)));
    }

    #[test]
    fn a_code_is_six_ascii_digits_with_spaces_anywhere() {
        for text in ["123456", " 123 456 ", "1 2 3 4 5 6"] {
            assert_eq!(Code::parse(text).unwrap().reveal(), "123456", "{text:?}");
        }
        let long = format!("{}123456", " ".repeat(40));
        for text in [
            "",
            "12345",
            "1234567",
            "12345a",
            "-12345",
            "+12345",
            "123\t456",
            "123\u{a0}456",
            "１２３４５６",
            "١٢٣٤٥٦",
            "123456\0",
            "0x1234",
            "12.456",
            &long,
        ] {
            assert!(Code::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_cannot_add_parameters_to_the_uri_of_an_app() {
        let uri = Totp::new(&SystemEntropy).uri("Ad&Co: 100%", "a+b?secret=x#y/z@example.com");
        let (path, query) = uri.split_once('?').unwrap();
        assert_eq!(
            path,
            "otpauth://totp/Ad%26Co%3A%20100%25:a%2Bb%3Fsecret%3Dx%23y%2Fz%40example.com"
        );
        let names: Vec<_> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap().0)
            .collect();
        assert_eq!(names, ["secret", "issuer", "algorithm", "digits", "period"]);
    }

    #[test]
    fn an_app_that_reads_the_secret_shows_the_same_codes() {
        let totp = Totp::new(&SystemEntropy);
        let secret = BASE32_NOPAD.decode(totp.reveal().as_bytes()).unwrap();
        assert_eq!(secret.len() * 8, 160);
        let shown = code_at(Algorithm::Sha1, &secret, step_at(noon()), 6);
        assert_eq!(shown, totp.code(noon()).reveal());
    }
}
