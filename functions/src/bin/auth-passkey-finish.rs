//! The Lambda function `auth-passkey-finish`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_PASSKEY_FINISH)
}
