//! The Lambda function `records-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::RECORDS_CREATE)
}
