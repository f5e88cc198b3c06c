//! The Lambda function `records-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::RECORDS_GET)
}
