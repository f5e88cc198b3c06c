//! The Lambda function `auth-mfa`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_MFA)
}
