//! The Lambda function `organisation-get-security`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_GET_SECURITY)
}
