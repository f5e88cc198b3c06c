//! The Lambda function `organisation-cancel`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_CANCEL)
}
