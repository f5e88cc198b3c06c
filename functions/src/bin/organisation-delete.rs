//! The Lambda function `organisation-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_DELETE)
}
