//! The Lambda function `auth-confirm-email`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_CONFIRM_EMAIL)
}
