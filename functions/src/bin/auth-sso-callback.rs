//! The Lambda function `auth-sso-callback`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_SSO_CALLBACK)
}
