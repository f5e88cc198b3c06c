//! The Lambda function `auth-sso-begin`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_SSO_BEGIN)
}
