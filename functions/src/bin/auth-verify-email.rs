//! The Lambda function `auth-verify-email`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_VERIFY_EMAIL)
}
