//! The Lambda function `organisation-transfer`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_TRANSFER)
}
