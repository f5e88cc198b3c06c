//! The Lambda function `auth-reset-password`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_RESET_PASSWORD)
}
