//! Patterns for keys and objects: as wide as can be without allowing what is recorded elsewhere and was not used here.

use std::collections::BTreeSet;

/// What recorded calls have in place of an id.
const ID: &str = "00000000000000000000000000";

/// A pattern for each of the used texts, where `all` are the texts that anybody used on the same resource.
pub(super) fn patterns(used: &BTreeSet<&str>, all: &BTreeSet<&str>, separator: char) -> BTreeSet<String> {
    let others: Vec<_> = all.difference(used).collect();
    let fits = |candidate: &String| !others.iter().any(|other| is_like(candidate, other));
    let widest = |text: &&str| {
        let candidates = candidates(text, separator);
        let fitting = candidates.iter().find(|candidate| fits(candidate));
        fitting.cloned().unwrap_or_else(|| (*text).to_owned())
    };
    used.iter().map(widest).collect()
}

/// The text with a star for each placeholder.
pub(super) fn starred(text: &str) -> String {
    pieces(text).join("*")
}

/// From the widest to the narrowest: cut behind the first word, then at each placeholder, then whole.
fn candidates(text: &str, separator: char) -> Vec<String> {
    let mut candidates = Vec::new();
    if let Some((first, _)) = text.split_once(separator) {
        candidates.push(format!("{first}{separator}*"));
    }
    let pieces = pieces(text);
    let cuts = (1..pieces.len()).map(|end| pieces[..end].join("*") + "*");
    candidates.extend(cuts);
    candidates.push(pieces.join("*"));
    candidates
}

/// The parts of a text between its placeholders.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // The first word is the type of the item, whatever it is called.
        if pieces.len() + pieces[0].len() > 1 && matches!(word, ID | "0" | "kind" | "class") {
            pieces.push(String::new());
        } else if let Some(last) = pieces.last_mut() {
            last.push_str(word);
        }
        let mut letters = after.chars();
        if let Some(last) = pieces.last_mut() {
            last.extend(letters.next());
        }
        rest = letters.as_str();
    }
    pieces
}

/// Whether a text begins and goes on as the pieces between the stars of a pattern do.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len())
        .filter(|&start| rest.is_char_boundary(start))
        .any(|start| is_like(tail, &rest[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(used: &[&str], others: &[&str]) -> Vec<String> {
        let used: BTreeSet<_> = used.iter().copied().collect();
        let all = used.iter().chain(others).copied().collect();
        patterns(&used, &all, '#').into_iter().collect()
    }

    #[test]
    fn a_pattern_is_as_wide_as_the_others_let_it() {
        let user = format!("UNIT#user_{ID}");
        let content = format!("UNIT#org_{ID}.content");
        let billing = format!("UNIT#org_{ID}.billing");
        assert_eq!(of(&[&user], &["MAIL#0"]), ["UNIT#*"]);
        assert_eq!(of(&[&user], &[&content]), ["UNIT#user_*"]);
        assert_eq!(
            of(&[&user, &content], &[&billing]),
            ["UNIT#org_*.content", "UNIT#user_*"]
        );
        assert_eq!(of(&[&user, &content, &billing], &["UNIT"]), ["UNIT#*"]);
        assert_eq!(of(&["LEDGER"], &["LEDGERPENDING"]), ["LEDGER"]);
        assert_eq!(of(&["RATE#login#0"], &["RATE#reset#0"]), ["RATE#login#*"]);
    }

    #[test]
    fn every_placeholder_becomes_a_star() {
        assert_eq!(
            starred(&format!("org/org_{ID}/content/attachment_{ID}")),
            "org/org_*/content/attachment_*"
        );
        assert_eq!(starred(&format!("RECORD#org_{ID}#kind")), "RECORD#org_*#*");
        assert_eq!(starred("DUE#class#0"), "DUE#*#*");
        assert_eq!(starred("checkpoint"), "checkpoint");
    }
}
