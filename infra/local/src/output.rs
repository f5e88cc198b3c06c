//! The one place that writes to the terminal: what the program says, apart from its log.

/// Says something on standard output.
#[expect(clippy::disallowed_macros, reason = "the program's own output, not a log")]
pub fn say(text: &str) {
    println!("{text}");
}

/// Says on standard error what is wrong.
#[expect(clippy::disallowed_macros, reason = "the program's own output, not a log")]
pub fn complain(text: &str) {
    eprintln!("{text}");
}
