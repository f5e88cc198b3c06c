//! The Lambda function `organisation-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_GET)
}
