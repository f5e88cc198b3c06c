//! The Lambda function `organisation-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_UPDATE)
}
