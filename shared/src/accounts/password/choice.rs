//! Which passwords may be chosen: long enough, not about the account, not common, not easily guessed.
//!
//! No character is demanded or forbidden (NIST SP 800-63B-4 §3.1.1.2), nothing is asked of anybody else, and nothing here
//! can be unavailable: the lists are part of the binary.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::{PlainPassword, common};
use crate::email::Email;

/// The fewest characters of a password that is the only factor (NIST SP 800-63B-4 §3.1.1.2).
pub const MIN_CHARACTERS: usize = 15;

/// The fewest characters where a second factor is always asked for, too (NIST SP 800-63B-4 §3.1.1.2).
pub const MIN_CHARACTERS_WITH_SECOND_FACTOR: usize = 8;

/// The name that stands on everything of ours.
const PRODUCT: &str = "trackwell";

/// Words about the account that are shorter do not count: they are part of too many others.
const SHORTEST_WORD: usize = 4;

/// The most characters around a common password that do not make it another one.
const FEW: usize = 4;

/// The fewest different characters.
const DISTINCT: usize = 5;

/// How many characters are estimated at a time. What the estimate costs grows with the square of the length at least, and
/// most with characters that stand for others: 32 of the worst take some 0.1 s, 100 take a second.
const ESTIMATED: usize = 32;

/// How many guesses a password must withstand, as a power of ten, when it is the only factor: a stolen hash is tried
/// some ten times a second on one core.
const GUESSES: f64 = 10.0;

/// The same where a second factor is asked for: guessing goes through us, and ends at the softlock.
const GUESSES_WITH_SECOND_FACTOR: f64 = 6.0;

/// Rows of keyboards that the estimate does not know: French, German and Russian ones.
const ROWS: [&str; 7] = [
    "azertyuiop",
    "qsdfghjklm",
    "qwertzuiop",
    "yxcvbnm",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
];

/// Words at the end of a company's name that nobody says.
const LEGAL_FORMS: [&str; 16] = [
    "ab", "ag", "bv", "co", "corp", "gmbh", "inc", "kg", "limited", "llc", "ltd", "oy", "plc", "sa", "srl",
    "ug",
];

/// What a password is chosen for.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The account's address.
    pub email: &'a Email,
    /// Names that an attacker would try: the organisation's, the operator's.
    pub names: &'a [&'a str],
    /// Whether the account is never entered with the password alone.
    pub has_second_factor: bool,
}

impl PlainPassword {
    /// Whether the password may be chosen.
    ///
    /// # Errors
    /// Names the rule that it breaks (ASVS 6.2.1, 6.2.4, 6.2.11).
    pub fn may_be_chosen(&self, context: &Context<'_>) -> Result<(), String> {
        let (shortest, guesses) = if context.has_second_factor {
            (MIN_CHARACTERS_WITH_SECOND_FACTOR, GUESSES_WITH_SECOND_FACTOR)
        } else {
            (MIN_CHARACTERS, GUESSES)
        };
        let refused = |rule: &str| Err(rule.to_owned());
        if self.0.chars().count() < shortest {
            return Err(format!("It must have at least {shortest} characters"));
        }
        let lower = self.0.to_lowercase();
        if names_the_account(&lower, context) {
            return refused("It must not contain your e-mail address, your company's name or ours");
        }
        if lower.chars().collect::<BTreeSet<_>>().len() < DISTINCT {
            return refused("It must have at least 5 different characters");
        }
        if is_common(&lower) {
            return refused("It is a common password, or nearly one, and is among the first that are tried");
        }
        if withstands(&self.0, context) < guesses {
            return refused(
                "It is too easy to guess: common words, names, dates, rows of keys and repetitions count little. \
                 Add words that have nothing to do with each other",
            );
        }
        Ok(())
    }
}

/// Whether the password is on the list in any spelling, also with a few digits or signs before or behind it.
fn is_common(lower: &str) -> bool {
    let core = lower.trim_matches(|character: char| !character.is_alphabetic());
    let length = core.chars().count();
    let nearly = length >= common::SHORTEST && lower.chars().count() - length <= FEW;
    let spelt = |text: &str| {
        [text.to_owned(), plain_letters(text), plain_digits(text)]
            .iter()
            .any(|spelling| common::listed(spelling))
    };
    spelt(lower) || (nearly && spelt(core))
}

/// Whether the password has a name in it that belongs to the account or to us, however it is spelt.
fn names_the_account(lower: &str, context: &Context<'_>) -> bool {
    let password = letters_and_digits(lower);
    let local = context.email.local_part();
    let mailbox = local.split('+').next().unwrap_or(local);
    [local, mailbox, PRODUCT]
        .into_iter()
        .chain(context.names.iter().copied())
        .chain(context.names.iter().filter_map(|name| without_legal_form(name)))
        .map(letters_and_digits)
        .any(|word| word.chars().count() >= SHORTEST_WORD && password.contains(&word))
}

/// A company's name as people say it, if that is another one.
fn without_legal_form(name: &str) -> Option<&str> {
    let (said, form) = name.trim().rsplit_once(' ')?;
    LEGAL_FORMS
        .contains(&letters_and_digits(form).as_str())
        .then_some(said)
}

/// The letters and digits of a text, without what stands between them, and with letters for what looks like them.
fn letters_and_digits(text: &str) -> String {
    let normal: String = text.nfc().collect::<String>().to_lowercase();
    plain_letters(&normal)
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect()
}

/// The text with letters for the digits and signs that look like them.
fn plain_letters(lower: &str) -> String {
    let letter = |character| match character {
        '4' | '@' => 'a',
        '3' | '€' => 'e',
        '1' | '!' | '|' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    lower.chars().map(letter).collect()
}

/// The text with digits for the signs on the same keys: `!qaz@wsx` is typed like `1qaz2wsx`.
fn plain_digits(lower: &str) -> String {
    let digit = |character| match ")!@#$%^&*(".chars().position(|sign| sign == character) {
        Some(key) => char::from(b"0123456789"[key]),
        None => character,
    };
    lower.chars().map(digit).collect()
}

/// How many guesses find the password, as a power of ten: at least those that find its beginning, and its end.
fn withstands(password: &str, context: &Context<'_>) -> f64 {
    let words = context
        .names
        .iter()
        .copied()
        .chain([context.email.as_str(), PRODUCT]);
    let words = words
        .flat_map(|name| name.split(|character: char| !character.is_alphanumeric()))
        .filter(|word| !word.is_empty());
    let mut known: Vec<&str> = words.collect();
    for row in ROWS {
        known.extend(beginnings(row));
    }
    let characters: Vec<char> = password.chars().collect();
    let first = &characters[..characters.len().min(ESTIMATED)];
    let last = &characters[characters.len().saturating_sub(ESTIMATED)..];
    let parts = if characters.len() > ESTIMATED {
        vec![first, last]
    } else {
        vec![first]
    };
    let estimates = parts.into_iter().map(|part| {
        let typed: String = part.iter().collect();
        let on_keys = plain_digits(&typed);
        let estimate = estimate(&typed, &known);
        if on_keys == typed {
            estimate
        } else {
            estimate.min(self::estimate(&on_keys, &known))
        }
    });
    estimates.fold(0.0, f64::max)
}

/// The beginnings of a row of keys, from four keys on.
fn beginnings(row: &str) -> impl Iterator<Item = &str> {
    row.char_indices()
        .skip(SHORTEST_WORD)
        .map(|(end, _)| &row[..end])
        .chain([row])
}

/// How many guesses find the text by its patterns, as a power of ten.
///
/// This is the product of what each pattern costs. The estimate's own sum adds what it costs to find out how many patterns
/// there are, and calls two or three of the commonest passwords in a row good for that.
///
/// It reads the machine's clock for what it calls the current year; that only decides what a year in a password costs.
fn estimate(text: &str, known: &[&str]) -> f64 {
    let entropy = zxcvbn::zxcvbn(text, known);
    let patterns = entropy.sequence().iter();
    #[expect(clippy::cast_precision_loss, reason = "an order of magnitude is wanted")]
    patterns
        .map(|pattern| (pattern.guesses.unwrap_or(1).max(1) as f64).log10())
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose_with(password: &str, has_second_factor: bool) -> Result<(), String> {
        let email = Email::parse("ada.lovelace+tracker@example.com").unwrap();
        let context = Context {
            email: &email,
            names: &["Analytical Engines GmbH", "IT Trackr"],
            has_second_factor,
        };
        PlainPassword::parse(password).unwrap().may_be_chosen(&context)
    }

    fn choose(password: &str) -> Result<(), String> {
        choose_with(password, false)
    }

    fn assert_refused(password: &str, rule: &str) {
        let refusal = choose(password).expect_err(password);
        assert!(refusal.contains(rule), "{password}: {refusal}");
    }

    #[test]
    fn a_02_the_shortest_length_depends_on_the_second_factor() {
        assert_refused("fourteen chars", "at least 15");
        assert_eq!(choose_with("fourteen chars", true), Ok(()));
        assert_eq!(choose_with("kT9#vQ2x", true), Ok(()));
        assert!(choose_with("kT9#vQ2", true).unwrap_err().contains("at least 8"));
        for weak in [
            "password",
            "dragon12",
            "Sunshine1!",
            "qwertzuiop",
            "lovelace99",
            "11112222",
        ] {
            assert!(choose_with(weak, true).is_err(), "{weak}");
        }
        // Composed and decomposed, it is 14 characters.
        assert_refused("cafe\u{301} au lait t", "at least 15");
    }

    #[test]
    fn a_06_a_11_any_characters_do_when_they_are_not_easily_guessed() {
        for password in [
            "qmzkvjtwpbxhdlfgrync",
            "only lower case words",
            "a quiet harbour at dawn 7",
            "correct horse battery staple",
            "лошадь скрепка батарея",
            "パスワードではない長い文を使います",
            "lang 🐎 und 🦉 und 🐢 !",
            "  spaces at both ends  ",
        ] {
            assert_eq!(choose(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn a_03_long_passwords_are_taken() {
        let sentence = "each of these words stands here only once, as if nobody had ever thought of repeating one; \
            therefore 256 characters come together without much effort, and still there is room for a little more of \
            everything: rivers, lanterns, marble, thunder, cinnamon, harps.";
        for length in [64, 128, 256] {
            let password: String = sentence.chars().take(length).collect();
            assert_eq!(password.chars().count(), length);
            assert_eq!(choose(&password), Ok(()), "{length}");
        }
        let late = format!("{}{}", "a".repeat(40), "mkqzvjtwpbxhdlfgryncueosiahd");
        assert_eq!(choose(&late), Ok(()), "strong at its end");
    }

    #[test]
    fn a_07_common_passwords_are_refused() {
        for password in [
            "passwordpassword",
            "PASSWORDstandard",
            "p@sswordst4ndard!",
            "1qaz2wsx3edc4rfv",
            "!QAZ2wsx#EDC4rfv",
            "Mailcreated5240",
            "123456789012345",
            "passwordstandard1999",
        ] {
            assert_refused(password, "common password");
        }
    }

    #[test]
    fn a_07_walks_repetitions_dates_and_words_with_digits_are_refused() {
        for password in [
            "qwertyuiop123456",
            "Qwerty123456789!",
            "asdfghjklqwertyuiop",
            "azertyuiopqsdfghjklm",
            "qwertzuiopasdfg",
            "йцукенгшщзхъфыва",
            "zaq12wsxcde34rfv",
            "abcdefghijklmnopqrstuvwxyz",
            "Password1234567!",
            "password1qwerty123456letmein",
            "administrator123",
            "s3cr3tp4ssw0rd99",
            "welcome123456789",
            "football2024!!!!",
            "Summer2024Summer2024",
            "drowssapdrowssap",
            "letmein letmein letmein",
            "01011990010119900101",
            "11112222333344445555",
            "20001231200012312000",
            "0123456789abcdef",
            "Jesuschristislord",
        ] {
            assert!(choose(password).is_err(), "{password}");
        }
        assert_refused(&"0123456789abcdef".repeat(8), "too easy to guess");
        assert_refused(&"monkey12".repeat(16), "too easy to guess");
        assert_refused(&"a".repeat(256), "different characters");
    }

    #[test]
    fn a_09_names_of_the_account_are_refused_however_they_are_spelt() {
        for password in [
            "my ada.lovelace password",
            "My Ada Lovelace Tracker",
            "adalovelace rides a quiet horse",
            "analytical engines 1843 ok",
            "AnalyticalEngines rule the waves",
            "4n4lytic4l-eng1nes at midnight",
            "the tr4ckw3ll harbour at dawn",
            "the it-trackr harbour at dawn",
        ] {
            assert_refused(password, "company's name");
        }
        let email = Email::parse("ada@example.com").unwrap();
        let context = Context {
            email: &email,
            names: &["A B", ""],
            has_second_factor: false,
        };
        let password = PlainPassword::parse("a bold armada at dawn").unwrap();
        assert_eq!(
            password.may_be_chosen(&context),
            Ok(()),
            "short words do not count"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,256}", signs in "[4@8(<369!10$5+7%2a-f]{0,40}") {
            for password in [text, signs] {
                let _ = choose_with(&password, true);
            }
        }
    }
}
