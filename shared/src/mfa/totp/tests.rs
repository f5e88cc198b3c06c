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
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
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
fn b_07_a_clock_that_is_behind_forgets_no_failure() {
    let (mut facts, totp) = confirmed();
    for now in [later(1), noon(), later(1)] {
        let Verdict::Refused(next) = accept(&facts, &totp, &wrong(&totp), now) else {
            panic!("it is wrong")
        };
        facts = next;
    }
    let until = noon() + SignedDuration::from_secs(45);
    let verdict = accept(&facts, &totp, &totp.code(noon()), noon());
    assert_eq!(verdict, Verdict::Locked { until });
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
