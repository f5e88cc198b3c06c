//! The Lambda function `records-timeline`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::RECORDS_TIMELINE)
}
