//! The Lambda function `auth-forgot-password`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_FORGOT_PASSWORD)
}
