//! Text that people enter, parsed once.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Characters that change how text around them is shown, or are not shown at all: they make names look like others.
fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
    )
}

/// One line of text: NFC, without control or invisible characters, trimmed, 1 to `MAX` characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MAX: usize>(String);

/// Text of several lines, up to `MAX` characters; line feeds and tabs are kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lines<const MAX: usize>(String);

/// The characters that no text has, within the brackets of a pattern.
macro_rules! excluded {
    () => {
        r"\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB"
    };
}

macro_rules! text_type {
    ($name:ident, $pattern:expr) => {
        impl<const MAX: usize> $name<MAX> {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        // Text from people is personal data: it must not reach a log through `{:?}`.
        impl<const MAX: usize> fmt::Debug for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "…({} characters)", self.0.chars().count())
            }
        }

        impl<const MAX: usize> serde::Serialize for $name<MAX> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de, const MAX: usize> serde::Deserialize<'de> for $name<MAX> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl<const MAX: usize> schemars::JsonSchema for $name<MAX> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                concat!(stringify!($name)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "minLength": 1, "maxLength": MAX, "pattern": $pattern
                })
            }
        }
    };
}

text_type!(
    Line,
    concat!(
        r"^[^\u0000-\u001F\u007F-\u009F",
        excluded!(),
        r"]*[^\s\u0000-\u001F\u007F-\u009F",
        excluded!(),
        r"][^\u0000-\u001F\u007F-\u009F",
        excluded!(),
        "]*$"
    )
);
text_type!(
    Lines,
    concat!(
        r"^(?:\r\n|[^\u0000-\u0008\u000B-\u001F\u007F-\u009F",
        excluded!(),
        r"])*[^\s\u0000-\u001F\u007F-\u009F",
        excluded!(),
        r"](?:\r\n|[^\u0000-\u0008\u000B-\u001F\u007F-\u009F",
        excluded!(),
        "])*$"
    )
);

impl<const MAX: usize> Line<MAX> {
    /// Reads a line.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        check::<MAX>(text, |_| false).map(Self)
    }
}

impl<const MAX: usize> Lines<MAX> {
    /// Reads lines.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        check::<MAX>(&text.replace("\r\n", "\n"), |character| {
            matches!(character, '\n' | '\t')
        })
        .map(Self)
    }
}

fn check<const MAX: usize>(text: &str, allowed_control: fn(char) -> bool) -> Result<String, String> {
    let text: String = text.nfc().collect::<String>().trim().to_owned();
    let length = text.chars().count();
    if length == 0 {
        return Err("It must not be empty".to_owned());
    }
    if length > MAX {
        return Err(format!("It has {length} characters; at most {MAX} are allowed"));
    }
    if text
        .chars()
        .any(|character| character.is_control() && !allowed_control(character))
    {
        return Err("It must not contain control characters".to_owned());
    }
    if text.chars().any(is_deceptive) {
        return Err("It must not contain invisible or direction-changing characters".to_owned());
    }
    Ok(text)
}

/// Text of unknown origin as it may be shown in an error: short, printable.
pub fn shown(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control() && !is_deceptive(*character))
        .take(60)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_spellings_are_the_same_text() {
        assert_eq!(
            Line::<10>::parse("e\u{301}").unwrap(),
            Line::<10>::parse("é").unwrap()
        );
    }

    #[test]
    fn empty_long_control_and_invisible_text_is_refused() {
        for text in [
            "",
            "  ",
            "12345678901",
            "a\nb",
            "a\u{0}",
            "gpj\u{202E}exe",
            "a\u{200B}b",
            "\u{1b}[31m",
        ] {
            assert!(Line::<10>::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn line_feeds_are_kept_where_lines_are_meant() {
        assert_eq!(Lines::<10>::parse("a\r\nb").unwrap().as_str(), "a\nb");
    }

    #[test]
    fn debug_output_does_not_show_the_text() {
        assert!(!format!("{:?}", Line::<10>::parse("Ada").unwrap()).contains("Ada"));
    }
}
