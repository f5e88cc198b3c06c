//! The Lambda function `organisation-resume`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ORGANISATION_RESUME)
}
