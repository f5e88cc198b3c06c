//! The list of common passwords, searched where it lies: nothing is built from it, at start-up or later.
//!
//! It is part of the binary, so it cannot be out of reach when a password is chosen. Its source is in `README.md`.

use std::cmp::Ordering;

/// One entry a line, in NFC and lower case, sorted by its bytes.
const LIST: &str = include_str!("common.txt");

/// The characters of the shortest entry.
pub(super) const SHORTEST: usize = 8;

/// Whether the list has `password`, which is in lower case.
pub(super) fn listed(password: &str) -> bool {
    let list = LIST.as_bytes();
    let (mut low, mut high) = (0, list.len());
    // Both ends are beginnings of lines; the middle is moved to the beginning of its line.
    while low < high {
        let middle = low + (high - low) / 2;
        let start = list[low..middle]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(low, |newline| low + newline + 1);
        let end = list[middle..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(list.len(), |newline| middle + newline);
        match list[start..end].cmp(password.as_bytes()) {
            Ordering::Equal => return true,
            Ordering::Less => low = (end + 1).min(list.len()),
            Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[test]
    fn the_list_is_as_the_search_wants_it() {
        let lines: Vec<_> = LIST.lines().collect();
        assert!(
            lines.windows(2).all(|pair| pair[0] < pair[1]),
            "sorted, each once"
        );
        for line in &lines {
            assert_eq!(line.nfc().collect::<String>().to_lowercase(), *line);
            assert!(line.chars().count() >= SHORTEST, "{line}");
            assert!(!line.contains('@'), "{line}");
        }
        let long = lines
            .iter()
            .filter(|line| line.chars().count() >= super::super::MIN_CHARACTERS);
        assert!(long.count() >= 3_000, "ASVS 6.2.4");
    }

    #[test]
    fn every_entry_is_found_and_its_neighbours_are_not() {
        for line in LIST.lines() {
            assert!(listed(line), "{line}");
            assert!(!listed(&format!("{line}\u{1}")), "{line}");
        }
        for text in ["", "\n", "\u{1}", "zzzzzzzzzzzzzzzzzzzzz", "\u{10ffff}"] {
            assert!(!listed(text), "{text:?}");
        }
    }
}
