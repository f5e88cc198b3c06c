//! The Lambda function `records-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::RECORDS_UPDATE)
}
