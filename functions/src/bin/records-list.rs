//! The Lambda function `records-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::RECORDS_LIST)
}
