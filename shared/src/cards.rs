//! Payment card numbers do not belong here: the payment provider has them (ITT-5, TRK-14, OCK-3). A request that holds
//! one is refused before anything of it is stored or logged.

use serde_json::Value;

use crate::error::Violation;

/// The places of an input in which a text holds a payment card number.
pub fn in_json(value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    walk(value, &mut String::new(), &mut found);
    found
}

fn walk(value: &Value, pointer: &mut String, found: &mut Vec<Violation>) {
    let mut inner = |name: &str, value: &Value| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        walk(value, pointer, found);
        pointer.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| inner(name, value)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(index, value)| inner(&index.to_string(), value)),
        Value::String(text) if is_in(text) => found.push(Violation::new(pointer.clone(), REFUSAL)),
        Value::Number(number) if is_in(&number.to_string()) => {
            found.push(Violation::new(pointer.clone(), REFUSAL));
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// What the caller is told.
pub const REFUSAL: &str =
    "This holds a payment card number. Card numbers are never stored here; the payment provider has them.";

/// Whether a text holds a payment card number: a run of digits, perhaps in groups, that has the length and the first
/// digits of a card network and the right check digit (ISO/IEC 7812). Other long numbers, such as the IMEI of a phone,
/// are not in these ranges.
pub fn is_in(text: &str) -> bool {
    let mut digits: Vec<u8> = Vec::new();
    let mut gap = false;
    for byte in text.bytes().chain([b'.']) {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte - b'0');
                gap = false;
            }
            b' ' | b'-' if !digits.is_empty() && !gap => gap = true,
            _ => {
                if is_card(&digits) {
                    return true;
                }
                digits.clear();
                gap = false;
            }
        }
    }
    false
}

fn is_card(digits: &[u8]) -> bool {
    let prefix = |length: usize| {
        digits
            .iter()
            .take(length)
            .fold(0_u32, |value, &digit| value * 10 + u32::from(digit))
    };
    let network = match digits.len() {
        13 | 19 => prefix(1) == 4,
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 65)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011)
                || matches!(prefix(3), 644..=649)
        }
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| {
            let doubled = u32::from(digit) * (1 + index as u32 % 2);
            doubled / 10 + doubled % 10
        })
        .sum();
    network && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn card_numbers_are_found_in_any_grouping() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "card: 5555555555554444!",
            "378282246310005",
            "2223003122003222",
            "6011111111111117",
            "3530111333300000",
            "4222222222222",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_not_card_numbers() {
        for text in [
            "4111111111111112",
            "490154203237518",
            "353041110098765",
            "SN-1234567890123456",
            "2026-11-22 4111",
            "",
            "41111111",
            "411111111111111111111111",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }

    #[test]
    fn each_place_is_named() {
        let found = in_json(&json!({"a": [{"b": "4111111111111111"}], "c": 5555555555554444_u64, "d": "x"}));
        let pointers: Vec<_> = found.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a/0/b", "/c"]);
    }
}
