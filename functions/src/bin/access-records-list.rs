//! The Lambda function `access-records-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_RECORDS_LIST)
}
