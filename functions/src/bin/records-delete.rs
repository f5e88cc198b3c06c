//! The Lambda function `records-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::RECORDS_DELETE)
}
