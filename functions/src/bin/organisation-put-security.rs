//! The Lambda function `organisation-put-security`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_PUT_SECURITY)
}
