//! The Lambda function `access-decide`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_DECIDE)
}
