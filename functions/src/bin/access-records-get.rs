//! The Lambda function `access-records-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_RECORDS_GET)
}
