//! The one place that writes to the terminal: what the program says, apart from its log.

use std::io::Write as _;

/// Says something on standard output. It is no fault of the program when nobody reads it any more.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says on standard error what is wrong.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
